"""How prompts are read together: in random batches of like length, halved where memory ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby

import pandas as pd

from ..models.model import Model
from .memory import PROMPT, fewer

_BATCH_TOKENS = 2048
_WINDOW = 4  # batches that are sorted together: nearly no padding, and early batches of any length
_NAMED = 12  # concepts that a warning lists
_SHOWN = 30  # characters of a typed text that stand for it: its end, for it may begin as others do


def batches_of(encoded: list[list[int]], batch_size: int | None) -> list[list[int]]:
    """Group prompts in a random order, the same one for the same prompts.

    The batches that are done at any time are then a random sample of the prompts. A few batches at
    a time are sorted by length, so that little is padded.
    """
    longest = max(map(len, encoded))
    size = batch_size or max(1, _BATCH_TOKENS // max(1, longest))
    draw = random.Random(str(encoded))
    order = draw.sample(range(len(encoded)), len(encoded))
    batches = []
    for start in range(0, len(order), _WINDOW * size):
        window = sorted(order[start : start + _WINDOW * size], key=lambda row: len(encoded[row]))
        parts = [window[at : at + size] for at in range(0, len(window), size)]
        batches += draw.sample(parts, len(parts))
    return batches


def interruption(done: Sequence[int], table: pd.DataFrame) -> str:
    """Return the sentence about a decode that was stopped: how many prompts it read, and which."""
    rows = table.iloc[sorted(done)]
    ends = [" ".join(text.split())[-_SHOWN:] for text in rows["text"]]
    names = list(dict.fromkeys(concept or end for concept, end in zip(rows["concept"], ends)))
    more = f" and {len(names) - _NAMED} more (run.prompts lists them)" if names[_NAMED:] else ""
    return (
        f"Stopped after {len(done)} of {len(table)} prompts. The result holds only these, a random "
        f"sample: {', '.join(names[:_NAMED])}{more}."
    )


def halves(rows: list[int], model: Model) -> list[list[int]]:
    """Return a batch that was too large for the GPU as two batches."""
    half = fewer(len(rows), PROMPT, model)
    return [rows[:half], rows[half:]]


def of_one_length(batches: list[list[int]], encoded: list[list[int]]) -> list[list[int]]:
    """Split batches so that nothing is padded.

    >>> of_one_length([[0, 1, 2]], [[5], [5, 6], [7]])
    [[1], [0, 2]]
    """

    def length(row: int) -> int:
        return -len(encoded[row])

    return [
        list(rows) for batch in batches for _, rows in groupby(sorted(batch, key=length), length)
    ]
