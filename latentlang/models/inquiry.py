"""Questions as asked, which are the keys of stored answers: of runs, sweeps and pivot tests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import UnionType
from typing import Any

from ..prompts.setting import Setting

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
    "lens": str,
}
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


@dataclass(frozen=True)
class Inquiry:
    """A question as asked: the choices that make prompts, of one source; every n-th concept."""

    setting: Setting
    every: int = 1
    lens: str = "logit"

    @property
    def title(self) -> str:
        """The task, its languages, and the choices that are not the default ones."""
        lens = "" if self.lens == "logit" else f" · {self.lens} lens"
        return f"{self.setting.title}{lens} (every={self.every})"

    @property
    def row(self) -> dict[str, Any]:
        """The question as the index holds it."""
        choices = {**asdict(self.setting), "source": self.setting.source}
        choices |= {"every": self.every, "lens": self.lens}
        return {name: choices[name] for name in _QUESTION}

    @property
    def file(self) -> str:
        """The name of the file with the answer."""
        digest = hashlib.sha256(json.dumps(self.row).encode()).hexdigest()[:8]
        setting = self.setting
        return f"{setting.task}-{setting.source}-{setting.target}-{digest}.safetensors"

    @classmethod
    def of_row(cls, row: Any) -> Inquiry:
        """Return the question of a row of the index; raises for anything else."""
        choices = dict(require_kinds(row, _QUESTION))
        words = [choices["task"], choices["source"], choices["target"]]
        if choices["every"] < 1 or not all(re.fullmatch(r"[\w-]+", word) for word in words):
            raise ValueError("not a question")
        every, lens = choices.pop("every"), choices.pop("lens")
        return cls(Setting(sources=(choices.pop("source"),), **choices), every, lens)

    def is_part_of(self, other: Inquiry) -> bool:
        """Return whether the answer to another question holds that to this one."""
        same = (self.setting, self.lens) == (other.setting, other.lens)
        return same and self.every % other.every == 0


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
        digest = hashlib.sha256(json.dumps(self.row).encode()).hexdigest()[:8]
        return f"{self.protocol}-{self.source}-{self.into}-{digest}.safetensors".replace("+", "_")

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
        digest = hashlib.sha256(json.dumps(self.row).encode()).hexdigest()[:8]
        return f"pivot_test-{self.source}-{self.target}-{digest}.safetensors"

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


def inquiry_of(row: Any) -> Inquiry | SweepInquiry | PivotInquiry:
    """Return the question of a row of the index, of any kind; raises for anything else."""
    if "pivot_test" in row:
        return PivotInquiry.of_row(row)
    return SweepInquiry.of_row(row) if "protocol" in row else Inquiry.of_row(row)


def require_kinds(values: Any, kinds: Mapping[str, type | UnionType]) -> dict[str, Any]:
    """Return values of just these names and kinds; raises for anything else."""
    if values.keys() != kinds.keys():
        raise ValueError("other names")
    for name, kind in kinds.items():
        is_flag = isinstance(values[name], bool)  # which is a whole number to Python
        if not isinstance(values[name], kind) or is_flag != (kind is bool):
            raise ValueError(f"{name} is of another kind")
    return values
