"""Figures with a menu that works in the browser alone, without a kernel and without widgets."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from ..errors import DataError
from ..plots.fit import fit
from .room import WIDTH

_ROOM = 40  # pixels between the title and the drawing, for the menu


def wants_static(backend: str) -> bool:
    """Return whether ``backend`` asks for a figure instead of a widget."""
    if backend not in ("widget", "static"):
        raise DataError(
            f"Unknown backend '{backend}': use 'widget', or 'static' where widgets don't work."
        )
    return backend == "static"


def menu(figures: Mapping[str, go.Figure]) -> go.Figure:
    """Return one figure with a drop-down menu of several; the first one is visible at the start."""
    whole = go.Figure()
    for figure in figures.values():
        _make_room(fit(figure, WIDTH))
    area = next(iter(figures.values())).layout.meta["area"]
    owner: list[str] = []
    for name, figure in figures.items():
        for trace in figure.data:
            whole.add_trace(trace.update(visible=not owner or owner[0] == name))
            owner.append(name)
    buttons = []
    for name, figure in figures.items():
        layout = figure.layout.to_plotly_json()
        changed = {
            key: value
            for key, value in layout.items()
            if key not in ("template", "width", "height")
        }
        visible = [who == name for who in owner]
        buttons.append({"label": name, "method": "update", "args": [{"visible": visible}, changed]})
    whole.update_layout(next(iter(figures.values())).layout)
    dropdown = {
        "buttons": buttons,
        "x": 1,
        "xanchor": "right",
        "y": 1 + 24 / area,
        "yanchor": "bottom",
        "direction": "down",
    }
    return whole.update_layout(updatemenus=[dropdown], width=WIDTH)


def _make_room(figure: go.Figure) -> None:
    """Move the drawing down, so that the menu stands between it and the title."""
    height = figure.layout.height + _ROOM
    top = figure.layout.margin.t + _ROOM
    figure.update_layout(height=height, margin_t=top, title_y=1 - 24 / height)
