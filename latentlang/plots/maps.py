"""The flat map of latents and tokens (paper, Figure 3)."""

from __future__ import annotations

import plotly.graph_objects as go
import torch
from plotly.colors import sample_colorscale

from ..decoded import Decoded
from ..display import MUTED, PIVOT, TARGET, escape, isolate, language_label, token_label
from ..errors import DataError
from ..geometry import LatentMap
from ..tokens import start_ids
from .look import finish, small


def latent_map(found: LatentMap, decoded: Decoded, tokenizer, paths: int = 6) -> go.Figure:
    """Draw the map of ``geometry.latent_mds``: latents coloured by layer, the words of the prompts, the other tokens in grey.

    ``found`` must come from ``decoded.watched`` with prompts and layers in one axis. ``paths``: of how many prompts the
    latents are joined by a line. Near means likely; only distances between a latent and a token carry meaning.
    """
    n_prompts, n_layers = len(decoded), len(decoded.layers)
    if len(found.latents) != n_prompts * n_layers or len(found.tokens) != len(decoded.watch):
        raise DataError("The map and the run do not belong together: use latent_mds(decoded.watched.flatten(0, 1)) of this run.")
    latents = found.latents.reshape(n_prompts, n_layers, -1)
    place = {token: n for n, token in enumerate(decoded.watch)}
    figure = go.Figure()
    words, taken = {}, set()
    for code in decoded.pivot_and_target:
        words[code] = {n: word for n, word in _word_places(decoded, tokenizer, code, place).items() if n not in taken}
        taken |= set(words[code])
    others = [n for n in range(len(decoded.watch)) if n not in taken]
    _points(
        figure, found.tokens[others], [token_label(decoded.watch[n], tokenizer) for n in others], "other tokens", "#C3CAD3", "circle", 4
    )
    colors = sample_colorscale("Rainbow_r", [n / max(1, n_layers - 1) for n in range(n_layers)])
    for n in range(min(paths, n_prompts)):
        x, y = latents[n].T.tolist()
        figure.add_scatter(x=x, y=y, mode="lines", line={"color": MUTED, "width": 1}, opacity=0.6, hoverinfo="skip", showlegend=False)
    for n, layer in enumerate(decoded.layers):
        x, y = latents[:, n].T.tolist()
        figure.add_scatter(
            x=x, y=y, mode="markers", marker={"color": colors[n], "size": 6}, name=f"layer {layer}", legendgroup=f"layer {layer}",
            showlegend=n in (0, n_layers // 2, n_layers - 1), text=[escape(c) for c in decoded.prompts["concept"]],
            hovertemplate=f"layer {layer}<br>%{{text}}<extra></extra>",
        )  # fmt: skip
    for (code, rows), color, symbol in zip(words.items(), (PIVOT, TARGET), ("circle-open", "square-open")):
        names = [escape(isolate(word)) for word in rows.values()]
        _points(figure, found.tokens[list(rows)], names, f"{language_label(code)} words", color, symbol, 9, written=True)
    axis = {"showticklabels": False, "zeroline": False}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis, scaleanchor="x")
    note = f"{n_prompts} paths · {len(decoded.watch):,} tokens · stress {found.stress:.2f} · {escape(decoded.model)} · near means likely"
    finish(figure, f"Latents and the tokens they predict<br>{small(note)}", 640)
    return figure.update_layout(hovermode="closest")


def _word_places(decoded: Decoded, tokenizer, code: str, place: dict[int, int]) -> dict[int, str]:
    """Return which points on the map begin words of ``code``, each with those words."""
    found: dict[int, list[str]] = {}
    for word in dict.fromkeys(decoded.words(code)):
        for token in sorted(start_ids(word, tokenizer, mode=None)):
            if token in place:
                found.setdefault(place[token], []).append(word)
    return {n: " / ".join(words) for n, words in found.items()}


def _points(figure: go.Figure, at: torch.Tensor, names: list[str], name: str, color: str, symbol: str, size: int, written=False) -> None:
    (x, y), marker = at.T.tolist(), {"color": color, "symbol": symbol, "size": size}
    figure.add_scatter(
        x=x, y=y, mode="markers+text" if written else "markers", text=names, textposition="top center", name=name,
        textfont={"color": color, "size": 11}, marker=marker, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
