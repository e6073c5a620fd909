"""Marks that ``fit`` moves: labels at line ends, shaded layers and their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from .measure import wrapped
from .style import MUTED_COLOR, QUIET_FILL


def add_end_label(
    figure: go.Figure, xaxis: str, yaxis: str, y: float, text: str, color: str
) -> None:
    """Write a name beside the end of a line, in its colour; ``fit`` moves it off the others.

    ``xaxis``, ``yaxis``: of the line's trace, such as ``x2`` and ``y2``.
    """
    figure.add_annotation(
        name="end",
        x=1,
        xref=f"{xaxis} domain",
        xanchor="left",
        xshift=6,
        y=y,
        yref=yaxis,
        align="left",
        showarrow=False,
        text=text,
        font={"color": color},
    )


def name_panel(figure: go.Figure, text: str, *, xref: str, yref: str, **place: Any) -> None:
    """Write a name of one or two lines above a panel; ``fit`` breaks it where it is too wide.

    ``xref``, ``yref``: what it stands on, such as ``x2 domain``. ``place``: where on it.
    """
    figure.add_annotation(
        name="panel",
        text=text,
        hovertext=text,
        xref=xref,
        y=1,
        yref=yref,
        yanchor="bottom",
        showarrow=False,
        **place,
    )


def shade(
    figure: go.Figure,
    name: str,
    start: float,
    end: float,
    color: str,
    *,
    yaxis: str = "",
    text: str = "",
    xaxis: str = "x",
    ink: str = MUTED_COLOR,
) -> None:
    """Shade layers from ``start`` to ``end`` over all panels, or over one; ``text`` names them.

    ``name``: of the shade, once per figure. ``yaxis``: of one panel, such as ``y2``. ``ink``: the
    colour of the text.
    """
    figure.add_shape(
        type="rect",
        name=f"span {name}",
        xref=xaxis,
        yref=f"{yaxis} domain" if yaxis else "paper",
        x0=start,
        x1=end,
        y0=0,
        y1=1,
        fillcolor=color,
        line_width=0,
        layer="below",
    )
    if text:
        figure.add_annotation(
            name=f"span {name}",
            x=(start + end) / 2,
            xref=xaxis,
            y=1,
            yref=f"{yaxis or 'y'} domain",
            yanchor="bottom",
            text=text,
            showarrow=False,
            font={"color": ink},
        )


def mark_quiet(
    figure: go.Figure, layers: Sequence[int], count: int = 0, why: str = "", grey: bool = True
) -> None:
    """Grey the first ``count`` layers; the title says once that all in them is ``why``.

    ``grey``: False where the layers are shaded otherwise. A narrow screen leaves them out anyway.
    """
    meta = dict(figure.layout.meta or {}) | {"layers": [layers[0], layers[-1]]}
    if count:
        meta |= {"quiet": layers[count - 1], "why": why, "grey": grey}
    if count and grey:
        shade(figure, "quiet", layers[0] - 0.5, layers[count - 1] + 0.5, QUIET_FILL)
    figure.update_layout(meta=meta)


def wrap_panel_names(figure: go.Figure, room: float) -> int:
    """Break the names above panels into lines that fit, and return how many more lines they take.

    Such a note is called ``panel``, and keeps its whole text, two lines, in its hover.
    """
    most = 2
    for note in (note for note in figure.layout.annotations if note.name == "panel"):
        axis = figure.layout["xaxis" + note.xref.removesuffix(" domain")[1:]]
        name, *rest = note.hovertext.split("<br>")
        lines = [*wrapped(name, 12, room * (axis.domain[1] - axis.domain[0])), *rest]
        note.text = "<br>".join(lines)
        most = max(most, len(lines))
    return most - 2
