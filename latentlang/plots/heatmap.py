"""The table of top tokens: layers by positions."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import described_model
from .style import apply_style
from .text import escape, token_label, token_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def heatmap(run: Run, tokenizer: PreTrainedTokenizerBase) -> go.Figure:
    """Draw the most probable token at every layer and position of one prompt.

    The colour is the probability of the token in the cell. The hover lists the next tokens.

    Args:
        run: one prompt, read at several positions; about ten of them are readable side by side.
        tokenizer: the model's, ``model.tokenizer``.

    Raises:
        DataError: for a run at one position.
    """
    if len(require_run(run)) != 1:
        raise DataError(f"The heatmap shows one prompt, and this run has {len(run)}: take run[0].")
    if not run.position_tokens:
        raise DataError(
            "The heatmap needs several positions of one prompt: "
            'decode(model, prompts["eagle"], positions=10).'
        )
    ids, probabilities = run.top_ids[0].transpose(0, 1), run.top_probs[0].transpose(0, 1)
    text = [[_short(token_text(i, tokenizer)) for i in row] for row in ids[..., 0].tolist()]
    hover = []
    for row, chances in zip(ids.tolist(), probabilities.tolist()):
        hover.append([_ranking(cell, chance, tokenizer) for cell, chance in zip(row, chances)])
    positions = [_short(token_text(i, tokenizer)) for i in run.position_tokens]
    figure = go.Figure(
        go.Heatmap(
            z=probabilities[..., 0].tolist(),
            text=text,
            customdata=hover,
            y=list(run.layers),
            x=list(range(len(positions))),
            texttemplate="%{text}",
            textfont={"size": 11},
            zmin=0,
            zmax=1,
            colorscale="Blues",
            colorbar={"title": {"text": "probability"}, "tickformat": ".0%"},
            xgap=1,
            ygap=1,
            hovertemplate="layer %{y}<br>%{customdata}<extra></extra>",
        )
    )
    figure.update_xaxes(
        title="position (the token read there)",
        tickvals=list(range(len(positions))),
        ticktext=positions,
        showgrid=False,
    )
    figure.update_yaxes(
        title="layer", dtick=max(1, len(run.layers) // 18), showgrid=False, ticksuffix=" "
    )
    apply_style(
        figure,
        f"Most probable next token at each layer · {described_model(run)}",
        110 + 26 * max(4, len(run.layers)),
    )
    return figure.update_layout(hovermode="closest", margin_t=48)


def _ranking(ids: list[int], probabilities: list[float], tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the lines of a hover: tokens and their probabilities."""
    lines = (f"{token_label(i, tokenizer)}  {p:.1%}" for i, p in zip(ids, probabilities))
    return "<br>".join(lines)


def _short(text: str, most: int = 10) -> str:
    """Return a token that fits into a cell, where Chinese characters take two columns."""
    widths = [
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    ]
    if sum(widths) <= most:
        return escape(text)
    length = next(n for n in range(len(text)) if sum(widths[: n + 1]) > most - 1)
    closing = "\u2069" if text.startswith("\u2068") else ""  # right-to-left text stays isolated
    return escape(text[:length]) + "…" + closing
