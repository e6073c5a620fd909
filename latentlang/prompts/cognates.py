"""Cognates: words of two languages that are spelled alike, so that a copy may count as either."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations, product
from typing import NamedTuple

from rapidfuzz.distance import DamerauLevenshtein

from .tokens import script

GRADES = ("identical", "near", "no")
_NEAR = 0.6  # the least similarity of a near spelling
_LETTERS = 4  # the shortest words that may be near: a few letters are alike by chance


class Alike(NamedTuple):
    """Two words that are spelled alike, such as ``bleu`` and ``blue`` of ``fr–en``."""

    pair: str
    word: str
    other: str
    similarity: float
    grade: str


def grade(word: str, other: str) -> str:
    """Return how alike two words are spelled: ``"identical"``, ``"near"`` or ``"no"``.

    Case and the marks on letters do not count. Near are words of one script and at least four
    letters each, with a ``similarity`` of at least 0.6.

    >>> grade("lion", "lion"), grade("zéro", "zero"), grade("bleu", "blue"), grade("sel", "salt")
    ('identical', 'identical', 'near', 'no')
    """
    ours, theirs = _bare(word), _bare(other)
    if ours == theirs:
        return "identical"
    long = all(sum(map(str.isalpha, each)) >= _LETTERS for each in (ours, theirs))
    if long and script(ours) == script(theirs) and similarity(word, other) >= _NEAR:
        return "near"
    return "no"


def similarity(word: str, other: str) -> float:
    """Return 1 − d / l: the fewest edits d between two words, and the length l of the longer one.

    An edit inserts, deletes or replaces a letter, or exchanges two neighbors (Damerau and
    Levenshtein). Case and the marks on letters do not count.

    >>> similarity("bleu", "blue"), similarity("forêt", "forest")
    (0.75, 0.8333333333333334)
    """
    return DamerauLevenshtein.normalized_similarity(_bare(word), _bare(other))


def alike(words: Mapping[str, Iterable[str]]) -> Iterator[Alike]:
    """Yield every pair of words of two languages that are spelled alike.

    Args:
        words: the spellings by language.

    >>> [found.other for found in alike({"fr": ["bleu"], "en": ["blue", "azure"], "de": ["Meer"]})]
    ['blue']
    """
    for (code, ours), (other_code, theirs) in combinations(words.items(), 2):
        for word, other in product(ours, theirs):
            if (found := grade(word, other)) != "no":
                pair = f"{code}–{other_code}"
                yield Alike(pair, word, other, similarity(word, other), found)


def nearest(grades: Iterable[str]) -> str:
    """Return the grade of the words that are most alike; ``"no"`` if there are none.

    >>> nearest(["near", "identical"]), nearest([])
    ('identical', 'no')
    """
    return min(grades, key=GRADES.index, default="no")


@cache
def _bare(word: str) -> str:
    """Return a word without case and without the marks on its letters."""
    letters = unicodedata.normalize("NFKD", word)
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold()
