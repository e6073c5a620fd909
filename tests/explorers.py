"""Find what is on screen in an explorer, by what a reader sees."""

from __future__ import annotations

import re
import time

import ipywidgets as widgets
import numpy as np
from grids import unpacked


def walk(root):
    """Yield a widget and all widgets inside it."""
    yield root
    for child in getattr(root, "children", ()):
        yield from walk(child)


def find(root, name: str):
    """Return the control with this description."""
    return next(w for w in walk(root) if getattr(w, "description", None) == name)


def part(root, name: str):
    """Return what stands in the part of this class."""
    return next(
        w.children[0] for w in walk(root) if f"latentlang-{name}" in getattr(w, "_dom_classes", ())
    )


def texts(root) -> list[str]:
    """Return the HTML of all texts on screen."""
    return [w.value for w in walk(root) if isinstance(w, widgets.HTML)]


def status(root) -> str:
    found = next(text for text in texts(root) if "role='status'" in text)
    return re.sub("<[^>]+>", "", found)


def settled(root, seconds: float = 60) -> str:
    """Wait until the explorer has finished, and return what it says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if "⏳" not in status(root):
            return status(root)
        time.sleep(0.01)
    raise AssertionError(f"still busy: {status(root)}")


def followed(root, code: str) -> list[float]:
    """Return the curve of a language in an explorer's grid, at the last position."""
    data = part(root, "grid").data
    codes = [language["code"] for language in data["grids"][0]["languages"]]
    values = unpacked(data, 0, "probability")[codes.index(code), -1]
    return np.exp(values.astype(float)).tolist()
