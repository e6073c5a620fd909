"""The flat measure beside the globe: language axis against concept axis, in true cosines."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from .style import GRID_COLOR, MUTED_COLOR

_DIGITS = 5
_LEAST = 0.04  # of the shorter side of the figure: shorter steps have no arrow head


def cloud(chance: Float[Tensor, "frame layer 2"]) -> go.Scatter:
    """Return the same path in the frames of chance: what the two axes read by chance."""
    x, y = chance.flatten(0, 1).T.tolist()
    return go.Scatter(
        x=[round(value, _DIGITS) for value in x],
        y=[round(value, _DIGITS) for value in y],
        mode="markers",
        marker={"size": 3, "color": MUTED_COLOR, "opacity": 0.22},
        hoverinfo="skip",
        showlegend=False,
    )


def track(plane: Float[Tensor, "layer 2"], colors: Sequence[str]) -> go.Scatter:
    """Return one point per layer, joined by a thin line."""
    x, y = plane.T.tolist()
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": MUTED_COLOR, "width": 1.2},
        marker={"size": 8, "color": list(colors), "line": {"width": 0}},
        showlegend=False,
    )


def arrows(plane: Float[Tensor, "layer 2"], colors: Sequence[str], span: float) -> go.Scatter:
    """Return an arrow head in the middle of each step, in the direction of travel.

    ``span``: the shorter side of the figure in cosines; short steps have no head.
    """
    places, sizes, paints = [], [], []
    for one, other, color in zip(plane, plane[1:], colors[1:]):
        long = bool((other - one).norm() > _LEAST * span)
        places += [one.tolist(), ((one + other) / 2).tolist()]
        sizes += [0, 11 if long else 0]
        paints += [color, color]
    x, y = zip(*places) if places else ([], [])
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={
            "symbol": "arrow",
            "angleref": "previous",
            "size": sizes,
            "color": paints,
            "line": {"width": 0},
        },
        hoverinfo="skip",
        showlegend=False,
    )


def extent(*parts: Float[Tensor, "... 2"]) -> list[list[float]]:
    """Return the ranges of x and y that hold all points and the pole, with a margin."""
    ranges = []
    for axis in (0, 1):
        low = min(0.0, *(part[..., axis].min().item() for part in parts))
        high = max(0.0, *(part[..., axis].max().item() for part in parts))
        margin = 0.12 * (high - low) or 0.01
        ranges.append([low - margin, high + margin])
    return ranges


def axes(pivot: str, target: str) -> dict:
    """Return the layout of the two axes."""
    zero = {"zeroline": True, "zerolinecolor": MUTED_COLOR, "zerolinewidth": 1}
    look = {"gridcolor": GRID_COLOR, "tickformat": "~g", "nticks": 6, "constrain": "domain", **zero}
    return {
        "xaxis": {**look, "title": {"text": f"← {pivot} · language axis (cosine) · {target} →"}},
        "yaxis": {
            **look,
            "title": {"text": "concept axis (cosine) →"},
            "scaleanchor": "x",
        },
    }
