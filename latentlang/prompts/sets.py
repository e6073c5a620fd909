"""The sets of tokens that are followed: which tokens count for a language, and which for none.

A token that begins words of two languages says nothing about either. One rule, ``separate``,
decides about every set: those of pivot, source and target, and those that are only watched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ..errors import DataError, near
from .tokens import Starts

OVERLAPS = ("paper", "drop")


@dataclass(frozen=True)
class Separated:
    """What ``separate`` decides about one prompt.

    ``shared``: two languages of which one token begins both words, so that the prompt tells
    nothing about them; None if there are none. ``watched``: what is left of each watched set.
    ``taken``: the tokens that were taken from it.
    """

    shared: tuple[str, str] | None
    watched: dict[str, frozenset[int]]
    taken: dict[str, frozenset[int]]


def separate(
    asked: Mapping[str, frozenset[int]],
    watched: Mapping[str, frozenset[int]] | None = None,
    overlap: str = "drop",
) -> Separated:
    """Decide which tokens count for which language, so that no token counts for two.

    Args:
        asked: the sets of pivot, target and source by language, in this order.
        watched: the sets of words that the prompt does not depend on, by any label: a third
            language, or a word that stands in for the pivot word. A token that is in another set
            as well is taken from them.
        overlap: ``"drop"``: no two of the asked sets may share a token. ``"paper"``: only the first
            two, pivot and target, are compared, as the paper's authors do.

    >>> apart = separate({"en": frozenset({2}), "zh": frozenset({1})}, {"de": frozenset({2, 3})})
    >>> apart.shared, apart.watched, apart.taken
    (None, {'de': frozenset({3})}, {'de': frozenset({2})})
    >>> separate({"en": frozenset({2}), "it": frozenset({1}), "fr": frozenset({1})}).shared
    ('it', 'fr')
    """
    watched = watched or {}
    compared = compared_in(overlap, asked)
    pairs = ((a, b) for n, a in enumerate(compared) for b in compared[n + 1 :])
    shared = next(((a, b) for a, b in pairs if asked[a] & asked[b]), None)
    taken = {}
    for label, tokens in watched.items():
        others = [tokens for other, tokens in watched.items() if other != label]
        taken[label] = tokens & frozenset().union(*asked.values(), *others)
    left = {label: tokens - taken[label] for label, tokens in watched.items()}
    return Separated(shared, left, taken)


def compared_in(overlap: str, languages: Iterable[str]) -> list[str]:
    """Return which of pivot, target and source, in this order, are told apart."""
    return list(languages)[:2] if overlap == "paper" else list(languages)


def overlap_of(overlap: str | None, mode: str | None) -> str:
    """Return what ``overlap=None`` means in a mode, or the choice if it is a known one."""
    if overlap is None:
        return "paper" if mode == "prefix" else "drop"
    if overlap not in OVERLAPS:
        raise DataError(
            f"Unknown overlap '{overlap}'.{near(overlap, OVERLAPS)} Use {' or '.join(OVERLAPS)}, "
            "or leave it out."
        )
    return overlap


class WordSets:
    """Start(w) of every word of one language's column in a word table.

    Several concepts are taken together where one question asks for any of them, as
    ``Task.meanings`` says. In the modes ``word`` and ``first`` a token that spells the word of
    another concept, and of none of these, does not count: ``Hand`` begins ``Handtuch``, and it is
    a word of its own.
    """

    def __init__(self, words: pd.Series, starts: Starts) -> None:
        self.words: dict[str, tuple[str, ...]] = words.to_dict()
        self._starts = starts
        starts.read([word for cell in self.words.values() for word in cell])
        self._sets: dict[tuple[str, ...], tuple[frozenset[int], frozenset[int]]] = {}

    def spellings(self, *concepts: str) -> tuple[str, ...]:
        """Return every spelling of the concepts' words, each once."""
        return tuple(dict.fromkeys(word for each in concepts for word in self.words[each]))

    def of(self, *concepts: str) -> frozenset[int]:
        """Return the ids of the tokens that begin the concepts' words, in any spelling."""
        return self._split(concepts)[0]

    def taken(self, *concepts: str) -> frozenset[int]:
        """Return the ids that do not count, because they spell another concept."""
        return self._split(concepts)[1]

    def unknown(self, concept: str) -> bool:
        """Return whether the first token of the concept's word is unknown to the tokenizer."""
        return not self._starts.tokenize(self.words[concept][0])

    def why_empty(self, concept: str, code: str) -> str:
        """Return why no token is left for the concept's word in the language ``code``."""
        word = self.words[concept][0]
        if self.unknown(concept):
            return f"unknown first token: the tokenizer cannot begin the '{code}' word {word}"
        if self.taken(concept):
            return f"no token of its own: what begins the '{code}' word {word} is another word"
        return f"no token begins the '{code}' word"

    def _split(self, concepts: tuple[str, ...]) -> tuple[frozenset[int], frozenset[int]]:
        if concepts not in self._sets:
            ids = frozenset().union(*(self._starts.of(word) for word in self.spellings(*concepts)))
            own = set(concepts)
            taken = frozenset(i for i in ids if own.isdisjoint(self._owners.get(i, own)))
            self._sets[concepts] = ids - taken, taken
        return self._sets[concepts]

    @cached_property
    def _owners(self) -> dict[int, set[str]]:
        """The concepts that each token spells; empty in mode ``prefix``: all prefixes count."""
        owners: dict[int, set[str]] = {}
        if self._starts.mode != "prefix":
            for concept, cell in self.words.items():
                for word in cell:
                    for token_id in self._starts.whole(word):
                        owners.setdefault(token_id, set()).add(concept)
        return owners
