"""What all explorers share: controls, a status line, figures that are changed in place, and the numbers to take away."""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from functools import partial

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from ..data import language, languages, load_words
from ..display import language_label
from ..errors import DataError, near
from ..prompts import TASKS
from .worker import Latest

WIDTH = 960  # from plotly 6 on a FigureWidget does not see how wide its place is, and takes 700 pixels (plotly.py issue 5208)
_LINK = "<a download='{name}.csv' href='data:text/csv;charset=utf-8;base64,{data}'>Save the numbers as CSV</a>"


class Panel:
    """A widget tree: ``controls`` above, a status line, then ``parts`` (figures, or HTML) by name.

    ``compute(report, **chosen)`` gets the controls' values by name; ``show(result)`` draws into the parts and returns what to say.
    ``display_only``: controls that change what is shown of a computation, and do not start it anew.
    The root carries the class ``latentlang-<name>``, each part ``latentlang-<part>``.
    """

    def __init__(
        self,
        name: str,
        controls: dict[str, widgets.Widget],
        parts: dict[str, widgets.Widget],
        compute: Callable,
        show: Callable,
        display_only: tuple[str, ...] = (),
    ) -> None:
        self.controls = controls
        self._status, self._link = widgets.HTML(), widgets.HTML()
        work = partial(_without, display_only)
        self._latest = Latest(compute, show, self._say, work)
        self._quiet = False
        self._stop = widgets.Button(description="Stop", icon="stop", tooltip="Give up this computation", layout={"display": "none"})
        self._stop.on_click(lambda _: self._latest.stop())
        for control in controls.values():
            if "value" in control.traits():
                control.observe(lambda _: self._ask(), "value")
        if "swap" in controls:
            controls["swap"].on_click(lambda _: self._swap())
        row = widgets.HBox([*controls.values(), self._stop], layout={"flex_flow": "row wrap"})
        shown = [widgets.VBox([part]).add_class(f"latentlang-{key}") for key, part in parts.items()]
        self.root = widgets.VBox([row, self._status, *shown, self._link]).add_class(f"latentlang-{name}")

    def _ask(self) -> None:
        if not self._quiet:
            self._latest.ask(**self.chosen())

    def _swap(self) -> None:
        """Exchange the two languages in one step: on the way both would be the same."""
        first, second = self.controls["source"], self.controls["target"]
        self._quiet = True
        first.value, second.value = second.value, first.value
        self._quiet = False
        self._ask()

    def chosen(self) -> dict:
        """Return the values of the controls by name; a source has no part in a task of one language."""
        values = {key: control.value for key, control in self.controls.items() if "value" in control.traits()}
        typed = bool(values.get("text", "").strip())  # a prompt of one's own: nothing is left to choose
        for key in ("task", "source", "swap", "target", "concept"):
            if key in self.controls:
                self.controls[key].disabled = typed or (key in ("source", "swap") and values["task"] != "translation")
        return values

    def first(self) -> widgets.VBox:
        """Compute the first picture here and now, so that it is in the notebook where no kernel runs, and return the widget."""
        self._latest.run(self.chosen())
        return self.root

    def offer(self, table: pd.DataFrame, name: str) -> None:
        """Offer the numbers behind the figures as a file."""
        data = base64.b64encode(table.to_csv(index=False).encode()).decode()
        self._link.value = _LINK.format(name=name, data=data)

    def _say(self, message: str, busy: bool) -> None:
        sign = "⏳ " if busy else ""
        self._status.value = f"<div role='status' aria-live='polite'><b>{sign}{message}</b></div>"
        self._stop.layout.display = "inline-flex" if busy else "none"


def pair_controls(task: str, source: str, target: str) -> dict[str, widgets.Widget]:
    """Return the controls of a task and a pair of languages, with a button that swaps the two."""
    for code in (source, target):
        language(code)
    if task not in TASKS:
        raise DataError(f"Unknown task '{task}'.{near(task, TASKS)} Use one of {', '.join(TASKS)}.")
    table, names = load_words(), languages()
    known = [(language_label(code), code) for code in names.index if code in table.columns]
    first = widgets.Dropdown(options=known, value=source, description="From")
    second = widgets.Dropdown(options=known, value=target, description="To")
    swap = widgets.Button(description="⇄ swap", tooltip="Swap the two languages", layout={"width": "80px"})
    task = widgets.Dropdown(options=TASKS, value=task, description="Task")
    return {"task": task, "source": first, "swap": swap, "target": second}


def size_control(every: int) -> widgets.Dropdown:
    """Return the choice of how many concepts of the list are asked about."""
    sizes = {"every 16th concept": 16, "every 8th concept": 8, "every 4th concept": 4, "all concepts": 1}
    if every not in sizes.values():
        sizes[f"every {every}th concept"] = every
    return widgets.Dropdown(options=list(sizes.items()), value=every, description="Concepts")


def figure_widget(name: str) -> go.FigureWidget:
    """Return an empty figure whose camera button saves a picture of twice the size under this name."""
    widget = go.FigureWidget()
    widget._config = {
        **(widget._config or {}),
        "toImageButtonOptions": {"filename": f"latentlang-{name}", "scale": 2},
        "displaylogo": False,
    }
    return widget


def redraw(widget: go.FigureWidget, figure: go.Figure, width: int = WIDTH) -> None:
    """Change a figure on screen into another one, trace by trace where the traces are alike; a turned sphere stays turned."""
    if figure.layout.scene.camera.eye.x is not None and widget.layout.scene.camera.eye.x is not None:
        figure.layout.scene.camera = widget.layout.scene.camera
    with widget.batch_update():
        if [t.type for t in widget.data] == [t.type for t in figure.data]:
            for old, new in zip(widget.data, figure.data):
                old.update(new.to_plotly_json(), overwrite=True)
        else:
            widget.data = ()
            widget.add_traces(figure.data)
        widget.layout = figure.update_layout(width=width).layout
    if hasattr(widget, "_widget_data"):
        # From plotly 6 on a view that opens later (a reload, Voila, a saved page) starts from these, and nobody else
        # fills them for a figure inside another widget.
        widget._widget_layout, widget._widget_data = deepcopy(widget._layout_obj._props), deepcopy(widget._data)


def _without(names: tuple[str, ...], request: dict) -> dict:
    return {name: value for name, value in request.items() if name not in names}
