"""The sphere itself: translucent surface, equator and named axes."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from .style import MUTED_COLOR, PIVOT_COLOR, TARGET_COLOR
from .text import language_label


def globe_traces(pivot: str, target: str) -> list[go.Surface | go.Scatter3d]:
    """Return the traces of the empty sphere.

    The pivot language is at the left end of the first axis, the target at the right end.
    """
    return [_surface(), _equator(), *_axes(pivot, target), _names(pivot, target)]


def _surface() -> go.Surface:
    steps = 40
    across = [2 * math.pi * n / steps for n in range(steps + 1)]
    down = [math.pi * n / steps for n in range(steps + 1)]
    return go.Surface(
        x=[[math.cos(a) * math.sin(d) for a in across] for d in down],
        y=[[math.sin(a) * math.sin(d) for a in across] for d in down],
        z=[[math.cos(d)] * (steps + 1) for d in down],
        opacity=0.18,
        showscale=False,
        colorscale=[[0, "#9FB3C8"], [1, "#E8EEF4"]],
        hoverinfo="skip",
    )


def _equator() -> go.Scatter3d:
    angles = [2 * math.pi * n / 120 for n in range(121)]
    return go.Scatter3d(
        x=[math.cos(a) for a in angles],
        y=[math.sin(a) for a in angles],
        z=[0] * 121,
        mode="lines",
        line={"color": MUTED_COLOR, "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )


def _ends(pivot: str, target: str) -> list[tuple[tuple[int, int, int], str, str]]:
    """Return the direction, the name and the colour of each end of the axes."""
    return [
        ((-1, 0, 0), language_label(pivot), PIVOT_COLOR),
        ((1, 0, 0), language_label(target), TARGET_COLOR),
        ((0, 1, 0), "concept", MUTED_COLOR),
        ((0, 0, 1), "everything else", MUTED_COLOR),
    ]


def _axes(pivot: str, target: str) -> list[go.Scatter3d]:
    return [
        go.Scatter3d(
            x=[0, 1.12 * x],
            y=[0, 1.12 * y],
            z=[0, 1.12 * z],
            mode="lines",
            line={"color": color, "width": 3, "dash": "dash"},
            hoverinfo="skip",
            showlegend=False,
        )
        for (x, y, z), _, color in _ends(pivot, target)
    ]


def _names(pivot: str, target: str) -> go.Scatter3d:
    """Return the names of the axes, beyond their ends."""
    points, names, colors = zip(*_ends(pivot, target))
    x, y, z = ([1.24 * value for value in axis] for axis in zip(*points))
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="text",
        text=names,
        textposition="middle center",
        textfont={"color": colors, "size": 14},
        hoverinfo="skip",
        showlegend=False,
    )
