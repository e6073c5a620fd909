"""The flat map of latents and tokens (paper, Figure 3), one path at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from jaxtyping import Float
from torch import Tensor

from ..analysis.mds import LatentMap
from ..analysis.phases import THRESHOLD
from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from ..prompts.tokens import start_ids
from .fit import finish
from .messages import map_message
from .naming import curve_name, described_model
from .plane import arrows, extent, track
from .points import label
from .style import MUTED_COLOR, PIVOT_COLOR, TARGET_COLOR, phase_colors
from .text import escape, isolate, token_label

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MOST = 12  # words that are written out
_INK = {"input": MUTED_COLOR, "concept": PIVOT_COLOR, "target": TARGET_COLOR}


def latent_map(
    points: LatentMap,
    run: Run,
    tokenizer: PreTrainedTokenizerBase,
    concept: str | None = None,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw one path on the map of ``geometry.latent_mds`` (paper, Figure 3).

    Near means likely: only distances between a latent and a token carry meaning. A point is orange
    where the pivot word is the most probable of the prompt's words, with more than 5 %, blue where
    it is the target word, else grey. Up to twelve words are written out: the prompt's own, and
    those that the path finds most probable at any layer.

    Args:
        points: the map of ``run.watched``, with prompts and layers in one axis.
        run: the run with those ``watched`` tokens.
        tokenizer: the model's, ``model.tokenizer``.
        concept: whose path to draw; by default the prompt whose pivot word gets most probable.
        theme: see ``plots.sphere``.
        width: of the figure, in pixels.

    Raises:
        DataError: for a map and a run that do not belong together, a map that is not flat, and a
            concept that is not in the run.
    """
    n_prompts, n_layers = len(require_run(run)), len(run.layers)
    watched = run.watched
    if (
        watched is None
        or len(points.latents) != n_prompts * n_layers
        or len(points.tokens) != len(run.watch)
    ):
        raise DataError(
            "The map and the run do not belong together: "
            "use latent_mds(run.watched.flatten(0, 1)) of this run."
        )
    if points.latents.shape[-1] != 2:
        raise DataError(
            f"The figure is flat, and this map has {points.latents.shape[-1]} axes: "
            "use latent_mds with n_dims=2."
        )
    names = list(run.prompts["concept"])
    if concept is None:
        concept = names[int(run.probability[run.pivot].amax(1).argmax())]
    one = run[[concept]][0]
    number = names.index(concept)
    latents = points.latents.reshape(n_prompts, n_layers, 2)[number]
    words = _words(run, tokenizer)
    phases = _leads(one)
    colors, ranges = phase_colors(phases), extent(latents, points.tokens)
    span = min(high - low for low, high in ranges)
    figure = go.Figure(_others(points, run, tokenizer, words))
    figure.add_traces([_dots(points, run, words, code) for code in run.pair])
    path = track(latents, colors).update(
        name=escape(concept),
        customdata=list(run.layers),
        hovertemplate="layer %{customdata}<extra>%{fullData.name}</extra>",
    )
    figure.add_traces([path, arrows(latents, colors, span)])
    hidden = {"visible": False, "constrain": "domain"}
    figure.update_layout(
        xaxis=hidden,
        yaxis=hidden | {"scaleanchor": "x"},
        hovermode="closest",
        showlegend=False,
        meta={"ranges": ranges},
        annotations=_labels(points, one, words, latents, phases, watched[number].amax(0)),
    )
    facts = [
        f"path of “{escape(concept)}”",
        escape(run.setting.title),
        f"map of {n_prompts} paths and {len(run.watch):,} tokens",
        described_model(run),
    ]
    notes = [
        "Near means likely, as far as the map can show it. Orange: the "
        f"{curve_name(run, run.pivot, short=True)} word is ahead, with more than 5 %; blue: the "
        f"{curve_name(run, run.target, short=True)} one; grey: neither."
    ]
    message = map_message(points.stress, points.shuffled_stress)
    return finish(figure, message, facts, notes=notes, theme=theme, width=width)


