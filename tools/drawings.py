"""Draw figures as files, for readers without scripts and for paper."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import plotly
import plotly.graph_objects as go

WIDTH = 760  # pixels: about the text of a page, and what a sheet of paper takes
CLEAR = "rgba(0,0,0,0)"  # the page shows through: it may be dark
_LEFT_OUT = "Pages have no pictures for readers without scripts, nor for paper: {why}"


def draw(figures: dict[str, go.Figure], folder: Path) -> list[str]:
    """Draw each figure as an SVG file, with the Chromium that Kaleido finds.

    Args:
        figures: From the name of a file to its figure.
        folder: Where the files belong.

    Returns:
        The names of the files; none where nothing here can draw, and a sentence says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if int(plotly.__version__.partition(".")[0]) < 6:
        print(_LEFT_OUT.format(why="that needs plotly 6 or later."), file=sys.stderr)
        return []
    import kaleido
    from kaleido.errors import ChromeNotFoundError

    tasks = [
        {"fig": on_paper(figure).to_plotly_json(), "path": folder / name, "opts": _size(figure)}
        for name, figure in figures.items()
    ]
    # Without MathJax, which Kaleido would fetch from the network: no figure has a formula.
    options = {"mathjax": False, "n": os.cpu_count() or 1}
    try:
        kaleido.write_fig_from_object_sync(tasks, kopts=options, cancel_on_error=True)
    except ChromeNotFoundError:
        print(
            _LEFT_OUT.format(why="install Chromium, or set BROWSER_PATH to one."), file=sys.stderr
        )
        return []
    return list(figures)


def on_paper(figure: go.Figure) -> go.Figure:
    """Return a copy of a figure that paper can show: nothing to click, and no ground."""
    copied = go.Figure(figure)
    copied.layout.sliders = copied.layout.updatemenus = None
    return copied.update_layout(paper_bgcolor=CLEAR, plot_bgcolor=CLEAR)


def _size(figure: go.Figure) -> dict:
    return {"format": "svg", "width": WIDTH, "height": figure.layout.height or 450}
