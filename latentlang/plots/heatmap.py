"""The table of top tokens: layers by positions."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import plotly.graph_objects as go
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .fit import finish
from .messages import sentence, share, spans
from .naming import curve_name, described_model
from .style import INK, MUTED_COLOR, PAPER, colored, language_style
from .text import escape, percent, token_label, token_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_ROW, _CELL = 28, 64  # pixels: a cell holds two short lines
_MANY, _LOW_ROW = 20, 18  # above so many layers, rows of so many pixels hold one line
_LINE = 10  # columns of a line
_QUESTION = "What is the most probable next token at each layer?"


def heatmap(
    run: Run,
    tokenizer: PreTrainedTokenizerBase,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw the most probable token at every layer and position of one prompt.

    A run at one position has its next candidates in the columns before the last one. A cell is in
    the colour of the language whose word its token begins, and grey for any other token; of several
    tokens that begin one word, only the most probable has its colour. The stronger the colour, the
    more probable the token. The hover lists the next tokens.

    Args:
        run: one prompt; about ten positions are readable side by side.
        tokenizer: the model's, ``model.tokenizer``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container. A narrow one shows the last positions.

    Raises:
        DataError: for a run of several prompts, or an unknown theme.
    """
    if len(require_run(run)) != 1:
        raise DataError(f"The heatmap shows one prompt, and this run has {len(run)}: take run[0].")
    ids, chances = (tensor[0].movedim(-2, 0) for tensor in (run.top_ids, run.top_probs))
    if run.position_tokens:  # [layer, position, k]: the first of each
        best, strength = ids[..., 0].tolist(), chances[..., 0].tolist()
        hover = _rankings(ids, chances, tokenizer)
        columns = [_cell(token_text(token, tokenizer)) for token in run.position_tokens]
    else:  # [layer, k], the most probable in the last column
        best, strength = ids.flip(-1).tolist(), chances.flip(-1).tolist()
        hover = _rankings(ids[:, None], chances[:, None], tokenizer)
        hover = [row * len(best[0]) for row in hover]
        columns = [str(place) for place in range(len(best[0]), 0, -1)]
    kinds = _kinds(run, len(columns))
    many = len(run.layers) > _MANY
    short = _short if many else _cell
    cells = [[short(token_text(token, tokenizer)) for token in row] for row in best]
    figure = go.Figure()
    looks = {
        code: language_style(code, run.target, run.pivot, run.source) for code in run.languages
    }
    colors = {"": MUTED_COLOR} | {code: look["color"] for code, look in looks.items()}
    for kind, color in colors.items():
        chosen = [[each == kind for each in row] for row in kinds]
        faint = 0.45 if kind == "" else 1.0  # grey must not outshine a language
        figure.add_heatmap(
            z=_where(chosen, strength, None),
            text=_where(chosen, cells, ""),
            customdata=_where(chosen, hover, ""),
            x=list(range(len(columns))),
            y=list(run.layers),
            name=curve_name(run, kind, short=True) if kind else "other tokens",
            zmin=0,
            zmax=1 / faint,
            colorscale=[[0, PAPER], [1, color]],
            showscale=False,
            texttemplate="%{text}",
            textfont={"size": 11},
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="layer %{y}<br>%{customdata}<extra></extra>",
        )
    figure.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=columns,
        showgrid=False,
        tickfont={"color": INK},
    )
    step = max(1, len(run.layers) // 18)
    low, high = run.layers[0] - 0.5, run.layers[-1] + 0.5
    figure.update_yaxes(title="layer", dtick=step, showgrid=False, range=[low, high])
    names = ["position", "the token read there"]
    if not run.position_tokens:
        names = ["place", "1 is the most probable token"]
    figure.update_layout(hovermode="closest", meta={"columns": [len(columns), _CELL, *names]})
    return finish(
        figure,
        heatmap_message(run, [row[-1] for row in kinds], cells[-1][-1], strength[-1][-1]),
        [_QUESTION, escape(run.setting.title), f"n = {len(run)}", described_model(run)],
        notes=[_marks(run, colors)],
        area=(_LOW_ROW if many else _ROW) * max(4, len(run.layers)),
        theme=theme,
        width=width,
    )


def heatmap_message(run: Run, kinds: list[str], answer: str, chance: float) -> str:
    """Return at which layers the last column is a word of a language, and how it ends."""
    parts = []
    for code in dict.fromkeys((run.pivot, run.target)):
        layers = [layer for layer, kind in zip(run.layers, kinds) if code and kind == code]
        if layers:
            parts.append(f"{curve_name(run, code, short=True)} at {spans(layers)}")
    said = f"last column: {', '.join(parts)}" if parts else "no language's word in the last column"
    end = answer.replace("<br>", "")
    last = f"the top token at the end is {end}, {share(chance)}"
    return sentence([said if run.languages else "", last])


def _kinds(run: Run, n_columns: int) -> list[list[str]]:
    """Return the language whose word each cell's token begins, [layer][column].

    The rank of a language is that of its best token, so a cell in place n has that token where the
    rank is n. Nothing for none, or for several.
    """
    place = 1 if run.position_tokens else torch.arange(n_columns, 0, -1)
    own = {}
    for code in run.languages:
        rank = run.rank[code][0].T if run.position_tokens else run.rank[code][0][:, None]
        own[code] = (rank == place).tolist()
    kinds = []
    for layer in range(len(run.layers)):
        found = [[code for code in own if own[code][layer][n]] for n in range(n_columns)]
        kinds.append([codes[0] if len(codes) == 1 else "" for codes in found])
    return kinds


def _where(chosen: list[list[bool]], rows: list[list], empty: object) -> list[list]:
    return [[value if yes else empty for yes, value in zip(*pair)] for pair in zip(chosen, rows)]


def _marks(run: Run, colors: dict[str, str]) -> str:
    """Return a legend in words: one square per language."""
    squares = [
        colored(f"■ {curve_name(run, code, short=True)}", color)
        for code, color in colors.items()
        if code
    ]
    grey = colored("■ any other token", MUTED_COLOR)
    words = f"the word in {' '.join(squares)} · " if squares else ""
    return f"{words}{grey} · the stronger, the more probable"


def _rankings(
    ids: Int[Tensor, "layer column k"],
    probabilities: Float[Tensor, "layer column k"],
    tokenizer: PreTrainedTokenizerBase,
) -> list[list[str]]:
    """Return the hover of each cell, [layer][column]: its tokens, and how probable they are."""
    return [
        [
            "<br>".join(f"{token_label(i, tokenizer)}  {percent(p)}" for i, p in zip(*cell))
            for cell in zip(*rows)
        ]
        for rows in zip(ids.tolist(), probabilities.tolist())
    ]


def _cell(text: str) -> str:
    """Return a token in one or two lines of a cell, or its beginning if it is longer than that."""
    whole = _first(text, _LINE)
    if whole == len(text) or "\u2068" in text:  # right-to-left letters stay in one line
        return _short(text)
    return f"{escape(text[:whole])}<br>{_short(text[whole:])}"


def _short(text: str, most: int = _LINE) -> str:
    """Return a token that fits into a line, where Chinese characters take two columns."""
    length = _first(text, most)
    if length == len(text):
        return escape(text)
    kept = text[: _first(text, most - 1)]
    closing = "\u2069" * (kept.count("\u2068") - kept.count("\u2069"))  # isolates end in the cell
    return escape(kept) + "…" + closing


def _first(text: str, most: int) -> int:
    """Return how many characters fit into so many columns."""
    columns = 0
    for n, character in enumerate(text):
        wide = unicodedata.east_asian_width(character) in "WF"
        columns += 0 if unicodedata.combining(character) else 1 + wide
        if columns > most:
            return n
    return len(text)
