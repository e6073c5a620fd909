"""``Prompt`` and ``PromptSet``: questions to a model, with all that is needed to judge answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Any, overload

import pandas as pd

from ..errors import DataError
from .cognates import Alike, nearest
from .rows import names_one, not_cognate, rows_of
from .setting import HasSetting, Setting
from .yardstick import Yardstick


@dataclass(frozen=True)
class Prompt(HasSetting):
    """One question to the model, with everything needed to judge the answer.

    ``text`` ends with the opening quote of the answer. ``demos`` are the concepts shown before
    the query. ``answers[lang]`` are the accepted spellings and ``token_ids[lang]`` the tokens
    that begin them (``start_ids``), for the target, the pivot and the source language. No token
    counts for two of them, except with ``overlap="paper"``. ``taken[lang]`` are tokens that begin
    the word as well and do not count, because they spell another concept, or because they are
    shared and a control follows the word.

    ``alike``: the words of two of the languages that are spelled alike, so that a copy of one may
    count as the other. The source word as the prompt shows it and every spelling of pivot and
    target are compared. A control changes the word that is followed, and not this.

    ``homographs``: the other concepts that the source word stands for, such as language for the
    tongue in Russian. Their words are right answers as well: ``answers`` has them for the target
    and the pivot.

    ``yardstick``: another concept of the word list, drawn by the seed. The probability of its words
    is the line that the words of the prompt have to rise above. None if no other concept fits.
    """

    text: str
    setting: Setting
    concept: str
    demos: tuple[str, ...]
    answers: dict[str, tuple[str, ...]]
    token_ids: dict[str, frozenset[int]]
    taken: dict[str, frozenset[int]] = field(default_factory=dict)
    alike: tuple[Alike, ...] = ()
    homographs: tuple[str, ...] = ()
    yardstick: Yardstick | None = None

    @property
    def cognate(self) -> str:
        """How alike the nearest two words are: ``"identical"``, ``"near"`` or ``"no"``.

        See ``PromptSet.cognates``. French ``lion`` is identical with English as the pivot. The
        paper keeps such prompts.
        """
        return nearest(found.grade for found in self.alike)

    @property
    def word_span(self) -> tuple[int, int] | None:
        """Where the queried word stands in ``text``: its first character, and the one behind it.

        None if the prompt does not show it in quotes, as a cloze prompt does not.
        """
        query = self.text.rfind("\n") + 1
        quoted = f'"{self.answers[self.source][0]}"'
        start = self.text.find(quoted, query)
        return (start + 1, start + len(quoted) - 1) if start >= 0 else None


@dataclass(frozen=True, eq=False)
class PromptSet(HasSetting):
    """Prompts in a fixed order, their ``setting``, and ``dropped``: the concepts left out.

    ``prompts[0]`` and ``prompts["eagle"]`` are one ``Prompt``; a slice, a mask or a list gives
    a ``PromptSet``. ``+`` pools two sets that differ only in their source. ``dropped`` has the
    columns concept, source, target, reason.
    """

    prompts: tuple[Prompt, ...]
    setting: Setting
    dropped: pd.DataFrame = field(repr=False)

    @classmethod
    def of(cls, parts: Iterable[Prompt | PromptSet]) -> PromptSet:
        """Return one set of several prompts or sets."""
        parts = list(parts)
        if not parts or not all(isinstance(part, (Prompt, PromptSet)) for part in parts):
            raise DataError("Only prompts can be put together: pass those of ll.build_prompts.")
        sets = [part for part in parts if isinstance(part, PromptSet)]
        prompts: list[Prompt] = []
        for part in parts:
            prompts += part if isinstance(part, PromptSet) else [part]
        columns = ["concept", "source", "target", "reason"]
        dropped = [part.dropped for part in sets] or [pd.DataFrame(columns=columns)]
        setting = Setting.pooled([part.setting for part in parts])
        return cls(tuple(prompts), setting, pd.concat(dropped, ignore_index=True))

    def __len__(self) -> int:
        return len(self.prompts)

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.prompts)

    def __contains__(self, concept: object) -> bool:
        """Return whether a prompt asks about a concept: ``"eagle" in prompts``."""
        return any(concept == prompt.concept for prompt in self)

    def __repr__(self) -> str:
        notes = {
            "tokens that do not count": self.taken,
            "source words of several concepts": self.ambiguous,
        }
        told = f"{len(self)} prompts: {self.setting.title}"
        for note, counts in notes.items():
            listed = ", ".join(f"{count} {code}" for code, count in counts.items() if count)
            told += f"; {note}: {listed}" if listed else ""
        return f"PromptSet({told})"

    @property
    def taken(self) -> dict[str, int]:
        """How many tokens begin a word and do not count, by language; see ``Prompt``."""
        codes = dict.fromkeys(code for prompt in self for code in prompt.taken)
        return {code: sum(len(p.taken.get(code, ())) for p in self) for code in codes}

    @property
    def ambiguous(self) -> dict[str, int]:
        """How many source words stand for several concepts, by source; see ``Prompt``."""
        sources = dict.fromkeys(prompt.source for prompt in self)
        return {
            code: sum(p.source == code and bool(p.homographs) for p in self) for code in sources
        }

    @overload
    def __getitem__(self, item: int | str) -> Prompt: ...
    @overload
    def __getitem__(self, item: Any) -> PromptSet: ...
    def __getitem__(self, item: Any) -> Prompt | PromptSet:
        for concept in [item] if isinstance(item, str) else item if isinstance(item, list) else []:
            self._explain_dropped(concept)
        rows = rows_of(item, [prompt.concept for prompt in self])
        prompts = tuple(self.prompts[row] for row in rows)
        if isinstance(item, str) and len(prompts) > 1:
            raise DataError(
                f"{len(prompts)} prompts ask about '{item}': take prompts.about(['{item}']), "
                "or one source."
            )
        return prompts[0] if names_one(item) else self._some(prompts)

    def __add__(self, other: PromptSet) -> PromptSet:
        return PromptSet.of([self, other])

    def about(self, concepts: Iterable[str]) -> PromptSet:
        """Return the prompts about some of the concepts, in the same order."""
        names = {concepts} if isinstance(concepts, str) else set(concepts)
        return self._some(p for p in self if p.concept in names)

    def without_cognates(self) -> PromptSet:
        """Return the prompts whose words are not spelled alike; see ``Prompt.cognate``."""
        return self._some(compress(self, not_cognate(prompt.cognate for prompt in self)))

    def cognates(self) -> pd.DataFrame:
        """Return the words that are spelled alike, and are why a prompt is a cognate.

        Case and the marks on letters do not count. ``"identical"`` words are then the same.
        ``"near"`` words have at least four letters each, and a similarity of at least 0.6:
        1 − d / l, with the fewest edits d between them and the length l of the longer one.

        Returns:
            One row per two words: concept, pair (such as ``fr–en``), word, other, similarity,
            grade.

        >>> import latentlang as ll
        >>> tokenizer = ll.load_model().tokenizer
        >>> prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=tokenizer)
        >>> print(prompts.about(["blue", "zero"]).cognates().to_string(index=False))
        concept  pair word other  similarity     grade
           zero fr–en zéro  zero        1.00 identical
           blue fr–en bleu  blue        0.75      near
        """
        rows = [(prompt.concept, *found) for prompt in self for found in prompt.alike]
        columns = ["concept", "pair", "word", "other", "similarity", "grade"]
        table = pd.DataFrame(rows, columns=columns)
        return table.drop_duplicates(ignore_index=True)  # a pool asks about a concept several times

    def to_frame(self) -> pd.DataFrame:
        """Return one row per prompt, with its choices, answers, demonstrations and text.

        Columns: concept, task, source, target, pivot, cognate, ``taken`` (how many tokens do not
        count), homographs, ``yardstick`` (its concept, or an empty text), ``answer_<lang>``, demos,
        text.
        """
        rows = []
        for p in self:
            row: dict[str, object] = {"concept": p.concept, "task": p.task}
            row |= {"source": p.source, "target": p.target, "pivot": p.pivot, "cognate": p.cognate}
            row["taken"] = sum(map(len, p.taken.values()))
            row["homographs"] = ", ".join(p.homographs)
            row["yardstick"] = p.yardstick.concept if p.yardstick else ""
            row |= {f"answer_{code}": " | ".join(words) for code, words in p.answers.items()}
            rows.append(row | {"demos": ", ".join(p.demos), "text": p.text})
        choices = ["concept", "task", "source", "target", "pivot", "cognate", "taken"]
        choices += ["homographs", "yardstick", "demos", "text"]
        return pd.DataFrame(rows, columns=None if rows else choices)

    def _some(self, prompts: Iterable[Prompt]) -> PromptSet:
        """Return some of the prompts, with the setting that they have."""
        prompts = tuple(prompts)
        setting = self.setting.of_sources(p.source for p in prompts)
        return replace(self, prompts=prompts, setting=setting)

    def _explain_dropped(self, concept: object) -> None:
        """Raise the reason if a concept is not in this set because it was dropped."""
        reasons = self.dropped.loc[self.dropped["concept"] == concept, "reason"]
        if len(reasons) and all(prompt.concept != concept for prompt in self):
            raise DataError(
                f"'{concept}' cannot be used for this pair ({reasons.iloc[0]}): "
                "choose another concept."
            )


def contained(words: Iterable[str], others: Iterable[str]) -> str | None:
    """Return ``"hand / Hand"`` for the first of ``words`` inside one of ``others``, else None.

    Case is ignored.

    >>> contained(["hand"], ["Baum", "Handschuh"])
    'hand / Handschuh'
    """
    words = list(words)
    for other in others:
        for word in words:
            if word.casefold() in other.casefold():
                return f"{word} / {other}"
    return None
