"""How many tokens a word takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .tokens import tokenize_word
from .words import load_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def fertility(
    tokenizer: PreTrainedTokenizerBase, words: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return how a tokenizer cuts each language's words: one row per language.

    Args:
        tokenizer: the model's, ``model.tokenizer``.
        words: a table as ``load_words`` returns it; None for the list of latentlang.

    Returns:
        The columns ``words`` (how many), ``single`` (how many of them are one token) and
        ``tokens`` (the mean number of tokens per word, its fertility). Each word is the first
        spelling, read right after a quote.
    """
    table = load_words(words)
    rows = {}
    for code in table.columns:
        lengths = [len(tokenize_word(cell[0], tokenizer)) for cell in table[code] if cell]
        tokens = sum(lengths) / max(1, len(lengths))
        rows[code] = {"words": len(lengths), "single": lengths.count(1), "tokens": tokens}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("language")
