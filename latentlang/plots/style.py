"""The colours, fonts, template and marks that all figures share, and the three themes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from ..errors import DataError

# Okabe and Ito's colour-blind safe hues, dark enough for words: 4.5 to 1 on white. English is
# orange and the target blue as in the paper.
PIVOT_COLOR, TARGET_COLOR, SOURCE_COLOR, OTHER_COLOR = "#C05200", "#0072B2", "#007A59", "#A8548A"
INK, MUTED_COLOR, GRID_COLOR, PAPER = "#1F2933", "#5F6B7A", "#E6E9ED", "#FFFFFF"
CLEAR = "rgba(0,0,0,0)"
QUIET_FILL = "#F3F4F6"  # layers in which there is nothing to see
PHASE_FILLS = {"input": "#D9DCE0", "concept": "#F8DFB5", "target": "#CDE6F7"}
# From light to dark within a phase, all readable on white and on black.
_RAMPS = {
    "input": ("#A5ADB8", "#6B7684"),
    "concept": ("#EFA35C", "#C05200"),
    "target": ("#6DB5E3", "#0072B2"),
}
FONT = (
    "Noto Sans, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Hiragino Sans', "
    "'Noto Naskh Arabic', 'Noto Sans Devanagari', Arial, sans-serif"
)
# Three significant digits of a percentage, at axes and in hovers: 12.3%, 0.0034%. Small numbers
# keep their digits. ``text.percent`` writes the same in Python.
SHARE_FORMAT = ".3~p"

# Figures are drawn in the colours of light, and every other theme is a table from them.
THEMES: dict[str, dict[str, str]] = {
    "light": {},
    "dark": {
        INK: "#E8EAED",
        MUTED_COLOR: "#A9B3BF",
        GRID_COLOR: "#343A41",
        PAPER: "#111111",
        QUIET_FILL: "#1D2024",
        PHASE_FILLS["input"]: "#2C3035",
        PHASE_FILLS["concept"]: "#4A3410",
        PHASE_FILLS["target"]: "#123A54",
        PIVOT_COLOR: "#FF9D4D",
        TARGET_COLOR: "#5DB4F2",
        SOURCE_COLOR: "#3CC79B",
        OTHER_COLOR: "#E59BC6",
    },
    # For print, in grey as well: the roles differ in lightness.
    "paper": {
        INK: "#000000",
        MUTED_COLOR: "#3D3D3D",
        GRID_COLOR: "#E0E0E0",
        QUIET_FILL: "#F2F2F2",
        PIVOT_COLOR: "#B84E00",
        TARGET_COLOR: "#00395C",
        SOURCE_COLOR: "#00755A",
        OTHER_COLOR: "#7A3A64",
    },
}
_AXIS = {
    "gridcolor": GRID_COLOR,
    "linecolor": MUTED_COLOR,
    "zerolinecolor": GRID_COLOR,
    "ticks": "",
    "title": {"standoff": 8, "font": {"size": 12}},
    "tickfont": {"size": 11, "color": MUTED_COLOR},
}
# Zoom and the picture stay; the last one would send the data away.
_BUTTONS = (
    "zoomIn2d",
    "zoomOut2d",
    "autoScale2d",
    "select2d",
    "lasso2d",
    "pan2d",
    "sendChartToCloud",
)
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "title": {"font": {"size": 15, "color": INK}},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": GRID_COLOR, "font": {"color": INK}},
        "legend": {"bgcolor": CLEAR, "font": {"size": 12}},
        "modebar": {
            "bgcolor": CLEAR,
            "color": MUTED_COLOR,
            "activecolor": INK,
            "remove": list(_BUTTONS),
        },
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def subtitle(text: str, color: str = MUTED_COLOR) -> str:
    """Return a line of a title below the first, smaller; a projector still shows it."""
    return f"<span style='font-size: 12px; color: {color}'>{text}</span>"


def colored(text: str, color: str) -> str:
    """Return a text in a colour, inside a title: a legend in words.

    The spaces in it do not break a line.
    """
    kept = text.replace(" ", "\u00a0")
    return f"<span style='color: {color}'>{kept}</span>"


def themed(figure: go.Figure, theme: str | None = None) -> go.Figure:
    """Return a figure in the colours of a theme.

    Args:
        figure: any figure of ``plots``, in the colours of ``"light"``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``. None is ``"dark"`` if Plotly's default
            template is a dark one (``plotly.io.templates.default = "plotly_dark"``), else
            ``"light"``.

    Raises:
        DataError: for an unknown theme.
    """
    if theme is None:
        theme = "dark" if "dark" in str(pio.templates.default) else "light"
    if theme not in THEMES:
        raise DataError(f"Unknown theme '{theme}': use {', '.join(THEMES)}.")
    if theme == "light":
        return figure
    plain = figure.to_plotly_json()
    return go.Figure(_recolored(plain, THEMES[theme]), skip_invalid=True)


def _recolored(value: Any, colors: dict[str, str]) -> Any:
    """Return plain data in which every colour of a table is replaced, also inside texts."""
    if isinstance(value, dict):
        return {key: _recolored(inner, colors) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_recolored(inner, colors) for inner in value]
    if isinstance(value, str) and "#" in value:
        return re.sub("#[0-9A-F]{6}", lambda found: colors.get(found[0], found[0]), value)
    return value


def language_style(code: str, target: str, pivot: str, source: str = "") -> dict:
    """Return the colour, dash and marker of a language's curve.

    Three marks tell curves apart, so that no reader depends on colour alone.
    """
    if code == pivot:
        return {"color": PIVOT_COLOR, "dash": "solid", "symbol": "circle"}
    if code == target:
        return {"color": TARGET_COLOR, "dash": "dash", "symbol": "square"}
    if code == source:
        return {"color": SOURCE_COLOR, "dash": "dot", "symbol": "diamond"}
    return {"color": OTHER_COLOR, "dash": "dashdot", "symbol": "x"}


def phase_colors(phases: Sequence[str]) -> list[str]:
    """Return one colour per layer: grey, orange or blue by its phase, darker from layer to layer.

    >>> phase_colors(["input", "concept", "concept", "target"])
    ['#6B7684', '#D87A2E', '#C05200', '#0072B2']
    """
    colors = []
    for n, name in enumerate(phases):
        share = phases[: n + 1].count(name) / phases.count(name)
        colors.append(_between(*_RAMPS[name], share))
    return colors


def _between(first: str, last: str, share: float) -> str:
    """Return a colour on the way from one to another."""
    parts = (
        round(int(first[at : at + 2], 16) * (1 - share) + int(last[at : at + 2], 16) * share)
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02X}" for part in parts)
