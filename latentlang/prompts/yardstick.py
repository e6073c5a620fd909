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
        codes, own, shown = list(languages), frozenset().union(*begins), self._spellings(demos)
        found, fewest = None, None
        for other in islice(self._behind(concept), _TRIES):
            apart = separate({"own": own}, {code: self._sets[code].of(other) for code in codes})
            if all(apart.watched.values()) and shown.isdisjoint(self._spellings([other])):
                shared = sum(map(len, apart.taken.values()))
                if fewest is None or shared < fewest:
                    found, fewest = Yardstick(other, apart.watched), shared
                if not shared:
                    break
        return found

    def _behind(self, concept: str) -> Iterator[str]:
        """Yield the other concepts around the circle."""
        place, count = self._place[concept], len(self._circle)
        return (self._circle[(place + step) % count] for step in range(1, count))

    def _spellings(self, concepts: Iterable[str]) -> set[str]:
        """Return the words of some concepts in all languages, case ignored."""
        cells = (sets.words[concept] for concept in concepts for sets in self._sets.values())
        return {word.casefold() for cell in cells for word in cell}
