"""Where in the depth of each model English peaks, and language and concept are decided."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from ..errors import DataError
from .fit import finish
from .messages import sentence, share
from .style import OTHER_COLOR, PIVOT_COLOR, TARGET_COLOR
from .text import escape

_ROW = 26  # pixels
_MARKS = {
    "language_depth": ("the language is decided", "square", TARGET_COLOR),
    "concept_depth": ("the concept is decided", "diamond", OTHER_COLOR),
    "pivot_depth": ("English peaks", "circle", PIVOT_COLOR),
}


def atlas(table: pd.DataFrame, *, theme: str | None = None, width: int | None = None) -> go.Figure:
    """Draw the atlas: one line per model, and a mark for each depth that is known.

    Filled marks are measured here, and open ones are published. Models without a known depth are
    left out.

    Args:
        table: the atlas, such as ``ll.data.results("atlas")``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a table without the columns of the atlas or without a depth, or an unknown
            theme.
    """
    lacking = {"model", "kind", *_MARKS} - set(table)
    if lacking:
        raise DataError(f"The atlas has no column '{min(lacking)}': pass ll.data.results('atlas').")
    known = table.dropna(subset=list(_MARKS), how="all")
    if known.empty:
        raise DataError("No model of this atlas has a known depth: measure one first.")
    lines = list(dict.fromkeys(escape(str(name)) for name in known["model"]))
    figure = go.Figure()
    for column, (meaning, symbol, color) in _MARKS.items():
        for kind, opened in (("measured", ""), ("published", "-open")):
            part = known[known["kind"] == kind].dropna(subset=[column])
            if len(part):
                figure.add_scatter(
                    x=part[column].astype(float).tolist(),
                    y=[escape(str(name)) for name in part["model"]],
                    name=f"{meaning}, {kind}",
                    mode="markers",
                    marker={"symbol": symbol + opened, "color": color, "size": 11},
                    hovertemplate="%{y}: %{x:.2f}",
                )
    figure.update_xaxes(title_text="depth", range=[0, 1.02])
    order = {"categoryorder": "array", "categoryarray": lines[::-1]}
    figure.update_yaxes(tickvals=lines, ticktext=lines, **order)
    figure.update_layout(showlegend=True, hovermode="closest")
    notes = ["Filled marks: measured here. Open marks: published; the table has their sources."]
    return finish(
        figure,
        _message(known),
        ["At which depth does it happen?", "depth: layer divided by the number of layers"],
        notes=notes,
        area=_ROW * max(5, len(lines)),
        theme=theme,
        width=width,
    )


def _message(known: pd.DataFrame) -> str:
    """Return between which depths English peaks, and how often the language comes first."""
    parts = []
    peaks = known["pivot_depth"].dropna().astype(float)
    if len(peaks):
        low, high = share(peaks.min()), share(peaks.max())
        where = low if low == high else f"{low} to {high}"
        parts.append(f"English peaks at {where} of the depth")
    both = known.dropna(subset=["language_depth", "concept_depth"])
    if len(both):
        first = int((both["language_depth"] < both["concept_depth"]).sum())
        parts.append(f"the language is decided before the concept in {first} of {len(both)} rows")
    return sentence(parts or ["Where language and concept are decided"])
