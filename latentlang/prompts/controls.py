"""The controls: runs in which one ingredient is changed, and what they may change."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping

from ..errors import DataError, near
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
        words: spellings by concept, in the pivot language.
        starts: tokenizes the words.
        seed: draws the concepts.
    """

    def __init__(self, words: Mapping[str, tuple[str, ...]], starts: Starts, seed: int) -> None:
        self._seed = seed
        self._place: dict[str, tuple[int, int]] = {}  # length and rank by concept
        ranked: dict[int, list[tuple[int, int, str]]] = {}
        for order, (concept, cell) in enumerate(words.items()):
            if cell and starts.tokenize(cell[0]):
                length, rank = len(cell[0]), starts.tokenize(" " + cell[0])[0]
                self._place[concept] = length, rank
                for near_length in (length - 1, length, length + 1):
                    ranked.setdefault(near_length, []).append((rank, order, concept))
        # By length: from low to high ranks, and back; equal ranks stay in the order of the table.
        self._up = {length: sorted(rows) for length, rows in ranked.items()}
        self._down = {
            length: sorted((-rank, order, concept) for rank, order, concept in rows)
            for length, rows in ranked.items()
        }

    def of(self, concept: str, usable: Callable[[str], bool]) -> str | None:
        """Return the concept that stands in for ``concept``, or None if there is none.

        Args:
            concept: whose word is not followed.
            usable: says whether another concept may stand in: no word of the prompt may.
        """
        if concept not in self._place:
            return None
        nearest: list[str] = []
        for other in self._alike(concept):
            if other != concept and usable(other):
                nearest.append(other)
                if len(nearest) == _NEAREST:
                    break
        draw = random.Random(f"{self._seed}|{concept}")
        return draw.choice(nearest) if nearest else None

    def _alike(self, concept: str) -> Iterator[str]:
        """Yield the concepts of like length, from the nearest rank on."""
        length, rank = self._place[concept]
        up, down = self._up[length], self._down[length]
        higher = range(bisect_left(up, (rank,)), len(up))
        lower = range(bisect_left(down, (1 - rank,)), len(down))
        by_distance = heapq.merge(
            ((up[n][0] - rank, *up[n][1:]) for n in higher),
            ((down[n][0] + rank, *down[n][1:]) for n in lower),
        )
        return (row[-1] for row in by_distance)
