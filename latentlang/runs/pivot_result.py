"""``PivotTest``: what erasing the pivot's word takes from the answer, beside its controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..analysis.intervals import mean_ci
from ..errors import DataError
from ..lens.layers import layer_spans
from ..lens.tensor_file import one_error, read_tensors, write_tensors
from ..prompts.rows import HasPrompts, rows_of
from ..prompts.setting import HasSetting, Setting

_FORMAT = 1
_FACTS = ("model", "layers", "leads", "chosen_on", "number_format", "revision")
_TENSORS = ("erased", "cosine", "moved")
COLUMNS = ("concept", "source", "target", "pivot", "cognate", "text")


@dataclass(frozen=True, repr=False, eq=False)
class PivotTest(HasSetting, HasPrompts):
    """P(target) of ``n_prompts`` prompts, with and without directions in the middle layers.

    ``baseline`` ``[n_prompts]``: P(target) at the end of the model without a change.
    ``erased[condition]`` ``[n_prompts]``: the same when the directions of a condition are projected
    out of the last token's latent, at all of ``layers``.
    ``cosine[condition]`` ``[n_prompts]``: the cosine of the smallest angle between what is erased
    and the target word's rows of the unembedding; of a language, its mean over the layers.

    ``moved[condition]`` ``[n_prompts]``: how far the first erasure moves the latent, as a part of
    the latent's length. Equally many directions need not be an equally large change.

    The conditions, for a test from German to Chinese: ``"en word"``; ``"en word orthogonal"``, its
    part that is orthogonal to the target word; ``"another en word"``; ``"de word"``, the source
    word; ``"ja word"`` and more, the same word in other languages; ``"random"``, as many random
    directions; ``"random, same length"``, a random change that is as long as that of the English
    word; ``"en language"`` and more, the mean direction of a language; ``"zh word"``, the target
    word itself, as the ceiling.

    ``layers``: those of the erasure. ``leads``: whether the pivot leads the target there; if it
    leads nowhere, they are its peak and the layer on either side. ``chosen_on``: the concepts on
    which the layers were chosen, and the mean directions made; none of them is among ``prompts``.
    ``prompts``: one row per prompt that was measured: concept, source, target, pivot, cognate,
    text. ``model``, ``revision``, ``number_format`` and ``setting`` say what was run.

    Index it as prompts: ``test["eagle"]``, a number, a slice, a mask or a list.
    """

    model: str
    setting: Setting
    layers: tuple[int, ...]
    leads: bool
    chosen_on: tuple[str, ...]
    prompts: pd.DataFrame
    baseline: Float[Tensor, " prompt"]
    erased: Mapping[str, Float[Tensor, " prompt"]]
    cosine: Mapping[str, Float[Tensor, " prompt"]]
    moved: Mapping[str, Float[Tensor, " prompt"]]
    number_format: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        """Refuse tensors that do not belong together, and an erasure at no layer."""
        if not self.layers:
            raise DataError("A test that erases at no layer changes nothing: name its layers.")
        names = {tuple(getattr(self, name)) for name in _TENSORS}
        if len(names) > 1 or f"{self.pivot} word" not in self.erased:
            raise DataError(
                f"{', '.join(_TENSORS)} must have the same conditions, and '{self.pivot} word' is "
                "one of them."
            )
        for name, tensor in self.tensors().items():
            if not isinstance(tensor, torch.Tensor) or tuple(tensor.shape) != (len(self),):
                raise DataError(f"'{name}' must be a tensor with one number per prompt.")

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of what was erased, the pivot's word first."""
        return tuple(self.erased)

    def __repr__(self) -> str:
        where = "where the pivot leads" if self.leads else "around the pivot's peak"
        return (
            f"PivotTest({len(self)} prompts x {len(self.erased)} conditions, at "
            f"{layer_spans(self.layers)}, {where}, of {self.model}, {self.number_format}: "
            f"{self.setting.title})"
        )

    def __eq__(self, other: object) -> bool:
        """Return whether two tests are the same in every number and every fact."""
        if not isinstance(other, PivotTest):
            return NotImplemented
        ours, theirs = self.tensors(), other.tensors()
        return (
            all(getattr(self, name) == getattr(other, name) for name in (*_FACTS, "setting"))
            and self.prompts.equals(other.prompts)
            and list(ours) == list(theirs)
            and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, item: Any) -> PivotTest:
        rows = rows_of(item, list(self.prompts["concept"]))
        return replace(
            self,
            prompts=self.prompts.iloc[rows].reset_index(drop=True),
            baseline=self.baseline[rows],
            erased={name: values[rows] for name, values in self.erased.items()},
            cosine={name: values[rows] for name, values in self.cosine.items()},
            moved={name: values[rows] for name, values in self.moved.items()},
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a tidy table: concept, condition, before, after, difference, cosine, moved.

        ``before``, ``after``: P(target) without and with the erasure; ``difference``:
        after − before.
        """
        parts = [
            pd.DataFrame(
                {
                    "concept": self.prompts["concept"],
                    "condition": name,
                    "before": self.baseline.double().numpy(),
                    "after": self.erased[name].double().numpy(),
                    "cosine": self.cosine[name].double().numpy(),
                    "moved": self.moved[name].double().numpy(),
                }
            )
            for name in self.conditions
        ]
        table = pd.concat(parts, ignore_index=True)
        table.insert(4, "difference", table["after"] - table["before"])
        return table

    def summarize(self) -> pd.DataFrame:
        """Return the paired differences of each condition, with 95 % intervals.

        All intervals are bootstraps over concepts, each for itself alone.

        Returns:
            One row per condition (the index). ``before``, ``after``: mean P(target) without and
            with the erasure; ``difference``: after − before, from ``lower`` to ``upper``;
            ``share``: the part of P(target) that is lost. ``beyond``: how much more the pivot's
            word takes than this condition, from ``beyond_lower`` to ``beyond_upper``: the two
            differences are compared inside each prompt. ``cosine``, ``moved``: their means. ``n``:
            how many prompts.

        Raises:
            DataError: for a test without prompts.
        """
        rows = []
        for name, after in self.erased.items():
            change = after.double() - self.baseline.double()
            beyond = after.double() - self.erased[f"{self.pivot} word"].double()
            difference, lower, upper = self._interval(change)
            more, least, most = self._interval(beyond)
            before = self.baseline.double().mean().item()
            rows.append(
                {
                    "condition": name,
                    "before": before,
                    "after": after.double().mean().item(),
                    "difference": difference,
                    "lower": lower,
                    "upper": upper,
                    "share": -difference / before,
                    "beyond": more,
                    "beyond_lower": least,
                    "beyond_upper": most,
                    "cosine": self.cosine[name].double().mean().item(),
                    "moved": self.moved[name].double().mean().item(),
                    "n": len(self),
                }
            )
        return pd.DataFrame(rows).set_index("condition")

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file and return its path.

        Raises ``DataError`` where that is not possible.
        """
        facts = {"kind": "PivotTest", "format": _FORMAT, **self.facts()}
        return write_tensors(facts, self.tensors(), path)

    @classmethod
    def load(cls, path: str | Path) -> PivotTest:
        """Read a file that ``save`` wrote. Raises ``DataError`` for any other file."""
        facts, tensors = read_tensors(path, "PivotTest", _FORMAT)
        with one_error(path, "PivotTest"):
            return cls.of(facts, tensors)

    @classmethod
    def of(cls, facts: dict[str, Any], tensors: Mapping[str, Tensor]) -> PivotTest:
        """Return the test of ``facts()`` and ``tensors()``; others raise the errors of Python."""
        setting = {**facts["setting"], "sources": tuple(facts["setting"]["sources"])}
        named = {
            name: {each: tensors[f"{name}.{each}"] for each in facts["conditions"]}
            for name in _TENSORS
        }
        kept: dict[str, Any] = {name: facts[name] for name in _FACTS}
        kept |= {name: tuple(facts[name]) for name in ("layers", "chosen_on")}
        prompts = pd.DataFrame(facts["prompts"], columns=list(COLUMNS))
        kept |= {"setting": Setting(**setting), "prompts": prompts, **named}
        return cls(baseline=tensors["baseline"], **kept)

    def facts(self) -> dict[str, Any]:
        """Return everything that is not a tensor, as JSON can hold it."""
        return {
            **{name: getattr(self, name) for name in _FACTS},
            "setting": asdict(self.setting),
            "prompts": self.prompts.to_dict("list"),
            "conditions": list(self.conditions),
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by its name in a file, such as ``erased.en word``."""
        named = {
            f"{name}.{each}": t for name in _TENSORS for each, t in getattr(self, name).items()
        }
        return {"baseline": self.baseline, **named}

    def _interval(self, x: Float[Tensor, " prompt"]) -> tuple[float, float, float]:
        mean, lower, upper = mean_ci(x, "bootstrap", clusters=self.clusters)
        return mean.item(), lower.item(), upper.item()
