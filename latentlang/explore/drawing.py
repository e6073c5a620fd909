"""Figures on screen that change in place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

import plotly.graph_objects as go
import traitlets

from ..plots.fit import fit

_Widget: type[go.FigureWidget] = go.FigureWidget
if hasattr(go.FigureWidget, "_esm"):  # plotly 5 has an extension of its own for Jupyter

    class _LateWidget(go.FigureWidget):
        """A figure that a slow page draws late, and never loses: see ``figure_widget.js``."""

        _esm = files("latentlang.explore").joinpath("figure_widget.js").read_text("utf-8")
        plotly = traitlets.Unicode(str(go.FigureWidget._esm)).tag(sync=True)
        changing = traitlets.Bool(False).tag(sync=True)

    _Widget = _LateWidget


def figure_widget(name: str) -> go.FigureWidget:
    """Return an empty figure whose camera button saves a picture of twice the size as ``name``."""
    widget = _Widget()
    widget._config = {
        **(widget._config or {}),
        "toImageButtonOptions": {"filename": f"latentlang-{name}", "scale": 2},
        "displaylogo": False,
    }
    return widget


def redraw(widget: go.FigureWidget, figure: go.Figure, width: int) -> None:
    """Change a figure on screen into another one, trace by trace if the traces are alike.

    A sphere that the reader has turned stays turned.
    """
    if (
        figure.layout.scene.camera.eye.x is not None
        and widget.layout.scene.camera.eye.x is not None
    ):
        figure.layout.scene.camera = widget.layout.scene.camera
    with _one_change(widget):
        with widget.batch_update():
            if [t.type for t in widget.data] == [t.type for t in figure.data]:
                for old, new in zip(widget.data, figure.data):
                    old.update(new.to_plotly_json(), overwrite=True)
            else:
                widget.data = ()
                widget.add_traces(figure.data)
            # From plotly 6 on a FigureWidget does not see how wide its container is, and takes 700
            # pixels (plotly.py issue 5208).
            widget.layout = fit(figure, width).update_layout(width=width).layout
        if hasattr(widget, "_widget_data"):
            # From plotly 6 on a view that opens later (a reload, Voila, a saved page) starts from
            # these two, and plotly does not fill them for a figure inside another widget.
            widget._widget_layout = widget.layout.to_plotly_json()
            widget._widget_data = [trace.to_plotly_json() for trace in widget.data]


@contextmanager
def _one_change(widget: go.FigureWidget) -> Iterator[None]:
    """Tell the page that what comes belongs together: a figure does not start amid a change."""
    if "changing" in widget.traits():
        widget.changing = True
    try:
        yield
    finally:
        if "changing" in widget.traits():
            widget.changing = False
