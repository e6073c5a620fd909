"""The table of top tokens: layers by positions."""

from __future__ import annotations

import unicodedata

import plotly.graph_objects as go

from ..decoded import Decoded
from ..display import escape, token_label, token_text
from ..errors import DataError
from .look import finish


def heatmap(decoded: Decoded, tokenizer) -> go.Figure:
    """Draw the most probable token at every layer and position of one prompt.

    ``decoded``: one prompt, read at several positions; about ten of them are readable beside each other. Colour:
    the probability of the token written in the cell; the hover lists the next ones.
    """
    if not decoded.position_tokens:
        raise DataError("The heatmap needs several positions of one prompt: decode(model, [text], positions=10).")
    ids, probabilities = decoded.top_ids[0].transpose(0, 1), decoded.top_probs[0].transpose(0, 1)
    text = [[_short(token_text(i, tokenizer)) for i in row] for row in ids[..., 0].tolist()]
    hover = [
        ["<br>".join(f"{token_label(i, tokenizer)}  {p:.1%}" for i, p in zip(cell, chance)) for cell, chance in zip(row, chances)]
        for row, chances in zip(ids.tolist(), probabilities.tolist())
    ]
    seen = [_short(token_text(i, tokenizer)) for i in decoded.position_tokens]
    figure = go.Figure(
        go.Heatmap(
            z=probabilities[..., 0].tolist(), text=text, customdata=hover, y=list(decoded.layers), x=list(range(len(seen))),
            texttemplate="%{text}", textfont={"size": 11}, zmin=0, zmax=1, colorscale="Blues",
            colorbar={"title": {"text": "probability"}, "tickformat": ".0%"}, xgap=1, ygap=1,
            hovertemplate="layer %{y}<br>%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(title="position (the token read there)", tickvals=list(range(len(seen))), ticktext=seen, showgrid=False)
    figure.update_yaxes(title="layer", dtick=max(1, len(decoded.layers) // 18), showgrid=False, ticksuffix=" ")
    finish(figure, f"Most probable next token at each layer · {escape(decoded.model)}", 110 + 26 * max(4, len(decoded.layers)))
    return figure.update_layout(hovermode="closest", margin_t=48)


def _short(text: str, most: int = 10) -> str:
    """Return a token that fits into a cell, where Chinese characters take two columns; the hover has it whole."""
    widths = [0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text]
    if sum(widths) <= most:
        return escape(text)
    kept = next(n for n in range(len(text)) if sum(widths[: n + 1]) > most - 1)
    closing = "\u2069" if text.startswith("\u2068") else ""  # right-to-left text stays isolated
    return escape(text[:kept]) + "…" + closing
