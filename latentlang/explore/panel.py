"""What all explorers share: controls, a status line, figures, and a link to the numbers."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import ipywidgets as widgets
import pandas as pd
import plotly.graph_objects as go

from ..prompts.tasks import TASKS
from .drawing import redraw
from .room import BUSY, GAP, OUTDATED, STACKED, Room
from .worker import Latest

# A link with the look of a button: a browser saves what a link leads to.
_LINK = (
    "<a class='jupyter-widgets jupyter-button widget-button' download='{name}.csv' "
    "href='data:text/csv;charset=utf-8;base64,{data}'>Save the numbers as CSV</a>"
)
# Of two parts in a row that wraps: each fills what there is, and is never wider than the page.
_BESIDE = {"flex_flow": "row wrap", "flex": "1 1 340px", "min_width": "0", "max_width": "100%"}
# Columns share the row alike, as their figures do: a grid has no width but that of its column.
_COLUMN = {"flex": f"1 1 {(STACKED - GAP) // 2}px", "min_width": "0", "max_width": "100%"}
_NOT_CURRENT = "What is grey is not the current choice."


class Panel:
    """A widget tree: ``controls`` above, a status line, then parts (figures, or HTML) by name.

    The root carries the class ``latentlang-<name>``, each part ``latentlang-<part>``. While a
    computation runs it carries ``latentlang-busy``.

    Args:
        name: of the explorer.
        controls: the widgets to choose with, by name.
        columns: the widgets to draw into, by name: the parts of each column. The columns stand side
            by side where there is room.
        aside: parts that stand beside the controls where there is room.
        compute: called as ``compute(report, **choices)`` with the values of the controls by name.
        show: called as ``show(result)``; it draws into the parts and returns a message.
        display_only: the controls that change only how a result is drawn. They do not start the
            computation again.
    """

    def __init__(
        self,
        name: str,
        controls: dict[str, widgets.Widget],
        columns: Sequence[Mapping[str, widgets.Widget]],
        compute: Callable,
        show: Callable,
        display_only: tuple[str, ...] = (),
        aside: Mapping[str, widgets.Widget] = MappingProxyType({}),
    ) -> None:
        self.controls = controls
        self._parts = {key: part for some in (*columns, aside) for key, part in some.items()}
        self._columns = len(columns)
        self._room = Room(self._refit)
        self._figures: dict[str, go.Figure] = {}  # those on screen, by part
        self._drawing = threading.RLock()
        self._status = widgets.HTML(layout={"flex": "1 1 300px"})
        self._link = widgets.HTML().add_class("latentlang-link")
        work = partial(_without, display_only)
        self._latest = Latest(compute, partial(self._draw, show), self._say, work, self._outdate)
        self._quiet = threading.local()  # ``on`` in a thread whose changes ask for nothing
        self._stop = widgets.Button(
            description="Stop",
            icon="stop",
            tooltip="Give up this computation",
            layout={"display": "none"},
        )
        self._stop.on_click(lambda _: self._latest.stop())
        self._boxes = {
            key: widgets.VBox([part]).add_class(f"latentlang-{key}")
            for key, part in self._parts.items()
        }
        self.root = self._tree(columns, aside).add_class(f"latentlang-{name}")
        for control in controls.values():
            if "value" in control.traits():
                control.observe(lambda _: self._ask(), "value")
        if "swap" in controls:
            controls["swap"].on_click(lambda _: self._swap())
        on_close(self.root, self._latest.close)

    def _tree(
        self, columns: Sequence[Mapping[str, widgets.Widget]], aside: Mapping[str, widgets.Widget]
    ) -> widgets.VBox:
        """Return all widgets of the explorer in one."""
        wrapped = {"flex_flow": "row wrap", "width": "100%"}
        chosen = widgets.HBox([*self.controls.values()], layout=wrapped)
        if aside:
            chosen.layout = {**_BESIDE, "flex": "2 1 600px"}
            told = widgets.VBox([self._boxes[key] for key in aside], layout=_BESIDE)
            chosen = widgets.HBox([chosen, told], layout=wrapped)
        said = widgets.HBox([self._status, self._stop, self._link], layout=wrapped)
        boxes = [
            widgets.VBox([self._boxes[key] for key in column], layout=_COLUMN) for column in columns
        ]
        drawn = widgets.HBox(boxes, layout={**wrapped, "grid_gap": f"{GAP}px"})
        rows = [
            chosen,
            said.add_class("latentlang-status"),
            drawn.add_class("latentlang-columns"),
            self._room,
        ]
        return widgets.VBox(rows, layout={"width": "100%", "min_width": "0"})

    def _ask(self) -> None:
        if not getattr(self._quiet, "on", False):
            self._latest.ask(**self.choices())

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Let controls change without a request. What the reader changes meanwhile still asks."""
        self._quiet.on = True
        try:
            yield
        finally:
            self._quiet.on = False

    def _swap(self) -> None:
        """Exchange the two languages in one step; between two steps both would be the same."""
        first, second = self.controls["source"], self.controls["target"]
        with self.quietly():
            first.value, second.value = second.value, first.value
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

    def draw(self, part: str, figure: go.Figure) -> None:
        """Change the figure of a part into another one, as wide as its column."""
        with self._drawing:
            self._figures[part] = figure
            redraw(self._parts[part], figure, self._room.per_column(self._columns))

    def _refit(self) -> None:
        """Lay the figures out for the room that there is now."""
        with self._drawing:
            for part, figure in self._figures.items():
                redraw(self._parts[part], figure, self._room.per_column(self._columns))

    def offer(self, table: pd.DataFrame, name: str) -> None:
        """Offer the numbers behind the figures as a CSV file, marked as UTF-8 for Excel."""
        data = base64.b64encode(table.to_csv(index=False).encode("utf-8-sig")).decode()
        self._link.value = _LINK.format(name=name, data=data)

    def _draw(self, show: Callable, result: Any) -> str:
        """Show a result, which is then the current one, and return its message."""
        self._link.value = ""
        message = show(result)
        for box in self._boxes.values():
            box.remove_class(OUTDATED)
        return message

    def _outdate(self) -> None:
        """Grey what an earlier choice has drawn, and offer its numbers no longer."""
        for box in self._boxes.values():
            box.add_class(OUTDATED)
        self._link.value = _NOT_CURRENT

    def _say(self, message: str, busy: bool) -> None:
        if busy:
            self.root.add_class(BUSY)
        else:
            self.root.remove_class(BUSY)
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


def _without(names: tuple[str, ...], request: dict) -> dict:
    return {name: value for name, value in request.items() if name not in names}
