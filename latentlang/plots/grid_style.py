"""How a lens grid looks: the colours of all figures as variables, and ``grid.css``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from .style import (
    FONT,
    GRID_COLOR,
    INK,
    MUTED_COLOR,
    OTHER_COLOR,
    PAPER,
    PIVOT_COLOR,
    SOURCE_COLOR,
    TARGET_COLOR,
    THEMES,
)

_COLORS = {
    "ink": INK,
    "muted": MUTED_COLOR,
    "line": GRID_COLOR,
    "paper": PAPER,
    "pivot": PIVOT_COLOR,
    "target": TARGET_COLOR,
    "source": SOURCE_COLOR,
    "other": OTHER_COLOR,
}
# For followed tokens without a role, and for scales without one: 4.5 to 1 on the paper of each.
_MORE = {
    "light": ("#6A4FB6", "#8A6100", "#B23A3A", "#3F6C2E"),
    "dark": ("#B7A5F5", "#E2BE5A", "#F59090", "#A3CF8B"),
    "paper": ("#4B3590", "#6B4B00", "#8C2020", "#2F5220"),
}


@cache
def stylesheet() -> str:
    """Return the style of a grid, in the themes light and dark, and on paper."""
    light, dark, paper = (f"{{ {_variables(theme)} }}" for theme in ("light", "dark", "paper"))
    rules = files("latentlang.plots").joinpath("grid.css").read_text(encoding="utf-8")
    themes = f".root {light}\n.root.dark {dark}\n@media print {{ .root, .root.dark {paper} }}\n"
    return f"{themes}{rules}"


def _variables(theme: str) -> str:
    """Return the colours of a theme as CSS variables."""
    colors = {name: THEMES[theme].get(color, color) for name, color in _COLORS.items()}
    colors |= {f"m{n}": color for n, color in enumerate(_MORE[theme])}
    return "".join(f"--{name}: {color}; " for name, color in colors.items()) + f"--font: {FONT};"
