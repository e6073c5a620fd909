"""Questions as asked, which are the keys of stored answers: of runs, and of any kind."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from types import UnionType
from typing import Any

from ..prompts.setting import Setting
from ..prompts.words import load_words
from .lens_name import lens_name
from .question_row import file_of, require_kinds
from .whole_inquiry import PivotInquiry, RetrievalInquiry, SweepInquiry

_QUESTION: dict[str, type | UnionType] = {
    "task": str,
    "source": str,
    "target": str,
    "pivot": str,
    "control": str | None,
    "k": int,
    "seed": int,
    "mode": str | None,
    "overlap": str,
    "shared_demos": bool,
    "every": int,
    "concepts": list,
    "lens": str,
}


@dataclass(frozen=True)
class Inquiry:
    """A question as asked: the choices that make prompts, of one source, and the concepts.

    ``every``: every n-th concept of the word list, unless ``concepts`` names some.
    """

    setting: Setting
    every: int = 1
    lens: str = "logit"
    concepts: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The task, its languages, and the choices that are not the default ones."""
        lens = "" if self.lens == "logit" else f" · {lens_name(self.lens)}"
        about = ", ".join(self.concepts) or f"every={self.every}"
        return f"{self.setting.title}{lens} ({about})"

    @property
    def row(self) -> dict[str, Any]:
        """The question as the index holds it."""
        choices = {**asdict(self.setting), "source": self.setting.source}
        choices |= {"every": self.every, "lens": self.lens, "concepts": [*self.concepts]}
        return {name: choices[name] for name in _QUESTION}

    @property
    def file(self) -> str:
        """The name of the file with the answer."""
        setting = self.setting
        return file_of((setting.task, setting.source, setting.target), self.row)

    @classmethod
    def of_row(cls, row: Any) -> Inquiry:
        """Return the question of a row of the index; raises for anything else."""
        choices = dict(require_kinds(row, _QUESTION))
        words = [choices["task"], choices["source"], choices["target"]]
        if choices["every"] < 1 or not all(re.fullmatch(r"[\w-]+", word) for word in words):
            raise ValueError("not a question")
        if not all(isinstance(concept, str) for concept in choices["concepts"]):
            raise ValueError("not concepts")
        about = {name: choices.pop(name) for name in ("every", "lens")}
        about["concepts"] = tuple(choices.pop("concepts"))
        return cls(Setting(sources=(choices.pop("source"),), **choices), **about)

    @property
    def asked_about(self) -> Collection[str]:
        """The concepts: those of the word list, of which a pair of languages may lack some."""
        return self.concepts or load_words().index[:: self.every]

    def is_part_of(self, other: Inquiry) -> bool:
        """Return whether the answer to another question holds that to this one."""
        same = (self.setting, self.lens) == (other.setting, other.lens)
        if self.concepts:
            return same and set(self.concepts) <= set(other.asked_about)
        return same and not other.concepts and self.every % other.every == 0


def inquiry_of(row: Any) -> Inquiry | SweepInquiry | PivotInquiry | RetrievalInquiry:
    """Return the question of a row of the index, of any kind; raises for anything else."""
    if "pivot_test" in row:
        return PivotInquiry.of_row(row)
    if "retrieval" in row:
        return RetrievalInquiry.of_row(row)
    return SweepInquiry.of_row(row) if "protocol" in row else Inquiry.of_row(row)
