"""The globe: a translucent sphere with named axes, words at its rim, and a magnified path."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from .style import MUTED_COLOR

_LEAST = 0.2  # shorter steps have no arrow head: it would cover them
_REACH = 0.95  # how far from the pole's axis the magnified path may go
_EYE = {"x": 0.14, "y": -1.07, "z": 0.92}  # from above; the target is to the right


def magnify(
    path: Float[Tensor, "*row 3"], k: float | None = None
) -> tuple[Float[Tensor, "*row 3"], float]:
    """Return the path ``[..., 3]`` drawn larger around the pole, and the factor k.

    Points become (kx, ky, √(1 − k²(x² + y²))) with k = 0.95 / the path's largest √(x² + y²). Pass
    ``k`` to reuse another path's factor; points that would leave the sphere are clamped to its rim.
    """
    plane = path[..., :2]
    radius = plane.norm(dim=-1, keepdim=True)
    if k is None:
        k = _REACH / radius.max().item() if radius.max() > 0 else 1.0
    flat = k * plane / (k * radius).clamp_min(1)
    height = (1 - flat.square().sum(-1, keepdim=True)).clamp_min(0).sqrt()
    return torch.cat([flat, height], -1), k


def globe_traces() -> list[go.Surface | go.Scatter3d]:
    """Return the traces of the empty globe: its surface, its equator and its axes."""
    across, down = np.meshgrid(np.linspace(0, 2 * np.pi, 41), np.linspace(0, np.pi, 25))
    places = (np.cos(across) * np.sin(down), np.sin(across) * np.sin(down), np.cos(down))
    surface = go.Surface(
        **{name: place.astype(np.float32) for name, place in zip("xyz", places)},
        opacity=0.16,
        showscale=False,
        colorscale=[[0, "#9FB3C8"], [1, "#DCE5EE"]],
        hoverinfo="skip",
    )
    angles = [2 * math.pi * n / 120 for n in range(121)]
    equator = _strokes([(math.cos(a), math.sin(a), 0.0) for a in angles], MUTED_COLOR, 2)
    ends = [(-1.1, 0, 0), (1.1, 0, 0), None, (0, 0, 0), (0, 1.2, 0), None, (0, 0, 0)]
    axes = _strokes([*ends, (0, 0, 1.15)], MUTED_COLOR, 2)
    return [surface, equator, axes.update(line_dash="dash")]


def globe_scene(names: Sequence[tuple[tuple[float, float, float], str, str]]) -> dict:
    """Return the layout of the globe; ``names``: a place, a text and a colour for each axis end."""
    hidden = {"visible": False, "range": [-1.25, 1.25]}
    # The concept axis comes towards the reader, so that a path from the pole stays in front.
    towards = {"visible": False, "range": [1.25, -1.25]}
    texts = [
        {
            "x": x,
            "y": y,
            "z": z,
            "text": text,
            "showarrow": False,
            "font": {"size": 12, "color": color},
        }
        for (x, y, z), text, color in names
    ]
    return {
        "xaxis": hidden,
        "yaxis": towards,
        "zaxis": hidden,
        "aspectmode": "cube",
        "camera": {"eye": _EYE},
        "annotations": texts,
    }


def rim_ticks(
    cosines: Float[Tensor, "word 3"], start: float, color: str, words: Sequence[str]
) -> go.Scatter3d:
    """Return short ticks outside the rim, in the directions of the words' tokens.

    Args:
        cosines: of each word's token; only the direction of x and y is drawn.
        start: how far from the pole's axis the ticks begin; the rim is at 1.
        color: of the ticks.
        words: what a hover calls them.
    """
    ends = []
    for x, y in torch.nn.functional.normalize(cosines[:, :2], dim=-1).tolist():
        ends += [(start * x, start * y, 0.0), ((start + 0.06) * x, (start + 0.06) * y, 0.0), None]
    return _strokes(ends, color, 3).update(
        text=[word for word in words for _ in range(3)],
        customdata=[row for row in cosines.tolist() for _ in range(3)],
        hoverinfo=None,
        hovertemplate="%{text}<br>language %{customdata[0]:+.2f}<br>concept %{customdata[1]:+.2f}",
    )


def arcs(picture: Float[Tensor, "layer 3"], colors: Sequence[str]) -> go.Scatter3d:
    """Return the line of a path along the surface: a long step is drawn as an arc."""
    places, paints = [picture[0].tolist()], [colors[0]]
    for one, other, color in zip(picture, picture[1:], colors[1:]):
        parts = 1 + int((other - one).norm() / 0.1)
        for n in range(1, parts + 1):
            between = one + (other - one) * n / parts
            places.append(torch.nn.functional.normalize(between, dim=0).tolist())
        paints += [color] * parts
    return _strokes(places, paints, 6)


def arrow_heads(picture: Float[Tensor, "layer 3"], colors: Sequence[str]) -> go.Mesh3d:
    """Return a triangle in the middle of each step of a path, flat on the globe, along the step.

    Short steps have none.
    """
    corners: list[list[float]] = []
    faces: list[str] = []
    for one, other, color in zip(picture, picture[1:], colors[1:]):
        step = other - one
        if step.norm() < _LEAST:
            continue
        middle = torch.nn.functional.normalize(one + other, dim=0) * 1.01
        along = torch.nn.functional.normalize(step, dim=0)
        side = torch.linalg.cross(middle, along) * 0.032
        tip, tail = middle + 0.05 * along, middle - 0.04 * along
        corners += [tip.tolist(), (tail + side).tolist(), (tail - side).tolist()]
        faces.append(color)
    x, y, z = zip(*corners) if corners else ([], [], [])
    first = range(0, len(corners), 3)
    return go.Mesh3d(
        x=x,
        y=y,
        z=z,
        i=[*first],
        j=[n + 1 for n in first],
        k=[n + 2 for n in first],
        facecolor=faces,
        lighting={"ambient": 1, "diffuse": 0, "specular": 0, "fresnel": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def _strokes(
    places: Sequence[Sequence[float] | None], color: str | list[str], width: int
) -> go.Scatter3d:
    """Return a line through places, broken at None."""
    x, y, z = zip(*(place or (None, None, None) for place in places))
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines",
        line={"color": color, "width": width},
        hoverinfo="skip",
        showlegend=False,
    )
