"""The flat map of latents and tokens (paper, Figure 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from jaxtyping import Float
from plotly.colors import sample_colorscale
from torch import Tensor

from ..analysis.mds import LatentMap
from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from ..prompts.tokens import start_ids
from .layer_curves import curve_name, described_model
from .style import MUTED_COLOR, PIVOT_COLOR, TARGET_COLOR, apply_style, subtitle
from .text import escape, isolate, token_label

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def latent_map(
    points: LatentMap, run: Run, tokenizer: PreTrainedTokenizerBase, paths: int = 6
) -> go.Figure:
    """Draw the map of ``geometry.latent_mds`` (paper, Figure 3).

    Latents are coloured by layer, the words of the prompts by language; the other tokens are grey.
    Near means likely. Only distances between a latent and a token carry meaning.

    Args:
        points: the map of ``run.watched``, with prompts and layers in one axis.
        run: the run with those ``watched`` tokens.
        tokenizer: the model's, ``model.tokenizer``.
        paths: how many prompts have a line through their latents.

    Raises:
        DataError: for a map and a run that do not belong together.
    """
    n_prompts, n_layers = len(require_run(run)), len(run.layers)
    if len(points.latents) != n_prompts * n_layers or len(points.tokens) != len(run.watch):
        raise DataError(
            "The map and the run do not belong together: "
            "use latent_mds(run.watched.flatten(0, 1)) of this run."
        )
    latents = points.latents.reshape(n_prompts, n_layers, -1)
    column_of = {token: n for n, token in enumerate(run.watch)}
    figure = go.Figure()
    words, word_columns = {}, set()
    for code in run.pair:
        columns = _word_columns(run, tokenizer, code, column_of)
        words[code] = {n: word for n, word in columns.items() if n not in word_columns}
        word_columns |= set(words[code])
    others = [n for n in range(len(run.watch)) if n not in word_columns]
    labels = [token_label(run.watch[n], tokenizer) for n in others]
    _points(figure, points.tokens[others], labels, "other tokens", "#C3CAD3", "circle", 4)
    colors = sample_colorscale("Rainbow_r", [n / max(1, n_layers - 1) for n in range(n_layers)])
    for n in range(min(paths, n_prompts)):
        x, y = latents[n].T.tolist()
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": MUTED_COLOR, "width": 1},
            opacity=0.6,
            hoverinfo="skip",
            showlegend=False,
        )
    concepts = [escape(concept) for concept in run.prompts["concept"]]
    for n, layer in enumerate(run.layers):
        x, y = latents[:, n].T.tolist()
        figure.add_scatter(
            x=x,
            y=y,
            mode="markers",
            marker={"color": colors[n], "size": 6},
            name=f"layer {layer}",
            legendgroup=f"layer {layer}",
            showlegend=n in (0, n_layers // 2, n_layers - 1),
            text=concepts,
            hovertemplate=f"layer {layer}<br>%{{text}}<extra></extra>",
        )
    looks = ((PIVOT_COLOR, "circle-open"), (TARGET_COLOR, "square-open"))
    for (code, columns), (color, symbol) in zip(words.items(), looks):
        labels = [escape(isolate(word)) for word in columns.values()]
        name = f"{curve_name(run, code)} words"
        at = points.tokens[list(columns)]
        _points(figure, at, labels, name, color, symbol, 9, show_names=True)
    axis = {"showticklabels": False, "zeroline": False}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x")
    note = (
        f"{n_prompts} paths · {len(run.watch):,} tokens · stress {points.stress:.2f}"
        f" · {' · '.join([escape(run.setting.title), described_model(run)])} · near means likely"
    )
    apply_style(figure, f"Latents and the tokens they predict<br>{subtitle(note)}", 640)
    return figure.update_layout(hovermode="closest")


def _word_columns(
    run: Run, tokenizer: PreTrainedTokenizerBase, code: str, column_of: dict[int, int]
) -> dict[int, str]:
    """Return the columns of ``run.watched`` that begin words of ``code``, each with those words."""
    words_at: dict[int, list[str]] = {}
    for word in dict.fromkeys(run.spelling(code)):
        for token in sorted(start_ids(word, tokenizer, mode=None)):
            if token in column_of:
                words_at.setdefault(column_of[token], []).append(word)
    return {n: " / ".join(words) for n, words in words_at.items()}


def _points(
    figure: go.Figure,
    at: Float[Tensor, "point 2"],
    names: list[str],
    name: str,
    color: str,
    symbol: str,
    size: int,
    show_names: bool = False,
) -> None:
    (x, y), marker = at.T.tolist(), {"color": color, "symbol": symbol, "size": size}
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers+text" if show_names else "markers",
        text=names,
        textposition="top center",
        name=name,
        textfont={"color": color, "size": 11},
        marker=marker,
        hovertemplate="%{text}<extra></extra>",
    )
