"""English words of two senses: does the wrong one reach the target?"""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..errors import DataError
from ..files import data_file
from ..models.model import Model
from ..progress import Progress
from ..prompts.cells import spellings
from ..prompts.csv_file import read_csv
from ..prompts.prompt import PromptSet
from .beside import follow_beside

_FILE = "english_senses.csv"


def english_senses(model: Model, prompts: PromptSet, *, progress: Progress = True) -> pd.DataFrame:
    """Follow the other sense of the English word in the target language, layer by layer.

    English *bear* is an animal, and it means to endure. German *Bär* is the animal alone. A model
    that goes from German to Chinese through the English word may confuse the two, and one that goes
    through the meaning has no reason to. The control is the other senses of the other words, in the
    same prompts.

    Args:
        model: what ``load_model`` returns.
        prompts: of ``build_prompts``, from a source other than English. Only the concepts of
            ``data/english_senses.csv`` are read.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        One row per layer: see ``follow_beside``; the column of the word is ``other_sense``.

    Raises:
        DataError: for English as source or target, a target without such words, or fewer than two
            prompts about them.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
    >>> some = prompts.about(["bear", "temple", "train"])
    >>> "other_sense" in english_senses(model, some, progress=False)
    True
    """
    if prompts.pivot in (*prompts.setting.sources, prompts.target):
        raise DataError("The English word must not be in the prompt: take two other languages.")
    words = _words(prompts.target)
    for source in prompts.setting.sources:
        # A cell is empty where the language has the same two senses as English.
        words = {concept: cell for concept, cell in words.items() if _has(source, concept)}
    chosen = prompts.about(words)
    return follow_beside(model, chosen, words, "other_sense", progress=progress)


def _words(code: str) -> dict[str, tuple[str, ...]]:
    """Return ``{concept: words of the other sense}`` of a language."""
    column = _table().get(code)
    if column is None:
        raise DataError(
            f"The other senses have no words in '{code}': choose a target among "
            f"{', '.join(_table())}."
        )
    return column


def _has(source: str, concept: str) -> bool:
    """Return whether a source has a word of its own for the other sense, as far as is known."""
    return source not in _table() or concept in _table()[source]


@cache
def _table() -> dict[str, dict[str, tuple[str, ...]]]:
    path = data_file(_FILE)
    columns: dict[str, dict[str, tuple[str, ...]]] = {}
    for line, row in read_csv(path, ("concept", "other"), may_be_empty=None):
        for code, cell in row.items():
            if code not in ("concept", "other"):
                column = columns.setdefault(code, {})
                if words := spellings(cell, f"{path}, line {line}, column '{code}'"):
                    column[row["concept"]] = words
    return columns
