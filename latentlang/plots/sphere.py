"""The sphere as a pair: a globe for the idea, and beside it the flat measure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import torch

from ..analysis.sphere import SpherePath
from ..analysis.turns import Turns, find_turns
from ..errors import DataError
from ..lens.layers import layer_number
from .fit import finish
from .globe import globe_scene, globe_traces, magnify, rim_ticks
from .messages import copy_part, sentence, sphere_message
from .naming import curve_name, described_model
from .plane import axes, cloud, extent
from .player import player
from .points import label
from .style import MUTED_COLOR, PIVOT_COLOR, TARGET_COLOR, phase_colors
from .text import escape, isolate, language_name
from .walk import Walk, single

_INK = {"input": MUTED_COLOR, "concept": PIVOT_COLOR, "target": TARGET_COLOR}
_SYMBOLS = ("circle", "square", "diamond", "circle-open", "square-open", "diamond-open")


def sphere(
    path: SpherePath,
    concepts: Sequence[str] = (),
    layer: int | None = None,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw the mean path on a globe, and beside it in true cosines, with a slider over the layers.

    The paper draws its sketch as a globe (section 5, Figure 4d); here the path is measured. Grey:
    nothing beyond chance; orange: the concept shows; blue: the path also leans to the target
    (``find_turns``, which the title puts into words). A green rim: the source leads. Within a phase
    a colour darkens from layer to layer.

    Cosines are small. On the globe distances from the pole are drawn k times as large, and k stands
    at its axes. The words' tokens are far from the pole: ticks outside the rim show their
    direction. The flat figure is not magnified; its grey cloud is the same path in 99 frames that
    know neither the word nor the language.

    Args:
        path: what ``sphere_path`` returns, or some of its paths.
        concepts: single paths that a click in the legend shows, magnified by the same k. A point
            that would leave the sphere is drawn at the rim.
        layer: draw the path up to this layer, as a still figure without the slider.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None takes that of Plotly's default template.
        width: of the figure, in pixels; on a narrow screen the two stand one above the other.

    Raises:
        DataError: for anything but a ``SpherePath``, and an unknown theme.
    """
    if not isinstance(path, SpherePath):
        raise DataError(
            "plots.sphere draws what ll.sphere_path returns: pass that path, "
            "or path['flower'] for one concept."
        )
    mean, turns = path.mean(), find_turns(path)
    phases = turns.phases(path.layers)
    shown = torch.tensor([phase != "input" for phase in phases])
    chance = path.chance.mean(0)[:, shown | ~shown.any()]
    ranges = extent(mean[:, :2], chance)
    picture, k = magnify(mean)
    copied = [layer in (path.copy or ()) for layer in path.layers]
    walk = Walk(picture, mean, path.layers, phase_colors(phases), copied, _name(path), ranges)
    figure = go.Figure([*globe_traces(), *_ticks(path), cloud(chance), *walk.ghosts()])
    moving = [len(figure.data) + n for n in range(5)]
    figure.add_traces(walk.upto(path.layers[-1] if layer is None else layer_number(layer)))
    if layer is None:
        frames = {str(each): walk.upto(each) for each in path.layers}
        figure.frames = [go.Frame(name=n, data=d, traces=moving) for n, d in frames.items()]
        figure.update_layout(player(path.layers, MUTED_COLOR))
    for concept, symbol in zip(concepts, _SYMBOLS * len(concepts)):
        figure.add_traces(single(path[concept].mean(), k, path.layers, concept, symbol))
    pivot, target = (curve_name(path, code, short=True) for code in (path.pivot, path.target))
    figure.update_layout(
        scene=globe_scene(_ends(pivot, target, k)),
        **axes(pivot, target),
        hovermode="closest",
        showlegend=bool(concepts),
        meta={"ranges": ranges},
    )
    _write_labels(figure, walk, turns, path)
    copy = copy_part(language_name(path.setting.sources[0]), path.copy) if path.copy else ""
    message = sentence([sphere_message(turns, path.layers, target, pivot), copy])
    return finish(figure, message, _facts(path), notes=_notes(path, k), theme=theme, width=width)


def _ticks(path: SpherePath) -> list[go.Scatter3d]:
    """Return the words' tokens as ticks outside the rim: their direction, and nothing else."""
    ticks = []
    for code, start, color in ((path.pivot, 1.03, PIVOT_COLOR), (path.target, 1.11, TARGET_COLOR)):
        words = [escape(isolate(word)) for word in path.prompts[f"word_{code}"]]
        name = f"{curve_name(path, code)} words (direction only)"
        ticks.append(rim_ticks(path.words[code], start, color, words).update(name=name))
    return ticks


def _ends(pivot: str, target: str, k: float) -> list[tuple[tuple[float, float, float], str, str]]:
    """Return place, text and colour for the end of each axis, with the magnification."""
    times = f"×{k:.3g}"
    return [
        ((-1.17, 0, 0.18), f"{pivot}<br>{times}", PIVOT_COLOR),
        ((1.17, 0, 0.18), f"{target}<br>{times}", TARGET_COLOR),
        ((0, 1.2, -0.3), f"concept {times}", MUTED_COLOR),
        ((0, 0, 1.2), "everything else", MUTED_COLOR),
    ]


def _write_labels(figure: go.Figure, walk: Walk, turns: Turns, path: SpherePath) -> None:
    """Write the number of each layer beside its point; the layers that the title names first."""
    phases = dict(zip(path.layers, turns.phases(path.layers)))
    named = [path.layers[-1], path.layers[0], turns.peak, *turns.concept[:1]]
    named += [*(turns.target or ())[:1], *path.layers[::-1]]
    places = dict(zip(path.layers, zip(walk.picture.tolist(), walk.mean.tolist())))
    flat, solid = [], list(figure.layout.scene.annotations)
    if len(path) <= 4:
        solid += _words(path)
    for layer in dict.fromkeys(each for each in named if each is not None):
        (x, y, z), (across, up, _) = places[layer]
        color = _INK[phases[layer]]
        solid.append(label(str(layer), color, x=x, y=y, z=z))
        flat.append(label(str(layer), color, x=across, y=up, xref="x", yref="y"))
    figure.update_layout(annotations=flat)
    figure.layout.scene.annotations = solid


def _words(path: SpherePath) -> list[dict]:
    """Return the few words of a path, written beside their ticks."""
    notes = []
    for code, reach, color in ((path.pivot, 1.09, PIVOT_COLOR), (path.target, 1.17, TARGET_COLOR)):
        rim = torch.nn.functional.normalize(path.words[code][:, :2], dim=-1) * reach
        for (x, y), word in zip(rim.tolist(), path.prompts[f"word_{code}"]):
            notes.append(label(escape(isolate(word)), color, x=x, y=y, z=0))
    return notes


def _name(path: SpherePath) -> str:
    return f"mean of n = {len(path)}" if len(path) > 1 else str(path.prompts["concept"].iloc[0])


def _facts(path: SpherePath) -> list[str]:
    count = f"n = {len(path)} measured path{'s' if len(path) > 1 else ''}"
    which = [] if len(path) > 1 else [escape(_name(path))]
    return [*which, escape(path.setting.title), count, described_model(path)]


def _notes(path: SpherePath, k: float) -> list[str]:
    """Return what is drawn, in sentences."""
    notes = [
        f"×{k:.3g}: the globe draws points so many times farther from its pole. "
        "Ticks at its rim: directions of words' tokens.",
        "Grey cloud: the same path with 99 pairs of wrong axes (another word, mixed languages).",
    ]
    if path.relative:
        notes.append("Language is measured from the mean of all prompts at each layer.")
    return notes
