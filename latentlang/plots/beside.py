"""A flat figure with one scale for both axes, alone or beside a globe.

On a narrow screen the globe stands above it.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

_STACK = 700  # pixels: below it the two stand one above the other
_AXIS_LEFT, _AXIS_BELOW, _SLIDER = 72, 46, 102
_EDGE, _FLAT = 12, 500


def arrange(
    figure: go.Figure, ranges: Sequence[Sequence[float]], room: float, right: float
) -> tuple[int, int, int]:
    """Give the drawings their places.

    Args:
        figure: with one x and one y axis, and perhaps a globe.
        ranges: what must be seen of x and of y. One of them is widened, so that a direction is the
            same on paper and in numbers.
        room: how wide the figure is, in pixels.
        right: its right margin.

    Returns:
        The left margin, the height without margins, and the bottom margin.
    """
    inner = room - _EDGE - right
    scene, x, y = None, [0.0, 1.0], [0.0, 1.0]
    if not any(trace.type == "surface" for trace in figure.data):
        area = min(inner, _FLAT)
    elif room < _STACK:
        globe, flat = min(inner, 350), 250
        area = globe + flat + _AXIS_BELOW
        scene = {"x": [0.0, 1.0], "y": [1 - globe / area, 1]}
        x, y = [_AXIS_LEFT / inner, 1.0], [_AXIS_BELOW / area, (_AXIS_BELOW + flat) / area]
    else:
        area = 400.0
        scene = {"x": [0.0, 0.5], "y": [0.0, 1.0]}
        x, y = [0.5 + _AXIS_LEFT / inner, 1.0], [_AXIS_BELOW / area, 1.0]
    if scene:
        figure.layout.scene.domain = scene
    width, height = inner * (x[1] - x[0]), area * (y[1] - y[0])
    unit = max((ranges[0][1] - ranges[0][0]) / width, (ranges[1][1] - ranges[1][0]) / height)
    for axis, domain, (low, high), size in (
        (figure.layout.xaxis, x, ranges[0], width),
        (figure.layout.yaxis, y, ranges[1], height),
    ):
        middle, half = (low + high) / 2, unit * size / 2
        axis.update(domain=domain, range=[middle - half, middle + half])
    return _EDGE, round(area), _SLIDER if figure.layout.sliders else _EDGE
