"""The words that are followed in a prompt, the tokens that count for them, and what is dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from .cognates import Alike, alike
from .controls import StandIns
from .prompt import contained
from .sets import WordSets, compared_in, separate
from .setting import Setting
from .tokens import Starts
from .yardstick import Yardstick, Yardsticks

Sets = dict[str, frozenset[int]]


@dataclass(frozen=True)
class Followed:
    """The words of one prompt and their tokens, by language; the fields are those of ``Prompt``."""

    homographs: tuple[str, ...]
    answers: dict[str, tuple[str, ...]]
    token_ids: Sets
    taken: Sets
    alike: tuple[Alike, ...]
    yardstick: Yardstick | None = None


class Follower:
    """Decides for each concept what is followed, for one table of words and one setting.

    Args:
        table: the word table.
        starts: finds the tokens that begin a word.
        setting: of the prompts, with one source.
        pivot: the language to look for without a control. It decides what is dropped and what is
            a cognate, so that a control is about the same concepts as the finding.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        starts: Starts,
        setting: Setting,
        pivot: str,
    ) -> None:
        self._setting, self._pivot = setting, pivot
        self._overlap = setting.overlap or "drop"
        self._asked = tuple(dict.fromkeys((pivot, setting.target, setting.source)))
        codes = dict.fromkeys((*self._asked, setting.pivot))
        self._sets = {code: WordSets(table[code], starts) for code in codes}
        self._stand_ins = None
        if setting.control == "random":
            self._stand_ins = StandIns(self._sets[pivot], starts, setting.seed)
        self._yardsticks = Yardsticks(self._sets, setting.seed)

    def of(self, meanings: tuple[str, ...], demos: tuple[str, ...]) -> Followed | str:
        """Return what is followed in a prompt, or why its concept is dropped.

        Args:
            meanings: the concept of the query, and the others that its source word stands for. The
                words of each are right answers. In the source language only its own are followed.
            demos: the concepts of the demonstrations.
        """
        source = self._setting.source
        senses = {code: meanings[:1] if code == source else meanings for code in self._asked}
        asked = {code: self._sets[code].of(*senses[code]) for code in senses}
        words = {code: self._sets[code].spellings(*senses[code]) for code in senses}
        if reason := self._why_dropped(meanings[0], words, asked):
            return reason
        # Of the source the prompt shows one spelling; any of the other words may be the answer.
        compared = {source: words[source][:1]} | {
            code: words[code] for code in (self._pivot, self._setting.target)
        }
        found = tuple(alike(compared))
        taken = {code: self._sets[code].taken(*senses[code]) for code in senses}
        followed = Followed(meanings[1:], words, asked, taken, found)
        # No token that begins a word of the prompt is the yardstick's, even if it does not count.
        begins = [*asked.values(), *taken.values()]
        if self._stand_ins is not None or self._setting.pivot != self._pivot:
            controlled = self._controlled(followed, meanings, demos)
            if isinstance(controlled, str):
                return controlled
            followed = controlled
            begins += [*followed.token_ids.values(), *followed.taken.values()]
        yardstick = self._yardsticks.of(meanings[0], demos, followed.token_ids, begins)
        return replace(followed, yardstick=yardstick)

    def _controlled(
        self, found: Followed, meanings: tuple[str, ...], demos: tuple[str, ...]
    ) -> Followed | str:
        """Return what a control follows instead of the pivot word, or why there is nothing."""
        asked, source = found.token_ids, self._setting.source
        code, sets = self._setting.pivot, self._sets[self._setting.pivot]
        others = self._followed_concepts(meanings, demos, asked)
        if not others:
            return f"no other '{code}' word of like length can stand in"
        if not sets.words[others[0]]:
            return f"no word in '{code}'"
        apart = separate(asked, {code: sets.of(*others)})
        gone = sets.taken(*others) | apart.taken[code]
        shown = dict.fromkeys((self._setting.target, source))
        return replace(
            found,
            answers={
                code: sets.spellings(*others),
                **{each: found.answers[each] for each in shown},
            },
            token_ids={**apart.watched, **{each: asked[each] for each in shown}},
            taken={code: gone, **{each: found.taken[each] for each in shown}},
        )

    def _why_dropped(
        self, concept: str, words: dict[str, tuple[str, ...]], asked: Sets
    ) -> str | None:
        """Return why a concept can't tell the languages apart, or None if it can."""
        pivot, target = self._pivot, self._setting.target
        if not self._sets[pivot].words[concept]:
            return f"no word in '{pivot}'"
        if pivot != target and (pair := contained(words[pivot], words[target])):
            return f"the pivot word is in the target word: {pair}"
        compared = compared_in(self._overlap, asked)
        for code in asked:
            sets = self._sets[code]
            if not asked[code] and (code in compared or sets.unknown(concept)):
                return sets.why_empty(concept, code)
        if shared := separate(asked, overlap=self._overlap).shared:
            return f"shared first token: {' / '.join(words[code][0] for code in shared)}"
        return None

    def _followed_concepts(
        self, meanings: tuple[str, ...], demos: tuple[str, ...], asked: Sets
    ) -> tuple[str, ...]:
        """Return the concepts whose words a control follows; none if no other word can stand in.

        A stand-in is neither a right answer nor a word that the prompt shows. It has a token of its
        own.
        """
        if self._stand_ins is None:
            return meanings
        shown = set().union(*(self._spellings(each) for each in (*meanings, *demos)))
        begun = frozenset().union(*asked.values())

        def usable(other: str) -> bool:
            return shown.isdisjoint(self._spellings(other))

        stand_in = self._stand_ins.of(meanings[0], begun, usable)
        return () if stand_in is None else (stand_in,)

    def _spellings(self, concept: str) -> set[str]:
        """Return the words of a concept in all languages of the prompt, case ignored."""
        cells = (self._sets[code].words[concept] for code in self._asked)
        return {word.casefold() for cell in cells for word in cell}
