"""The sphere itself: translucent surface, equator and named axes."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from ..display import MUTED, PIVOT, TARGET, language_label


def globe(pivot: str, target: str) -> list[go.Surface | go.Scatter3d]:
    """Return the traces of the empty sphere, with the pivot language on the left end of its first axis and the target on the right one."""
    return [_surface(), _equator(), *_axes(pivot, target), _names(pivot, target)]


def _surface() -> go.Surface:
    steps = 40
    across = [2 * math.pi * n / steps for n in range(steps + 1)]
    down = [math.pi * n / steps for n in range(steps + 1)]
    return go.Surface(
        x=[[math.cos(a) * math.sin(d) for a in across] for d in down],
        y=[[math.sin(a) * math.sin(d) for a in across] for d in down],
        z=[[math.cos(d)] * (steps + 1) for d in down],
        opacity=0.18, showscale=False, colorscale=[[0, "#9FB3C8"], [1, "#E8EEF4"]], hoverinfo="skip",
    )  # fmt: skip


def _equator() -> go.Scatter3d:
    angles = [2 * math.pi * n / 120 for n in range(121)]
    return go.Scatter3d(
        x=[math.cos(a) for a in angles], y=[math.sin(a) for a in angles], z=[0] * 121, mode="lines",
        line={"color": MUTED, "width": 3}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _ends(pivot: str, target: str) -> list[tuple[tuple[int, int, int], str, str]]:
    """Return where each axis points, its name and its colour: pivot to target, concept, and everything else."""
    return [
        ((-1, 0, 0), language_label(pivot), PIVOT),
        ((1, 0, 0), language_label(target), TARGET),
        ((0, 1, 0), "concept", MUTED),
        ((0, 0, 1), "everything else", MUTED),
    ]


def _axes(pivot: str, target: str) -> list[go.Scatter3d]:
    return [
        go.Scatter3d(
            x=[0, 1.12 * x], y=[0, 1.12 * y], z=[0, 1.12 * z], mode="lines", line={"color": color, "width": 3, "dash": "dash"},
            hoverinfo="skip", showlegend=False,
        )
        for (x, y, z), _, color in _ends(pivot, target)
    ]  # fmt: skip


def _names(pivot: str, target: str) -> go.Scatter3d:
    """Return the names of the axes, beyond their ends."""
    points, names, colors = zip(*_ends(pivot, target))
    x, y, z = ([1.24 * value for value in axis] for axis in zip(*points))
    return go.Scatter3d(
        x=x, y=y, z=z, mode="text", text=names, textposition="middle center", textfont={"color": colors, "size": 14},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
