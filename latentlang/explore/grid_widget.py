"""The lens grid as a widget, so that an explorer can change what it shows."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from ..plots.grid import Grid, module
from ..plots.grid_state import fitting_state

CANDIDATES = 10  # of each cell: the tokens that a click lists


class GridWidget(anywidget.AnyWidget):
    """A lens grid whose data and state the kernel can read and change.

    ``data``: of ``Grid.data()``; empty at first. ``state``: what the reader has chosen, as
    ``Grid.state``. ``theme``: ``"light"``, ``"dark"``, or None to follow the notebook.
    """

    _esm = module("widget")
    data = traitlets.Dict().tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)
    theme = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    @classmethod
    def of(cls, grid: Grid) -> GridWidget:
        """Return a widget of a grid."""
        return cls(data=grid.data(), state=grid.state, theme=grid.theme)

    def show(self, grid: Grid) -> None:
        """Show another grid, and keep of the reader's state what fits it.

        Of a grid of another model, or of other languages, none of it does.
        """
        data = grid.data()
        alike = _asked(data) == _asked(self.data)
        with self.hold_sync():
            self.state = fitting_state(self.state, grid.grids) if alike else grid.state
            self.data = data


def _asked(data: dict[str, Any]) -> list[tuple]:
    """Return what a state is about: the model, the layers and the languages of each grid."""
    names = ("model", "layers", "languages")
    return [tuple(each[name] for name in names) for each in data.get("grids", ())]
