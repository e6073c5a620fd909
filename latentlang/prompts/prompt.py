"""``Prompt``, ``PromptSet``, and the ``Setting`` that says how they were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import pandas as pd

from ..errors import DataError
from .rows import names_one, rows_of
from .tasks import TASKS

PIVOT = "en"  # the language that the paper looks for


@dataclass(frozen=True)
class Setting:
    """The choices that made prompts. Runs carry them on, and figures show them.

    ``task``: a name of ``TASKS``, or empty for typed texts. ``sources``: the source language, or
    several in a pool. ``control``, ``k``, ``seed``, ``mode``, ``shared_demos``: as
    ``build_prompts`` takes them, with ``k`` resolved to a number.
    """

    task: str = ""
    sources: tuple[str, ...] = ()
    target: str = ""
    pivot: str = ""
    control: str | None = None
    k: int | None = None
    seed: int = 0
    mode: str | None = None
    shared_demos: bool = False

    @property
    def source(self) -> str:
        """The source language; several languages are joined with ``+``."""
        return "+".join(self.sources)

    @property
    def choices(self) -> list[str]:
        """Each choice that is not the default one, as titles show it."""
        task = TASKS.get(self.task)
        usual = task.demonstrations if task else None
        choices = {
            f"control: {self.control}": self.control,
            f"pivot: {self.pivot}": self.pivot not in ("", PIVOT, self.control),
            f"k = {self.k}": self.k not in (None, usual),
            f"seed {self.seed}": self.seed,
            f"mode {self.mode}": self.mode,
            "shared demonstrations": self.shared_demos,
        }
        return [title for title, shown in choices.items() if shown]

    @property
    def title(self) -> str:
        """The task, its languages, and each choice that is not the default one.

        >>> Setting("translation", ("de", "fr"), "zh", "en", control="shuffled", k=4, seed=3).title
        'translation de+fr → zh · control: shuffled · seed 3'
        """
        if not self.task:
            return "typed text"
        task = TASKS.get(self.task)
        route = f"{self.task} {self.source} → {self.target}"
        return " · ".join([task.title(self.source, self.target) if task else route, *self.choices])

    def of_sources(self, sources: Iterable[str]) -> Setting:
        """Return this setting for some of its prompts, whose source languages are given."""
        rest = tuple(dict.fromkeys(code for code in sources if code))
        return replace(self, sources=rest) if rest else self

    @classmethod
    def pooled(cls, settings: Sequence[Setting]) -> Setting:
        """Return the setting of several sets taken together; they may differ only in their source.

        Raises ``DataError`` that names any other difference: a mean over such prompts would mean
        nothing.
        """
        first = settings[0]
        for name in (f.name for f in fields(cls) if f.name != "sources"):
            values = list(dict.fromkeys(getattr(setting, name) for setting in settings))
            if len(values) > 1:
                listed = ", ".join(str(value) for value in values)
                raise DataError(
                    f"These differ in {name} ({listed}), so their mean would mean nothing: "
                    "keep them apart."
                )
        sources = dict.fromkeys(code for setting in settings for code in setting.sources)
        return replace(first, sources=tuple(sources))


class HasSetting:
    """What a prompt, a set of prompts and a run say of their setting."""

    setting: Setting

    @property
    def task(self) -> str:
        """A name of ``TASKS``, or an empty text for texts that somebody typed."""
        return self.setting.task

    @property
    def pivot(self) -> str:
        """The language to look for on the way, or an empty text."""
        return self.setting.pivot

    @property
    def source(self) -> str:
        """The language of the source words; several languages are joined with ``+``."""
        return self.setting.source

    @property
    def target(self) -> str:
        """The language that the prompts ask for, or an empty text."""
        return self.setting.target


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
        prompts = []
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

    def __getitem__(self, item):
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
            row = {"concept": p.concept, "task": p.task, "source": p.source, "target": p.target}
            row |= {"pivot": p.pivot, "cognate": p.cognate}
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
