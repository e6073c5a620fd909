"""``Retrieval``: how often each layer tells the concept of its prompt, in each language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, near
from ..lens.tensor_file import one_error, read_tensors, write_tensors
from ..models.lens_name import lens_name
from ..prompts.setting import HasSetting, Setting
from .intervals import mean_ci, simultaneous_ci

_FORMAT = 1
_FACTS = ("model", "layers", "concepts", "number_format", "lens", "revision")
_TENSORS = ("retrieved", "probability", "ceiling")


@dataclass(frozen=True, repr=False, eq=False)
class Retrieval(HasSetting):
    """How often each layer tells the concept of its prompt, by the words of each language.

    ``retrieved[language]`` ``[n_prompts, n_layers]``: 1 where the prompt's own concept scores
    highest of all candidates, 1/m where m of them share the highest score, else 0.
    ``probability[language]`` ``[n_prompts, n_layers]``: P(language) of the same words.
    ``ceiling[language]`` ``[n, n_layers]``: what ``retrieved`` is where the prompt shows the word
    itself, in the language's repetition task; empty if it was not measured.
    ``concepts``: of each prompt. ``chance``: one in as many as there are candidates.
    ``model``, ``revision``, ``number_format``, ``lens`` and ``setting`` say what was run.
    """

    model: str
    setting: Setting
    layers: tuple[int, ...]
    concepts: tuple[str, ...]
    retrieved: Mapping[str, Float[Tensor, "prompt layer"]]
    probability: Mapping[str, Float[Tensor, "prompt layer"]]
    ceiling: Mapping[str, Float[Tensor, "other layer"]] = field(default_factory=dict)
    number_format: str = ""
    lens: str = "logit"
    revision: str = ""

    def __post_init__(self) -> None:
        """Refuse tensors that do not belong together."""
        if set(self.probability) != set(self.retrieved) or not set(self.ceiling) <= set(
            self.retrieved
        ):
            raise DataError("retrieved, probability and ceiling must have the same languages.")
        for name, tensor in self.tensors().items():
            rows = len(tensor) if name.startswith("ceiling.") else len(self)
            if tuple(tensor.shape) != (rows, len(self.layers)):
                raise DataError(f"'{name}' must have one row per prompt and one column per layer.")

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which the concept was looked for."""
        return tuple(self.retrieved)

    @property
    def chance(self) -> float:
        """How often the own concept scores highest where nothing is known."""
        return 1 / len(set(self.concepts))

    @property
    def clusters(self) -> list[str]:
        """One label per prompt for intervals: its concept."""
        return list(self.concepts)

    def __len__(self) -> int:
        return len(self.concepts)

    def __repr__(self) -> str:
        lens = "" if self.lens == "logit" else f", {lens_name(self.lens)}"
        return (
            f"Retrieval({len(self)} prompts x {len(self.layers)} layers of {self.model}, "
            f"{self.number_format}{lens}: {self.setting.title}; {', '.join(self.languages)})"
        )

    def __eq__(self, other: object) -> bool:
        """Return whether two results are the same in every number and every fact."""
        if not isinstance(other, Retrieval):
            return NotImplemented
        ours, theirs = self.tensors(), other.tensors()
        return (
            self.facts() == other.facts()
            and list(ours) == list(theirs)
            and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def only(self, languages: Iterable[str]) -> Retrieval:
        """Return it for some of its languages, in the given order.

        Raises:
            DataError: for a language that was not looked for, or none.
        """
        codes = list(dict.fromkeys([languages] if isinstance(languages, str) else languages))
        if not codes:
            raise DataError(f"Choose at least one language of {', '.join(self.languages)}.")
        for code in codes:
            if code not in self.retrieved:
                raise DataError(
                    f"Nothing was retrieved in '{code}'.{near(code, self.languages)} "
                    f"There are {', '.join(self.languages)}."
                )
        return replace(
            self,
            retrieved={code: self.retrieved[code] for code in codes},
            probability={code: self.probability[code] for code in codes},
            ceiling={code: self.ceiling[code] for code in codes if code in self.ceiling},
        )

    def to_frame(self) -> pd.DataFrame:
        """Return means by layer and language, with 95 % intervals clustered by concept.

        Columns: ``layer``, ``language``, ``retrieval`` with ``lower`` and ``upper`` (bootstrap),
        ``probability``, ``ceiling`` (NaN if it was not measured), ``chance`` and ``n``.
        """
        rows = []
        for code, values in self.retrieved.items():
            curves = list(mean_ci(values, "bootstrap", clusters=self.concepts))
            curves.append(self.probability[code].mean(0))
            above = self.ceiling.get(code)
            curves.append(torch.full_like(curves[0], torch.nan) if above is None else above.mean(0))
            for layer, *numbers in zip(self.layers, *(curve.tolist() for curve in curves)):
                rows.append((layer, code, *numbers, self.chance, len(self)))
        names = ["retrieval", "lower", "upper", "probability", "ceiling", "chance", "n"]
        return pd.DataFrame(rows, columns=["layer", "language", *names])

    def difference(self, a: str, b: str) -> pd.DataFrame:
        """Return retrieval in ``a`` minus retrieval in ``b``, by layer, inside each prompt.

        Columns: ``difference``, and ``lower`` and ``upper`` of a 95 % band that holds at all layers
        at once (``simultaneous_ci``, clustered by concept).

        Raises:
            DataError: for a language that was not looked for.
        """
        both = self.only([a, b]).retrieved
        gap = both[a] - both[b]
        mean, lower, upper = simultaneous_ci(gap, clusters=self.concepts)
        columns = {"difference": mean, "lower": lower, "upper": upper}
        table = {name: values.tolist() for name, values in columns.items()}
        return pd.DataFrame(table, index=pd.Index(self.layers, name="layer"))

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file and return its path.

        Raises ``DataError`` where that is not possible.
        """
        facts = {"kind": "Retrieval", "format": _FORMAT, **self.facts()}
        return write_tensors(facts, self.tensors(), path)

    @classmethod
    def load(cls, path: str | Path) -> Retrieval:
        """Read a file that ``save`` wrote. Raises ``DataError`` for any other file."""
        facts, tensors = read_tensors(path, "Retrieval", _FORMAT)
        with one_error(path, "Retrieval"):
            return cls.of(facts, tensors)

    @classmethod
    def of(cls, facts: dict[str, Any], tensors: Mapping[str, Tensor]) -> Retrieval:
        """Return the result of ``facts()`` and ``tensors()``; others raise the errors of Python."""
        setting = {**facts["setting"], "sources": tuple(facts["setting"]["sources"])}
        kept: dict[str, Any] = {name: facts[name] for name in _FACTS}
        kept |= {name: tuple(facts[name]) for name in ("layers", "concepts")}
        kept |= {
            name: {code: tensors[f"{name}.{code}"] for code in facts["languages"][name]}
            for name in _TENSORS
        }
        return cls(setting=Setting(**setting), **kept)

    def facts(self) -> dict[str, Any]:
        """Return everything that is not a tensor, as JSON can hold it."""
        return {
            **{name: getattr(self, name) for name in _FACTS},
            "setting": asdict(self.setting),
            "languages": {name: list(getattr(self, name)) for name in _TENSORS},
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by its name in a file, such as ``retrieved.zh``."""
        return {
            f"{name}.{code}": tensor
            for name in _TENSORS
            for code, tensor in getattr(self, name).items()
        }
