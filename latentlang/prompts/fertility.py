"""How many tokens a word takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from .tokens import Starts
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
        The columns ``words`` (how many), ``single`` (how many of them are one token), ``tokens``
        (the mean number of tokens per word, its fertility) and ``unknown`` (how many words the
        tokenizer cannot spell; they do not count in ``single`` and ``tokens``). Each word is the
        first spelling, read right after a quote.
    """
    table, starts = load_words(words), Starts(tokenizer)
    rows = {}
    for code in table.columns:
        spelled = [starts.tokenize(cell[0]) for cell in table[code] if cell]
        lengths = [len(ids) for ids in spelled if starts.vocab.spells(ids)]
        rows[code] = {
            "words": len(spelled),
            "single": lengths.count(1),
            "tokens": sum(lengths) / len(lengths) if lengths else math.nan,
            "unknown": len(spelled) - len(lengths),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("language")
