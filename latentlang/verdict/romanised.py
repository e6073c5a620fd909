"""The target words in Latin letters: is what looks like another language a romanised target?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from ..errors import DataError
from ..models.model import Model
from ..progress import Progress
from ..prompts.cells import spellings
from ..prompts.csv_file import read_csv
from ..prompts.prompt import PromptSet
from ..prompts.words import language, language_folders
from .beside import follow_beside


def romanised_words(code: str) -> dict[str, tuple[str, ...]]:
    """Return ``{concept: spellings in Latin letters}`` of a language.

    ``data/README.md`` gives the rules.

    Args:
        code: of the language.

    Raises:
        DataError: for an unknown language, or one without such spellings.

    >>> romanised_words("ru")["mountain"], romanised_words("zh")["flower"][:2]
    (('gora',), ('hua', 'huā'))
    """
    language(code)
    path = language_folders()[code].path / "romanised.csv"
    if not path.exists():
        raise DataError(
            f"The words of '{code}' are not stored in Latin letters: add {path.name} to its folder."
        )
    return dict(_read(path))


@cache
def _read(path: Path) -> dict[str, tuple[str, ...]]:
    rows = read_csv(path, ("concept", "words"), may_be_empty=())
    return {
        row["concept"]: spellings(row["words"], f"{path}, line {line}, column 'words'")
        for line, row in rows
    }


def romanised(model: Model, prompts: PromptSet, *, progress: Progress = True) -> pd.DataFrame:
    """Follow the target words in Latin letters as one more language, layer by layer.

    RomanLens (arXiv 2502.07424) reports that models hold romanised words of the target on the way
    to other scripts. Only the tokens that begin the words are followed. A token that also begins
    the word of pivot, target or source does not count.

    Args:
        model: what ``load_model`` returns.
        prompts: of ``build_prompts``, with a target that has such spellings.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        One row per layer: see ``follow_beside``; the column of the word is ``romanised``.

    Raises:
        DataError: for a target without such spellings, or fewer than two prompts whose romanised
            word has a token of its own.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[:6]
    >>> romanised(model, prompts, progress=False).columns[:3].tolist()
    ['pivot', 'target', 'romanised']
    """
    words = romanised_words(prompts.target)
    return follow_beside(model, prompts, words, "romanised", progress=progress)
