"""``Prompt`` and ``PromptSet``: questions to a model, with all that is needed to judge answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, overload

import pandas as pd

from ..errors import DataError
from .rows import names_one, rows_of
from .setting import HasSetting, Setting


@dataclass(frozen=True)
class Prompt(HasSetting):
    """One question to the model, with everything needed to judge the answer.

    ``text`` ends with the opening quote of the answer. ``demos`` are the concepts shown before
    the query. ``answers[lang]`` are the accepted spellings and ``token_ids[lang]`` the tokens
    that begin them (``start_ids``), for the target, the pivot and the source language.
    """

    text: str
    setting: Setting
    concept: str
    demos: tuple[str, ...]
    answers: dict[str, tuple[str, ...]]
    token_ids: dict[str, frozenset[int]]

    @property
    def cognate(self) -> bool:
        """Whether the source word looks like the pivot word, so that a copy counts as the pivot.

        True if one word contains the other (case ignored) or one token begins both: French
        ``lion`` or German ``Wind`` with English as the pivot. The paper keeps such prompts.
        """
        if self.pivot in (self.source, self.target):
            return False
        ours, theirs = self.answers[self.pivot], self.answers[self.source]
        alike = contained(ours, theirs) or contained(theirs, ours)
        return bool(alike or self.token_ids[self.pivot] & self.token_ids[self.source])


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
        return f"PromptSet({len(self)} prompts: {self.setting.title})"

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
        """Return the prompts whose source word does not look like the pivot word."""
        return self._some(p for p in self if not p.cognate)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per prompt, with its choices, answers, demonstrations and text.

        Columns: concept, task, source, target, pivot, cognate, ``answer_<lang>``, demos, text.
        """
        rows = []
        for p in self:
            row: dict[str, object] = {"concept": p.concept, "task": p.task}
            row |= {"source": p.source, "target": p.target, "pivot": p.pivot, "cognate": p.cognate}
            row |= {f"answer_{code}": " | ".join(words) for code, words in p.answers.items()}
            rows.append(row | {"demos": ", ".join(p.demos), "text": p.text})
        empty = ["concept", "task", "source", "target", "pivot", "cognate", "demos", "text"]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=empty)

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
