"""The explorer of tokens: which of them begin a word, and which begin two words at once."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from ..display import escape, token_label
from ..errors import DataError
from ..tokens import start_ids
from .panel import Panel

_MODES = {"as prompts do": "auto", "prefix (the paper's)": "prefix", "word": "word", "first": "first"}
_CELL = "<td style='border: 1px solid #C3CAD3; padding: 2px 8px; text-align: left'>{}</td>"


def tokens(tokenizer, word: str = "fleur", other: str = "flower") -> widgets.VBox:
    """Return an explorer of Start(w): type two words, choose a mode, and see which tokens count for each, and for both.

    ``tokenizer``: of any model, ``model.tokenizer``. It carries the classes ``latentlang-tokens`` and ``latentlang-table``.
    """
    controls = {
        "word": widgets.Text(value=word, description="Word", continuous_update=False),
        "other": widgets.Text(value=other, description="Other word", continuous_update=False),
        "mode": widgets.Dropdown(options=list(_MODES.items()), value="auto", description="Mode"),
    }
    table = widgets.HTML()

    def compute(_, word: str, other: str, mode: str) -> tuple:
        if not word.strip() or not other.strip():
            raise DataError("Type a word in both fields.")
        ids = {text: start_ids(text.strip(), tokenizer, None if mode == "auto" else mode) for text in (word, other)}
        return ids, frozenset.intersection(*ids.values()) if word != other else frozenset()

    def show(result: tuple) -> str:
        ids, both = result
        rows = [(text, token) for text, found in ids.items() for token in sorted(found)]
        marked = ["both" if token in both else "" for _, token in rows]
        cells = [(escape(t), token_label(n, tokenizer), str(n), m) for (t, n), m in zip(rows, marked)]
        head = "".join(f"<th style='text-align: left; padding: 2px 8px'>{name}</th>" for name in ("word", "token", "id", ""))
        body = "".join(f"<tr>{''.join(_CELL.format(cell) for cell in row)}</tr>" for row in cells)
        table.value = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        panel.offer(pd.DataFrame(rows, columns=["word", "id"]).assign(both=marked), "latentlang-tokens")
        counts = ", ".join(f"{len(found)} begin {escape(text)}" for text, found in ids.items())
        return f"{counts}; {len(both)} begin both" + (": a concept with such a pair is dropped" if both else "")

    panel = Panel("tokens", controls, {"table": table}, compute, show)
    return panel.first()
