"""The 3-D sphere with the measured path of the latents."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import torch
from plotly.colors import sample_colorscale

from ..display import FONT, MUTED, PIVOT, TARGET, language_label
from ..errors import DataError
from .look import heading, small

_REACH = 0.95  # how far from the pole's axis the magnified path may go
_APART = 0.17  # how far apart two numbers on the path must be
_HEIGHT = 620


def magnify(path: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return the path ``[..., 3]`` drawn larger around the pole, and the factor k.

    Points become (kx, ky, √(1 − k²(x² + y²))) with k = 0.95 / the path's largest √(x² + y²).
    """
    plane = path[..., :2]
    radius = plane.norm(dim=-1).max().item()
    k = _REACH / radius if radius > 0 else 1.0
    height = (1 - (k * plane).square().sum(-1, keepdim=True)).clamp_min(0).sqrt()
    return torch.cat([k * plane, height], -1), k


def sphere(coordinates: torch.Tensor, layers=None, pivot: str = "en", target: str = "zh", title: str = "") -> go.Figure:
    """Draw the mean path of ``coordinates`` ``[n_prompts, n_layers, 3]`` on the unit sphere, red (first layer) to violet (last).

    x leans to the pivot (below 0) or the target language (above 0), y grows when the concept
    appears, z is the pole: nothing about the answer yet. Cosines are small, so the path is
    magnified; the factor k is printed.
    """
    if coordinates.ndim != 3 or coordinates.shape[-1] != 3:
        raise DataError(f"The sphere draws coordinates [n_prompts, n_layers, 3], not {list(coordinates.shape)}.")
    mean = coordinates.mean(0)
    mean = torch.cat([mean[:, :2], (1 - mean[:, :2].square().sum(-1, keepdim=True)).clamp_min(0).sqrt()], -1)
    drawn, k = magnify(mean)
    layers = list(layers or range(1, len(mean) + 1))
    share = [n / max(1, len(layers) - 1) for n in range(len(layers))]
    colors = sample_colorscale("Rainbow_r", share)
    figure = go.Figure([_surface(), _equator(), *_axes(pivot, target), _names(pivot, target)])
    x, y, z = drawn.T.tolist()
    figure.add_scatter3d(
        x=x, y=y, z=z, mode="lines+markers+text", line={"color": colors, "width": 6}, marker={"size": 4, "color": colors},
        text=_numbers(drawn, layers), textposition="top center",
        customdata=[[n, *row] for n, row in zip(layers, mean.tolist())], name="mean path", showlegend=False,
        hovertemplate="layer %{customdata[0]}<br>language %{customdata[1]:+.4f}<br>concept %{customdata[2]:+.4f}<br>"
        "rest %{customdata[3]:.4f}<extra></extra>",
    )  # fmt: skip
    note = f"mean of n = {len(coordinates)} measured paths, drawn {k:.0f} times as far from the pole"
    hidden = {"visible": False, "range": [-1.3, 1.3]}
    return figure.update_layout(
        title=heading(f"{title}<br>{small(note)}", _HEIGHT),
        scene={
            "xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "cube",
            "camera": {"eye": {"x": 0.57, "y": 0.88, "z": 0.8}},
        },
        font={"family": FONT, "size": 13}, height=_HEIGHT, margin={"l": 12, "r": 12, "t": 60, "b": 0}, showlegend=False,
    )  # fmt: skip


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


def _numbers(drawn: torch.Tensor, layers: list[int]) -> list[str]:
    """Return the layer numbers to print: the first, the last and every fourth, where they don't cover one another."""
    wanted = [len(layers) - 1, 0, *(n for n, layer in enumerate(layers) if layer % 4 == 0)]
    shown: list[int] = []
    for n in wanted:
        if all((drawn[n] - drawn[m]).norm() > _APART for m in shown):
            shown.append(n)
    return [str(layer) if n in shown else "" for n, layer in enumerate(layers)]


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
