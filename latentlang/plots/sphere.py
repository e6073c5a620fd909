"""The 3-D sphere with the measured paths of the latents and the words at its rim."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from plotly.colors import sample_colorscale
from torch import Tensor

from ..analysis.sphere import SpherePath
from ..errors import DataError
from .globe import globe_traces
from .layer_curves import curve_name, described_model
from .style import FONT, PIVOT_COLOR, TARGET_COLOR, heading, subtitle
from .text import escape, isolate

_REACH = 0.95  # how far from the pole's axis the magnified path may go
_APART = 0.17  # how far apart two numbers on the path must be
_HEIGHT = 660


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


def sphere(
    path: SpherePath, concepts: Sequence[str] = (), title: str = "", layer: int | None = None
) -> go.Figure:
    """Draw the mean path on the unit sphere, with a slider over the layers (paper, section 4.2).

    Colours run from red (first layer) to violet (last). Cosines are small, so the path is magnified
    around the pole, and the figure prints the factor k. The words' tokens are far from the pole, so
    they are drawn at the rim, where only their direction (the azimuth) has a meaning.

    Args:
        path: what ``sphere_path`` returns, or some of its paths.
        concepts: single paths that a click in the legend shows, magnified by the same k. A point
            that would leave the sphere is drawn at the rim.
        title: of the figure; by default the languages.
        layer: draw the path up to this layer, as a still figure without the slider.

    Raises:
        DataError: for anything but a ``SpherePath``.
    """
    if not isinstance(path, SpherePath):
        raise DataError(
            "plots.sphere draws what ll.sphere_path returns: pass that path, "
            "or path['flower'] for one concept."
        )
    picture, k = magnify(path.mean())
    figure = go.Figure([*globe_traces(path.pivot, path.target), *_words(path)])
    if layer is None:
        upto = len(path.layers)
    else:
        upto = max(1, sum(number <= layer for number in path.layers))
    figure.add_trace(_line(picture, path.mean(), path.layers, _mean_name(path), upto))
    moving = len(figure.data) - 1
    for concept in concepts:
        one = path[concept].mean()
        figure.add_trace(
            _line(magnify(one, k)[0], one, path.layers, concept).update(visible="legendonly")
        )
    figure.frames = [
        go.Frame(
            name=str(number),
            data=[_line(picture, path.mean(), path.layers, _mean_name(path), n + 1)],
            traces=[moving],
        )
        for n, number in enumerate(path.layers if layer is None else ())
    ]
    count = f"n = {len(path)} measured path{'s' if len(path) > 1 else ''}"
    note = (
        f"{' · '.join([count, *path.setting.choices, described_model(path)])}"
        f" · drawn k = {k:.0f} times as far from the pole · words: direction only"
    )
    hidden = {"visible": False, "range": [-1.3, 1.3]}
    camera = {"eye": {"x": 0.57, "y": 0.88, "z": 0.8}}
    axes = {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden}
    return figure.update_layout(
        title=heading(f"{title or _route(path)}<br>{subtitle(note)}", _HEIGHT),
        scene={**axes, "aspectmode": "cube", "camera": camera},
        font={"family": FONT, "size": 13},
        height=_HEIGHT,
        margin={"l": 12, "r": 12, "t": 60, "b": 0},
        legend={"x": 1, "xanchor": "right", "y": 0.98, "bgcolor": "rgba(255,255,255,0.7)"},
        **(_player(path.layers) if layer is None else {}),
    )


def _route(path: SpherePath) -> str:
    return f"From {escape(path.source)} to {escape(path.target)} on the sphere"


def _mean_name(path: SpherePath) -> str:
    return f"mean of n = {len(path)}" if len(path) > 1 else str(path.prompts["concept"].iloc[0])


def _line(
    picture: Float[Tensor, "layer 3"],
    cosines: Float[Tensor, "layer 3"],
    layers: Sequence[int],
    name: str,
    upto: int | None = None,
) -> go.Scatter3d:
    """Return one path, or its first ``upto`` layers.

    The colours show the layer, and the hover shows the measured cosines.
    """
    shares = [n / max(1, len(layers) - 1) for n in range(len(layers))]
    colors = sample_colorscale("Rainbow_r", shares)[:upto]
    picture, cosines, layers = picture[:upto], cosines[:upto], list(layers)[:upto]
    x, y, z = picture.T.tolist()
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines+markers+text",
        line={"color": colors, "width": 6},
        marker={"size": 4, "color": colors},
        text=_numbers(picture, layers),
        textposition="top center",
        name=escape(name),
        showlegend=True,
        customdata=[[n, *row] for n, row in zip(layers, cosines.tolist())],
        hovertemplate="layer %{customdata[0]}<br>language %{customdata[1]:+.4f}"
        "<br>concept %{customdata[2]:+.4f}<br>rest %{customdata[3]:.4f}",
    )


def _words(path: SpherePath) -> list[go.Scatter3d]:
    """Return the words' tokens at the rim; up to four words are written out.

    Their azimuth is measured. Their distance from the pole is not drawn.
    """
    traces = []
    for code, color, symbol in (
        (path.pivot, PIVOT_COLOR, "circle"),
        (path.target, TARGET_COLOR, "square"),
    ):
        plane = torch.nn.functional.normalize(path.words[code][:, :2], dim=-1)
        x, y = plane.T.tolist()
        labels = [escape(isolate(word)) for word in path.prompts[f"word_{code}"]]
        mode = "markers+text" if len(path) <= 4 else "markers"
        marker = {"size": 3, "color": color, "symbol": symbol, "opacity": 0.7}
        traces.append(
            go.Scatter3d(
                x=x,
                y=y,
                z=[0.0] * len(x),
                mode=mode,
                text=labels,
                textposition="bottom center",
                marker=marker,
                textfont={"color": color},
                name=f"{curve_name(path, code)} words (direction only)",
                customdata=path.words[code].tolist(),
                hovertemplate="%{text}<br>language %{customdata[0]:+.2f}"
                "<br>concept %{customdata[1]:+.2f}",
            )
        )
    return traces


def _player(layers: Sequence[int]) -> dict:
    """Return a slider over the layers and a play button; the figure opens with the whole path."""
    still = {
        "mode": "immediate",
        "frame": {"duration": 0, "redraw": True},
        "transition": {"duration": 0},
    }
    steps = [
        {"label": str(layer), "method": "animate", "args": [[str(layer)], still]}
        for layer in layers
    ]
    slider = {
        "steps": steps,
        "active": len(steps) - 1,
        "currentvalue": {"prefix": f"layers {layers[0]} to "},
        "x": 0.12,
        "len": 0.86,
        "pad": {"t": 4, "b": 8},
    }
    run = {
        "frame": {"duration": 400, "redraw": True},
        "transition": {"duration": 0},
        "fromcurrent": False,
    }
    play = {"label": "▶ play", "method": "animate", "args": [[str(layer) for layer in layers], run]}
    button = {
        "type": "buttons",
        "buttons": [play],
        "x": 0.1,
        "xanchor": "right",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 24},
        "showactive": False,
    }
    return {"sliders": [slider], "updatemenus": [button]}


def _numbers(picture: Float[Tensor, "layer 3"], layers: list[int]) -> list[str]:
    """Return the layer numbers to print: the first, the last and every fourth.

    A number is left out if it would cover another one.
    """
    candidates = [len(layers) - 1, 0, *(n for n, layer in enumerate(layers) if layer % 4 == 0)]
    printed: list[int] = []
    for n in candidates:
        if all((picture[n] - picture[m]).norm() > _APART for m in printed):
            printed.append(n)
    return [str(layer) if n in printed else "" for n, layer in enumerate(layers)]