def _words(run: Run, tokenizer: PreTrainedTokenizerBase) -> dict[str, dict[int, str]]:
    """Return the columns of ``run.watched`` that begin words of the pair, by language."""
    column_of = {token: n for n, token in enumerate(run.watch)}
    words: dict[str, dict[int, str]] = {}
    for code in run.pair:
        spelled: dict[int, list[str]] = {}
        for word in dict.fromkeys(run.spelling(code)):
            for token in sorted(start_ids(word, tokenizer, mode=None)):
                if token in column_of:
                    spelled.setdefault(column_of[token], []).append(word)
        named = {column for other in words.values() for column in other}
        words[code] = {n: " / ".join(each) for n, each in spelled.items() if n not in named}
    return words


def _leads(one: Run) -> list[str]:
    """Return the colour's name per layer: which word of one prompt is ahead, above 5 %."""
    curves = {code: values[0].tolist() for code, values in one.probability.items()}
    names = {one.pivot: "concept", one.target: "target"}
    phases = []
    for n in range(len(one.layers)):
        best = max(curves, key=lambda code: curves[code][n])
        phases.append(names.get(best, "input") if curves[best][n] > THRESHOLD else "input")
    return phases


def _others(
    points: LatentMap,
    run: Run,
    tokenizer: PreTrainedTokenizerBase,
    words: dict[str, dict[int, str]],
) -> go.Scatter:
    """Return all tokens that begin no word of the prompts, in grey."""
    named = {column for each in words.values() for column in each}
    columns = [n for n in range(len(run.watch)) if n not in named]
    labels = [token_label(run.watch[n], tokenizer) for n in columns]
    look = {"color": MUTED_COLOR, "size": 3, "opacity": 0.25}
    return _scatter(points.tokens[columns], labels, "other tokens", look)


def _dots(points: LatentMap, run: Run, words: dict[str, dict[int, str]], code: str) -> go.Scatter:
    """Return the tokens that begin words of a language."""
    labels = [escape(isolate(word)) for word in words[code].values()]
    color, symbol = (
        (PIVOT_COLOR, "circle-open") if code == run.pivot else (TARGET_COLOR, "square-open")
    )
    look = {"color": color, "symbol": symbol, "size": 6, "opacity": 0.6}
    return _scatter(points.tokens[[*words[code]]], labels, f"{curve_name(run, code)} words", look)


def _scatter(at: Float[Tensor, "point 2"], texts: list[str], name: str, look: dict) -> go.Scatter:
    x, y = at.T.tolist()
    return go.Scatter(
        x=x, y=y, mode="markers", marker=look, text=texts, name=name, hovertemplate="%{text}"
    )


def _labels(
    points: LatentMap,
    one: Run,
    words: dict[str, dict[int, str]],
    latents: Float[Tensor, "layer 2"],
    phases: list[str],
    likely: Float[Tensor, " token"],
) -> list[dict]:
    """Return the labels: the prompt's own words, the ends of the path, other words, layers.

    ``likely``: how probable the path finds each token at any layer; the twelve best are written.
    """
    notes: dict[str, tuple[bool, float, dict]] = {}
    for code, color in zip(one.pair, (PIVOT_COLOR, TARGET_COLOR)):
        spelled = one.spelling(code)[0]
        for column in sorted(words[code], key=lambda n: -likely[n]):
            x, y = points.tokens[column].tolist()
            word = words[code][column]
            note = label(escape(isolate(word)), color, x=x, y=y, xref="x", yref="y")
            mine = spelled in word.split(" / ")
            notes.setdefault(word, (mine, likely[column].item(), note))
    ranked = sorted(notes.values(), key=lambda each: each[:2], reverse=True)[:_MOST]
    numbers = [
        label(str(layer), _INK[phase], x=at[0], y=at[1], xref="x", yref="y")
        for layer, phase, at in zip(one.layers, phases, latents.tolist())
    ]
    first = [note for mine, _, note in ranked if mine] + [numbers[-1], numbers[0]]
    return [*first, *(note for mine, _, note in ranked if not mine), *numbers[-2:0:-1]]
