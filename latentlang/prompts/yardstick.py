"""The yardstick of a prompt: another concept, whose words are neither asked for nor shown."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from .sets import WordSets, separate

_TRIES = 100  # concepts that are looked at before one is taken that shares a token


@dataclass(frozen=True)
class Yardstick:
    """Another concept of the word list, and the tokens that begin its words, by language.

    How probable its words are at a layer says what a word of the list has there that the prompt
    has nothing to do with. No token of it counts twice, nor for a word of the prompt.
    """

    concept: str
    token_ids: dict[str, frozenset[int]]


class Yardsticks:
    """Draws the yardstick of each prompt.

    All concepts stand in one circle, in an order drawn by the seed. The yardstick of a prompt is
    the next concept behind its own that shares no token with it. So it depends on no other prompt,
    and nearly every concept is the yardstick of about one prompt.

    In mode ``prefix`` all words of a language may share a token, such as the first byte of every
    Hindi letter. Then a concept is taken that shares the fewest, and these do not count for it.

    Args:
        sets: the words and token sets of each language.
        seed: draws the order.
    """

    def __init__(self, sets: Mapping[str, WordSets], seed: int) -> None:
        self._sets = sets
        concepts = list(next(iter(sets.values())).words)
        self._circle = random.Random(f"{seed}|yardstick").sample(concepts, len(concepts))
        self._place = {concept: place for place, concept in enumerate(self._circle)}
        self._known: dict[tuple[str, tuple[str, ...]], tuple[frozenset[int], bool]] = {}
        self._spelled: dict[str, frozenset[str]] = {}

    def of(
        self,
        concept: str,
        demos: tuple[str, ...],
        languages: Iterable[str],
        begins: Iterable[frozenset[int]],
    ) -> Yardstick | None:
        """Return the yardstick of a prompt, or None if no other concept fits.

        Args:
            concept: of the query.
            demos: the concepts of the demonstrations. A yardstick shares no spelling with them.
            languages: those that are followed. A yardstick has a token of its own in each.
            begins: the tokens that begin words of the prompt. A yardstick has none of them.
        """
        codes, own = tuple(languages), frozenset().union(*begins)
        shown = frozenset().union(*map(self._spellings, demos))
        for other in islice(self._behind(concept), _TRIES):
            ids, apart = self._ids(other, codes)
            if apart and ids.isdisjoint(own) and shown.isdisjoint(self._spellings(other)):
                sets = {code: self._sets[code].of(other) for code in codes}
                return Yardstick(other, sets)
        return self._of_fewest(islice(self._behind(concept), _TRIES), codes, own, shown)

    def _of_fewest(
        self,
        near: Iterable[str],
        codes: tuple[str, ...],
        own: frozenset[int],
        shown: frozenset[str],
    ) -> Yardstick | None:
        """Return the first of those concepts that share the fewest tokens; None if none fits."""
        found, fewest = None, None
        for other in near:
            apart = separate({"own": own}, {code: self._sets[code].of(other) for code in codes})
            if all(apart.watched.values()) and shown.isdisjoint(self._spellings(other)):
                shared = sum(map(len, apart.taken.values()))
                if fewest is None or shared < fewest:
                    found, fewest = Yardstick(other, apart.watched), shared
        return found

    def _ids(self, concept: str, codes: tuple[str, ...]) -> tuple[frozenset[int], bool]:
        """Return all tokens that begin a concept's words, and whether no two words share one.

        No tokens at all are shared as well. It is asked of many concepts for each prompt.
        """
        if (concept, codes) not in self._known:
            sets = [self._sets[code].of(concept) for code in codes]
            ids = frozenset().union(*sets)
            self._known[concept, codes] = ids, all(sets) and len(ids) == sum(map(len, sets))
        return self._known[concept, codes]

    def _behind(self, concept: str) -> Iterator[str]:
        """Yield the other concepts around the circle."""
        place, count = self._place[concept], len(self._circle)
        return (self._circle[(place + step) % count] for step in range(1, count))

    def _spellings(self, concept: str) -> frozenset[str]:
        """Return the words of a concept in all languages, case ignored."""
        if concept not in self._spelled:
            cells = (sets.words[concept] for sets in self._sets.values())
            self._spelled[concept] = frozenset(word.casefold() for cell in cells for word in cell)
        return self._spelled[concept]
