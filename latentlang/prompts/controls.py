"""The controls: runs in which one ingredient is changed, and what they may change."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from operator import itemgetter

from ..errors import DataError, near
from .sets import WordSets
from .setting import PIVOT
from .tokens import Starts
from .words import languages

CONTROLS = ("shuffled", "random")
_NEAREST = 5  # how many words of like rank a stand-in is drawn from


def check_control(
    control: str | None, source: str | None, target: str, pivot: str, k: int | None
) -> None:
    """Refuse a control that would change nothing, or that follows a word of the prompt.

    Args:
        control: a name of ``CONTROLS``, the code of a third language, or None.
        source: the source language; None for a task of one language.
        target: the language of the answer.
        pivot: the language to look for without a control.
        k: the number of demonstrations.

    Raises:
        DataError: says what to choose instead.
    """
    if control == "shuffled" and k is not None and k < 2:
        raise DataError(
            f"control='shuffled' exchanges the answers of demonstrations, and k={k} leaves "
            "nothing to exchange: use k=2 or more."
        )
    if control == "random" and pivot in (source, target):
        raise DataError(
            "control='random' needs a pivot other than source and target, "
            f"and the pivot is '{pivot}': choose another pair."
        )
    if control is None or control in CONTROLS:
        return
    if control not in languages().index:
        raise DataError(
            f"Unknown control '{control}'.{near(control, CONTROLS)} Use {' or '.join(CONTROLS)}, "
            "or the code of a language to follow instead of the pivot."
        )
    if control in (source, target):
        raise DataError(
            f"'{control}' is already source or target: choose a third language as the control."
        )
    if pivot != PIVOT:
        raise DataError(
            f"pivot='{pivot}' and control='{control}' both name the language to follow: "
            "pass one of them."
        )
    if control == pivot:
        raise DataError(
            f"control='{control}' follows the pivot itself and changes nothing: leave it out, or "
            "name a third language."
        )


class StandIns:
    """Other words of similar length and rank, to follow instead of the right ones.

    The rank of a word is the number of its first token in the vocabulary. The other concept is
    drawn from the five nearest ranks among the words that differ by at most one letter in length.

    Args:
        sets: the words of the pivot language, and the tokens that begin them.
        starts: tokenizes the words.
        seed: draws the concepts.
    """

    def __init__(self, sets: WordSets, starts: Starts, seed: int) -> None:
        self._seed = seed
        self._place: dict[str, tuple[int, int]] = {}  # length and rank by concept
        # By length and rank: the concepts, in the order of the table, by the tokens that begin
        # their words. Many words may begin alike, and then a prompt leaves all of them out at once.
        self._alike: dict[int, dict[int, dict[frozenset[int], list[tuple[int, str]]]]] = {}
        for order, (concept, cell) in enumerate(sets.words.items()):
            if cell and starts.tokenize(cell[0]):
                length, rank = len(cell[0]), starts.tokenize(" " + cell[0])[0]
                self._place[concept] = length, rank
                for near_length in (length - 1, length, length + 1):
                    by_tokens = self._alike.setdefault(near_length, {}).setdefault(rank, {})
                    by_tokens.setdefault(sets.of(concept), []).append((order, concept))
        self._ranks = {length: sorted(by_rank) for length, by_rank in self._alike.items()}

    def of(self, concept: str, begun: frozenset[int], usable: Callable[[str], bool]) -> str | None:
        """Return the concept that stands in for ``concept``, or None if there is none.

        Args:
            concept: whose word is not followed.
            begun: the tokens that begin words of the prompt. A stand-in has another one.
            usable: says whether another concept may stand in: no word of the prompt may.
        """
        if concept not in self._place:
            return None
        others = (other for other in self._near(concept, begun) if other != concept)
        nearest = list(islice(filter(usable, others), _NEAREST))
        draw = random.Random(f"{self._seed}|{concept}")
        return draw.choice(nearest) if nearest else None

    def _near(self, concept: str, begun: frozenset[int]) -> Iterator[str]:
        """Yield the concepts of like length with a token of their own, from the nearest rank on.

        Those of equally near ranks come in the order of the table.
        """
        length, rank = self._place[concept]
        ranks, by_rank = self._ranks[length], self._alike[length]
        start = bisect_left(ranks, rank)
        distances = heapq.merge(
            ((each - rank, each) for each in ranks[start:]),
            ((rank - each, each) for each in reversed(ranks[:start])),
        )
        for _, equally_near in groupby(distances, key=itemgetter(0)):
            found = [
                row
                for _, each in equally_near
                for tokens, rows in by_rank[each].items()
                if not tokens <= begun
                for row in rows
            ]
            yield from (other for _, other in sorted(found))
