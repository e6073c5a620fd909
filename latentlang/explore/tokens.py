"""The explorer of tokens: the tokens that begin a word, and those that begin two words at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets
import pandas as pd

from ..errors import DataError
from ..plots.text import escape, token_label
from ..progress import Progress, interruptible
from ..prompts.tokens import start_ids
from .panel import Panel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MODES = {
    "as prompts do": "auto",
    "prefix (the paper's)": "prefix",
    "word": "word",
    "first": "first",
}
_CELL = "<td style='border: 1px solid #C3CAD3; padding: 2px 8px; text-align: left'>{}</td>"


@interruptible
def tokens(
    tokenizer: PreTrainedTokenizerBase, word: str = "fleur", other: str = "flower"
) -> widgets.VBox:
    """Return an explorer of Start(w): type two words, choose a mode, and compare their tokens.

    The widget carries the classes ``latentlang-tokens`` and ``latentlang-table``.

    Args:
        tokenizer: of any model, ``model.tokenizer``.
        word: the first word to show.
        other: the word to compare it with.
    """
    controls = {
        "word": widgets.Text(value=word, description="Word", continuous_update=False),
        "other": widgets.Text(value=other, description="Other word", continuous_update=False),
        "mode": widgets.Dropdown(options=list(_MODES.items()), value="auto", description="Mode"),
    }
    table = widgets.HTML()

    def compute(_: Progress, word: str, other: str, mode: str) -> tuple:
        texts = [word.strip(), other.strip()]
        if not all(texts):
            raise DataError("Type a word in both fields.")
        ids = {text: start_ids(text, tokenizer, None if mode == "auto" else mode) for text in texts}
        return ids, frozenset.intersection(*ids.values())

    def show(result: tuple) -> str:
        ids, both = result
        rows = [(text, token) for text, tokens in ids.items() for token in sorted(tokens)]
        marks = ["both" if token in both else "" for _, token in rows]
        cells = [
            (escape(text), token_label(token, tokenizer), str(token), mark)
            for (text, token), mark in zip(rows, marks)
        ]
        head = "".join(
            f"<th style='text-align: left; padding: 2px 8px'>{name}</th>"
            for name in ("word", "token", "id", "")
        )
        lines = ("".join(_CELL.format(cell) for cell in row) for row in cells)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        table.value = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        numbers = pd.DataFrame(rows, columns=["word", "id"]).assign(both=marks)
        panel.offer(numbers, "latentlang-tokens")
        counts = ", ".join(f"{len(tokens)} begin {escape(text)}" for text, tokens in ids.items())
        consequence = ": a concept with such a pair is dropped" if both else ""
        return f"{counts}; {len(both)} begin both{consequence}"

    panel = Panel("tokens", controls, [{"table": table}], compute, show)
    return panel.first()
