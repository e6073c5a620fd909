"""Questions whose answers are kept as a whole: of sweeps, pivot tests and retrievals."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from types import UnionType
from typing import Any

from ..prompts.setting import Setting
from .question_row import file_of, require_kinds

_SWEEP: dict[str, type | UnionType] = {
    "protocol": str,
    "source": str,
    "into": str,
    "every": int,
    "at": str | int,
    "onward": bool,
    "continue_tokens": int,
    "seed": int,
}
_PIVOT: dict[str, type | UnionType] = {
    "pivot_test": bool,
    "source": str,
    "target": str,
    "every": int,
    "seed": int,
}
_RETRIEVAL: dict[str, type | UnionType] = {
    "retrieval": bool,
    "task": str,
    "source": str,
    "target": str,
    "languages": str,
    "every": int,
}


@dataclass(frozen=True)
class SweepInquiry:
    """A sweep as asked, in the arguments of ``run_sweep``; every n-th concept.

    ``source``, ``into``: pairs such as ``"fr-en"``; several are joined with ``+``. ``source`` is
    the code of one language where its words are erased.
    """

    protocol: str
    source: str
    into: str
    every: int = 1
    at: str | int = "last"
    onward: bool = False
    continue_tokens: int = 0
    seed: int = 0

    @property
    def title(self) -> str:
        """The protocol, its languages, and the choices that are not the default ones."""
        choices = {
            f"at {self.at}": self.at != "last",
            "onward": self.onward,
            f"continue_tokens={self.continue_tokens}": self.continue_tokens,
            f"seed {self.seed}": self.seed,
        }
        said = [f"{self.protocol} {self.source} into {self.into}"]
        said += [choice for choice, shown in choices.items() if shown]
        return f"{' · '.join(said)} (every={self.every})"

    @property
    def row(self) -> dict[str, Any]:
        """The question as the index holds it."""
        return asdict(self)

    @property
    def file(self) -> str:
        """The name of the file with the answer."""
        return file_of((self.protocol, self.source, self.into), self.row)

    @classmethod
    def of_row(cls, row: Any) -> SweepInquiry:
        """Return the question of a row of the index; raises for anything else."""
        choices = dict(require_kinds(row, _SWEEP))
        words = [choices["protocol"], choices["source"], choices["into"]]
        if choices["every"] < 1 or not all(re.fullmatch(r"[\w+-]+", word) for word in words):
            raise ValueError("not a question")
        return cls(**choices)

    def is_part_of(self, other: SweepInquiry) -> bool:
        """Return whether the answer to another question is that to this one.

        Some of the concepts would make other pairs, so a sweep answers for itself alone.
        """
        return self == other


@dataclass(frozen=True)
class PivotInquiry:
    """A pivot test as asked, in the arguments of ``pivot_test``; every n-th concept."""

    source: str
    target: str
    every: int = 1
    seed: int = 0

    @property
    def title(self) -> str:
        """The pair of languages, and the choices that are not the default ones."""
        seed = f" · seed {self.seed}" if self.seed else ""
        return f"pivot test {self.source} → {self.target}{seed} (every={self.every})"

    @property
    def row(self) -> dict[str, Any]:
        """The question as the index holds it."""
        return {"pivot_test": True, **asdict(self)}

    @property
    def file(self) -> str:
        """The name of the file with the answer."""
        return file_of(("pivot_test", self.source, self.target), self.row)

    @classmethod
    def of_row(cls, row: Any) -> PivotInquiry:
        """Return the question of a row of the index; raises for anything else."""
        choices = dict(require_kinds(row, _PIVOT))
        words = [choices["source"], choices["target"]]
        is_test = choices.pop("pivot_test") and choices["every"] >= 1
        if not is_test or not all(re.fullmatch(r"[\w-]+", word) for word in words):
            raise ValueError("not a question")
        return cls(**choices)

    def is_part_of(self, other: PivotInquiry) -> bool:
        """Return whether the answer to another question is that to this one.

        Some of the concepts would be halved in another way, so a test answers for itself alone.
        """
        return self == other


@dataclass(frozen=True)
class RetrievalInquiry:
    """A retrieval as asked, in the arguments of ``run_retrieval``; every n-th concept.

    ``source``: that of the prompts, which is the target in a task of one language. ``languages``:
    the codes in the order in which they were asked, joined with ``+``.
    """

    task: str
    source: str
    target: str
    languages: str
    every: int = 1

    @property
    def codes(self) -> list[str]:
        """The languages, one by one."""
        return self.languages.split("+")

    @property
    def title(self) -> str:
        """The languages, the task, and its own languages."""
        task = Setting(self.task, (self.source,), self.target).title
        return f"retrieval in {self.languages} · {task} (every={self.every})"

    @property
    def row(self) -> dict[str, Any]:
        """The question as the index holds it."""
        return {"retrieval": True, **asdict(self)}

    @property
    def file(self) -> str:
        """The name of the file with the answer."""
        return file_of(("retrieval", self.task, self.source, self.target), self.row)

    @classmethod
    def of_row(cls, row: Any) -> RetrievalInquiry:
        """Return the question of a row of the index; raises for anything else."""
        choices = dict(require_kinds(row, _RETRIEVAL))
        codes = choices["languages"].split("+")
        words = [choices["task"], choices["source"], choices["target"], *codes]
        is_one = choices.pop("retrieval") and choices["every"] >= 1
        is_one = is_one and len(set(codes)) == len(codes)
        if not is_one or not all(re.fullmatch(r"[\w-]+", word) for word in words):
            raise ValueError("not a question")
        return cls(**choices)

    def is_part_of(self, other: RetrievalInquiry) -> bool:
        """Return whether the answer to another question is that to this one.

        Some of the concepts would be fewer candidates, so a retrieval answers for itself alone.
        """
        return self == other
