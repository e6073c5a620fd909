"""How much room an explorer has on the page, and how it looks there.

Python lays a figure out for a width, and only the page knows the width. It is measured where it is
shown, as soon as it is shown: a cell that is off the screen when it runs has no width yet.
"""

from __future__ import annotations

from collections.abc import Callable

import anywidget

WIDTH = 968  # pixels, until the page has said how wide it is: a cell of JupyterLab on a laptop
GAP = 8  # pixels between two columns
STACKED = 760  # pixels: where less is there, the columns stand one below the other
BUSY, OUTDATED = "latentlang-busy", "latentlang-outdated"

_MEASURE = """
export default { render({ model, el }) {
  let waiting, last;
  const watcher = new ResizeObserver(([entry]) => {
    clearTimeout(waiting);  // a window that is being dragged says many widths
    waiting = setTimeout(() => {
      const width = Math.floor(entry.contentRect.width);
      if (width > 0 && width !== last) model.send({ width: last = width });
    }, 100);
  });
  watcher.observe(el);
  return () => { clearTimeout(waiting); watcher.disconnect(); };
} };
"""
_LOOK = f"""
.{BUSY} .latentlang-columns {{ opacity: 0.5; }}
.{OUTDATED} {{ opacity: 0.3; filter: grayscale(1); }}
.latentlang-status {{ border-top: 3px solid transparent; }}
.{BUSY} .latentlang-status {{
  border-image: repeating-linear-gradient(90deg, #d55e00 0 24px, transparent 24px 48px) 1;
  animation: latentlang-busy 1s steps(2) infinite;
}}
@keyframes latentlang-busy {{ 50% {{ border-image-source: repeating-linear-gradient(
  90deg, transparent 0 24px, #d55e00 24px 48px); }} }}
@media (prefers-reduced-motion: reduce) {{ .latentlang-status {{ animation: none !important; }} }}
.latentlang-link a {{ width: auto; text-decoration: none; }}
"""


class Room(anywidget.AnyWidget):
    """A line without height that says how wide the page is: ``width``, in pixels.

    Args:
        changed: called after another width was said.
    """

    _esm = _MEASURE
    _css = _LOOK

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(layout={"width": "auto", "height": "0", "margin": "0"})
        self.width, self._tell = WIDTH, changed
        self.on_msg(lambda _, said, __: self.measured(said["width"]))

    def measured(self, width: int) -> None:
        """Take the width that the page says."""
        if width != self.width:
            self.width = width
            self._tell()

    def per_column(self, n_columns: int) -> int:
        """Return how wide each of some columns is, in pixels."""
        beside = n_columns if self.width >= STACKED else 1
        return (self.width - GAP * (beside - 1)) // beside
