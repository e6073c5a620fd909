"""One slide about a word: what every notebook measured for it, beside the mean of many words."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..errors import DataError
from .fit import finish
from .messages import sentence
from .style import MUTED_COLOR, PIVOT_COLOR
from .text import escape

_ROW = 34  # pixels
_FEWEST = 10  # layers that the axis shows at least
# A panel each: the title of its axis, and the plural.
_UNITS = {"probability": ("probability or share", "probabilities"), "layer": ("layer", "layers")}
_LOOKS = {
    "word": ("this word", "circle", PIVOT_COLOR),
    "mean": ("mean of many words", "diamond-open", MUTED_COLOR),
}


def slide(
    table: pd.DataFrame,
    word: str,
    said: str,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw each quantity of a word beside its mean: probabilities above, layers below.

    Args:
        table: one row per quantity: notebook, quantity, unit (``"probability"`` or ``"layer"``),
            word and mean. A missing number has no mark.
        word: the word and its languages, for the title.
        said: a sentence of the reader's own, for the second line.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a table without rows, or an unknown theme.
    """
    if table.empty:
        raise DataError("This table has no row: pass ll.my_word().to_frame().")
    panels = [table[table["unit"] == unit] for unit in _UNITS if unit in set(table["unit"])]
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        row_heights=[len(panel) + 1 for panel in panels],
        vertical_spacing=0.16,
    )
    for row, panel in enumerate(panels, 1):
        _add_panel(figure, panel, row)
    figure.update_layout(hovermode="closest", showlegend=True)
    return finish(
        figure,
        sentence([f"{escape(word)}: {_message(table)}"]),
        [escape(said)],
        notes=[
            "The number in front is that of the notebook.",
            "No mark: not measured, not found, or not stored.",
        ],
        area=_ROW * (len(table) + 2 * len(panels)),
        theme=theme,
        width=width,
    )


def _add_panel(figure: go.Figure, panel: pd.DataFrame, row: int) -> None:
    """Draw the quantities of one unit, the first notebook on top."""
    names = [f"{n} · {escape(what)}" for n, what in zip(panel["notebook"], panel["quantity"])]
    unit = panel["unit"].iloc[0]
    layers = unit == "layer"
    for column, (name, symbol, color) in _LOOKS.items():
        figure.add_scatter(
            x=panel[column].astype(float).tolist(),
            y=names,
            name=name,
            mode="markers",
            marker={"symbol": symbol, "color": color, "size": 12},
            hovertemplate="%{y}: %{x:.3~g}" if layers else "%{y}: %{x:.1%}",
            showlegend=row == 1,
            cliponaxis=False,
            row=row,
            col=1,
        )
    highest = panel[["word", "mean"]].astype(float).max().max()
    end = max(_FEWEST, highest + 1) if layers else max(1, highest) * 1.02
    figure.update_xaxes(
        title_text=_UNITS[unit][0],
        range=[0.5 if layers else -0.02, end],
        tickformat="d" if layers else ".0%",
        row=row,
        col=1,
    )
    order = {"categoryorder": "array", "categoryarray": names[::-1]}
    figure.update_yaxes(tickvals=names, ticktext=names, **order, row=row, col=1)


def _message(table: pd.DataFrame) -> str:
    """Return in how many quantities the word is above the mean, and at how many layers later."""
    parts = []
    known = table.dropna(subset=["word", "mean"])
    for unit, more in (("probability", "above the mean"), ("layer", "later than the mean")):
        part = known[known["unit"] == unit]
        if len(part):
            count = int((part["word"].astype(float) > part["mean"].astype(float)).sum())
            things = _UNITS[unit][1] if len(part) > 1 else unit
            parts.append(f"{more} in {count} of {len(part)} {things}")
    return " and ".join(parts) or "nothing is measured yet"
