"""``Setting``: the choices that made prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from ..errors import DataError
from .tasks import TASKS

PIVOT = "en"  # the language that the paper looks for


@dataclass(frozen=True)
class Setting:
    """The choices that made prompts. Runs carry them on, and figures show them.

    ``task``: a name of ``TASKS``, or empty for typed texts. ``sources``: the source language, or
    several in a pool. ``control``, ``k``, ``seed``, ``mode``, ``overlap``, ``shared_demos``: as
    ``build_prompts`` takes them, with ``k`` and ``overlap`` resolved to what was done.
    """

    task: str = ""
    sources: tuple[str, ...] = ()
    target: str = ""
    pivot: str = ""
    control: str | None = None
    k: int | None = None
    seed: int = 0
    mode: str | None = None
    overlap: str | None = None
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
            f"overlap: {self.overlap}": self.overlap not in (None, "drop"),
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
