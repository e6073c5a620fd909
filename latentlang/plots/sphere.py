"""The 3-D sphere with the measured paths of the latents and the words at its rim."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import torch
from plotly.colors import sample_colorscale

from ..display import FONT, PIVOT, TARGET, escape, isolate, language_label
from ..errors import DataError
from ..paths import SpherePath
from .globe import globe
from .look import heading, small

_REACH = 0.95  # how far from the pole's axis the magnified path may go
_APART = 0.17  # how far apart two numbers on the path must be
_HEIGHT = 660


def magnify(path: torch.Tensor, k: float | None = None) -> tuple[torch.Tensor, float]:
    """Return the path ``[..., 3]`` drawn larger around the pole, and the factor k.

    Points become (kx, ky, √(1 − k²(x² + y²))) with k = 0.95 / the path's largest √(x² + y²), or a k that is given;
    with that one a point that would leave the sphere stays at its rim.
    """
    plane = path[..., :2]
    radius = plane.norm(dim=-1, keepdim=True)
    if k is None:
        k = _REACH / radius.max().item() if radius.max() > 0 else 1.0
    drawn = k * plane / (k * radius).clamp_min(1)
    height = (1 - drawn.square().sum(-1, keepdim=True)).clamp_min(0).sqrt()
    return torch.cat([drawn, height], -1), k


def sphere(path: SpherePath, concepts: Sequence[str] = (), title: str = "", layer: int | None = None) -> go.Figure:
    """Draw the mean path on the unit sphere, red (first layer) to violet (last), with a slider over the layers.

    Cosines are small, so the path is magnified around the pole; the factor k is printed. ``concepts``: single paths
    that a click in the legend shows, with the same k (where one leaves the sphere it is drawn at the rim).
    ``layer``: draw the path up to this layer, as a still figure without the slider.
    The words' tokens lie far out, so they are drawn at the rim, where only their direction (the azimuth) means something.
    """
    if not isinstance(path, SpherePath):
        raise DataError("plots.sphere draws what ll.sphere_path returns: pass that path, or path['flower'] for one concept.")
    drawn, k = magnify(path.mean())
    figure = go.Figure([*globe(path.pivot, path.target), *_words(path)])
    upto = len(path.layers) if layer is None else max(1, sum(number <= layer for number in path.layers))
    figure.add_trace(_line(drawn, path.mean(), path.layers, _mean_name(path), upto))
    moving = len(figure.data) - 1
    for concept in concepts:
        one = path[concept].mean()
        figure.add_trace(_line(magnify(one, k)[0], one, path.layers, concept).update(visible="legendonly"))
    figure.frames = [
        go.Frame(name=str(number), data=[_line(drawn, path.mean(), path.layers, _mean_name(path), n + 1)], traces=[moving])
        for n, number in enumerate(path.layers if layer is None else ())
    ]
    count = f"n = {len(path)} measured path{'s' if len(path) > 1 else ''}"
    note = f"{count} · {escape(path.model)} · drawn k = {k:.0f} times as far from the pole · words: direction only"
    hidden = {"visible": False, "range": [-1.3, 1.3]}
    return figure.update_layout(
        title=heading(f"{title or _route(path)}<br>{small(note)}", _HEIGHT),
        scene={
            "xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "cube",
            "camera": {"eye": {"x": 0.57, "y": 0.88, "z": 0.8}},
        },
        font={"family": FONT, "size": 13}, height=_HEIGHT, margin={"l": 12, "r": 12, "t": 60, "b": 0},
        legend={"x": 1, "xanchor": "right", "y": 0.98, "bgcolor": "rgba(255,255,255,0.7)"},
        **(_player(path.layers) if layer is None else {}),
    )  # fmt: skip


def _route(path: SpherePath) -> str:
    sources = "+".join(dict.fromkeys(path.prompts["source"]))
    return f"From {escape(sources)} to {escape(path.target)} on the sphere"


def _mean_name(path: SpherePath) -> str:
    return f"mean of n = {len(path)}" if len(path) > 1 else str(path.prompts["concept"].iloc[0])


def _line(drawn: torch.Tensor, measured: torch.Tensor, layers, name: str, upto: int | None = None) -> go.Scatter3d:
    """Return one path, or its first ``upto`` layers, its colours by layer, its hover the measured cosines."""
    colors = sample_colorscale("Rainbow_r", [n / max(1, len(layers) - 1) for n in range(len(layers))])[:upto]
    drawn, measured, layers = drawn[:upto], measured[:upto], list(layers)[:upto]
    x, y, z = drawn.T.tolist()
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines+markers+text", line={"color": colors, "width": 6}, marker={"size": 4, "color": colors},
        text=_numbers(drawn, layers), textposition="top center", name=escape(name), showlegend=True,
        customdata=[[n, *row] for n, row in zip(layers, measured.tolist())],
        hovertemplate="layer %{customdata[0]}<br>language %{customdata[1]:+.4f}<br>concept %{customdata[2]:+.4f}<br>"
        "rest %{customdata[3]:.4f}",
    )  # fmt: skip


def _words(path: SpherePath) -> list[go.Scatter3d]:
    """Return the words' tokens at the rim: their azimuth is measured, their distance is not drawn. Few words are written out."""
    traces = []
    for code, color, symbol in ((path.pivot, PIVOT, "circle"), (path.target, TARGET, "square")):
        plane = torch.nn.functional.normalize(path.words[code][:, :2], dim=-1)
        x, y = plane.T.tolist()
        written = [escape(isolate(word)) for word in path.prompts[f"word_{code}"]]
        mode = "markers+text" if len(path) <= 4 else "markers"
        traces.append(
            go.Scatter3d(
                x=x, y=y, z=[0.0] * len(x), mode=mode, text=written, textposition="bottom center",
                marker={"size": 3, "color": color, "symbol": symbol, "opacity": 0.7}, textfont={"color": color},
                name=f"{language_label(code)} words (direction only)", customdata=path.words[code].tolist(),
                hovertemplate="%{text}<br>language %{customdata[0]:+.2f}<br>concept %{customdata[1]:+.2f}",
            )
        )  # fmt: skip
    return traces


def _player(layers) -> dict:
    """Return a slider over the layers and a play button; the figure opens with the whole path."""
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [{"label": str(layer), "method": "animate", "args": [[str(layer)], still]} for layer in layers]
    slider = {
        "steps": steps,
        "active": len(steps) - 1,
        "currentvalue": {"prefix": "layers 1 to "},
        "x": 0.12,
        "len": 0.86,
        "pad": {"t": 4, "b": 8},
    }
    run = {"frame": {"duration": 400, "redraw": True}, "transition": {"duration": 0}, "fromcurrent": False}
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


def _numbers(drawn: torch.Tensor, layers: list[int]) -> list[str]:
    """Return the layer numbers to print: the first, the last and every fourth, where they don't cover one another."""
    wanted = [len(layers) - 1, 0, *(n for n, layer in enumerate(layers) if layer % 4 == 0)]
    shown: list[int] = []
    for n in wanted:
        if all((drawn[n] - drawn[m]).norm() > _APART for m in shown):
            shown.append(n)
    return [str(layer) if n in shown else "" for n, layer in enumerate(layers)]
