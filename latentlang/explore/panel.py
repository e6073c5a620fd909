"""What all explorers share: controls, a status line, figures, and a link to the numbers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from ..plots.text import language_label
from ..prompts.tasks import TASKS, find_task
from ..prompts.words import language, languages, load_words
from .worker import Latest

# From plotly 6 on a FigureWidget does not see how wide its container is, and takes 700 pixels
# (plotly.py issue 5208).
WIDTH = 960
_LINK = (
    "<a download='{name}.csv' href='data:text/csv;charset=utf-8;base64,{data}'>"
    "Save the numbers as CSV</a>"
)


class Panel:
    """A widget tree: ``controls`` above, a status line, then ``parts`` (figures, or HTML) by name.

    The root carries the class ``latentlang-<name>``, each part ``latentlang-<part>``.

    Args:
        name: of the explorer.
        controls: the widgets to choose with, by name.
        parts: the widgets to draw into, by name.
        compute: called as ``compute(report, **choices)`` with the values of the controls by name.
        show: called as ``show(result)``; it draws into the parts and returns a message.
        display_only: the controls that change only how a result is drawn. They do not start the
            computation again.
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
        self._stop = widgets.Button(
            description="Stop",
            icon="stop",
            tooltip="Give up this computation",
            layout={"display": "none"},
        )
        self._stop.on_click(lambda _: self._latest.stop())
        for control in controls.values():
            if "value" in control.traits():
                control.observe(lambda _: self._ask(), "value")
        if "swap" in controls:
            controls["swap"].on_click(lambda _: self._swap())
        row = widgets.HBox([*controls.values(), self._stop], layout={"flex_flow": "row wrap"})
        boxes = [widgets.VBox([part]).add_class(f"latentlang-{key}") for key, part in parts.items()]
        self.root = widgets.VBox([row, self._status, *boxes, self._link]).add_class(
            f"latentlang-{name}"
        )
        on_close(self.root, self._latest.close)

    def _ask(self) -> None:
        if not self._quiet:
            self._latest.ask(**self.choices())

    def _swap(self) -> None:
        """Exchange the two languages in one step; between two steps both would be the same."""
        first, second = self.controls["source"], self.controls["target"]
        self._quiet = True
        first.value, second.value = second.value, first.value
        self._quiet = False
        self._ask()

    def choices(self) -> dict:
        """Return the values of the controls by name, and disable the controls that do not apply.

        A typed prompt leaves nothing to choose, and a task of one language has no source.
        """
        values = {
            key: control.value
            for key, control in self.controls.items()
            if "value" in control.traits()
        }
        has_text = bool(values.get("text", "").strip())
        for key in ("task", "source", "swap", "target", "concept"):
            if key in self.controls:
                self.controls[key].disabled = has_text or (
                    key in ("source", "swap") and not TASKS[values["task"]].needs_source
                )
        return values

    def first(self) -> widgets.VBox:
        """Compute the first picture now and return the widget.

        The picture is then in the notebook even where no kernel runs.
        """
        self._latest.run(self.choices())
        return self.root

    def offer(self, table: pd.DataFrame, name: str) -> None:
        """Offer the numbers behind the figures as a CSV file."""
        data = base64.b64encode(table.to_csv(index=False).encode()).decode()
        self._link.value = _LINK.format(name=name, data=data)

    def _say(self, message: str, busy: bool) -> None:
        sign = "⏳ " if busy else ""
        self._status.value = f"<div role='status' aria-live='polite'><b>{sign}{message}</b></div>"
        self._stop.layout.display = "inline-flex" if busy else "none"


def on_close(root: widgets.Widget, action: Callable[[], None] | None = None) -> None:
    """Close what is inside a widget, and do something, when the reader closes the widget."""

    def close(change: Any) -> None:
        if change.new is None:
            if action:
                action()
            for widget in list(_below(root)):
                widget.close()

    root.observe(close, "comm")  # which ends when the widget is closed


def _below(root: widgets.Widget) -> Iterator[widgets.Widget]:
    """Yield the widgets inside a widget."""
    for child in getattr(root, "children", ()):
        yield from _below(child)
        yield child


def pair_controls(task: str, source: str, target: str) -> dict[str, widgets.Widget]:
    """Return the controls of a task and a pair of languages, with a button that swaps the two."""
    for code in (source, target):
        language(code)
    find_task(task)
    table, names = load_words(), languages()
    choices = [(language_label(code), code) for code in names.index if code in table.columns]
    first = widgets.Dropdown(options=choices, value=source, description="From")
    second = widgets.Dropdown(options=choices, value=target, description="To")
    swap = widgets.Button(
        description="⇄ swap", tooltip="Swap the two languages", layout={"width": "80px"}
    )
    task = widgets.Dropdown(options=list(TASKS), value=task, description="Task")
    return {"task": task, "source": first, "swap": swap, "target": second}


def source_of(task: str, source: str) -> str | None:
    """Return the chosen source language if the task has one, else None."""
    return source if find_task(task).needs_source else None


def size_control(every: int) -> widgets.Dropdown:
    """Return the control for how many concepts of the list the prompts ask about."""
    sizes = {
        "every 16th concept": 16,
        "every 8th concept": 8,
        "every 4th concept": 4,
        "all concepts": 1,
    }
    if every not in sizes.values():
        sizes[f"every {every}th concept"] = every
    return widgets.Dropdown(options=list(sizes.items()), value=every, description="Concepts")


def figure_widget(name: str) -> go.FigureWidget:
    """Return an empty figure whose camera button saves a picture of twice the size as ``name``."""
    widget = go.FigureWidget()
    widget._config = {
        **(widget._config or {}),
        "toImageButtonOptions": {"filename": f"latentlang-{name}", "scale": 2},
        "displaylogo": False,
    }
    return widget


def redraw(widget: go.FigureWidget, figure: go.Figure, width: int = WIDTH) -> None:
    """Change a figure on screen into another one, trace by trace if the traces are alike.

    A sphere that the reader has turned stays turned.
    """
    if (
        figure.layout.scene.camera.eye.x is not None
        and widget.layout.scene.camera.eye.x is not None
    ):
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
        # From plotly 6 on a view that opens later (a reload, Voila, a saved page) starts from these
        # two, and plotly does not fill them for a figure inside another widget.
        widget._widget_layout = widget.layout.to_plotly_json()
        widget._widget_data = [trace.to_plotly_json() for trace in widget.data]


def _without(names: tuple[str, ...], request: dict) -> dict:
    return {name: value for name, value in request.items() if name not in names}
