"""``Run``: the readings of every layer for a set of prompts, and the choices that made them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..errors import DataError
from ..prompts.rows import HasPrompts, rows_of
from ..prompts.setting import HasSetting, Setting
from .readings import READINGS
from .run_file import load_run, save_run
from .table import tidy_table
from .tensors import (
    Values,
    all_tensors,
    check_others,
    check_readings,
    check_same,
    check_shapes,
    languages_of,
    unflattened,
)


@dataclass(frozen=True, repr=False, eq=False)
class Run(HasSetting, HasPrompts):
    """Layer-by-layer readings of ``n_prompts`` prompts, on the CPU.

    Every row of ``READINGS`` is an attribute: ``run.probability["zh"]`` and ``run.rank["zh"]``
    (per language), ``run.entropy`` (bits) and ``run.energy`` (None if it was not read), each
    ``[n_prompts, n_layers]``. With ``positions=`` there is an axis of positions before the layers,
    and ``position_tokens`` has the ids read there.

    ``model``, ``revision``, ``number_format``, ``lens`` and ``setting`` say what was run.
    ``layers``: the numbers along the layer axis (1 is the output of the first block; 0, the
    embedding, only on request).
    ``prompts``: one row per prompt (concept, task, source, target, pivot, cognate, text, and
    ``answer_<lang>``, the accepted spellings joined by `` | ``). ``top_ids``, ``top_probs``
    ``[..., k]``. ``watched`` ``[..., n_watch]``: natural log-probabilities of the tokens in
    ``watch``, or None. ``latents`` ``[..., d_model]``, or None.

    Index it as prompts: ``run[0]``, ``run["eagle"]``, a slice, a mask or a list. Each gives a
    ``Run``.
    """

    model: str
    setting: Setting
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    readings: Mapping[str, Values]
    top_ids: Int[Tensor, "prompt *position layer k"]
    top_probs: Float[Tensor, "prompt *position layer k"]
    watched: Float[Tensor, "prompt *position layer token"] | None = None
    latents: Float[Tensor, "prompt *position layer d_model"] | None = None
    watch: tuple[int, ...] = ()
    position_tokens: tuple[int, ...] = field(default=())
    number_format: str = ""
    revision: str = ""
    lens: str = "logit"

    def __post_init__(self) -> None:
        """Refuse tensors that do not belong together: they would be cut and averaged wrongly."""
        positions = (len(self.position_tokens),) if self.position_tokens else ()
        shape = (len(self.prompts), *positions, len(self.layers))
        check_readings(self.readings)
        check_shapes(self.tensors(), shape)
        check_others(self.top_ids, self.top_probs, self.watched, self.watch)

    def __getattr__(self, name: str) -> Any:  # Values | None: READINGS says which
        if name not in READINGS:
            raise AttributeError(f"'Run' object has no attribute '{name}'")
        return self.readings.get(name, {} if READINGS[name].per == "language" else None)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *READINGS]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose words were followed: pivot, target, source, then any others."""
        codes = {code for values in self.readings.values() for code in languages_of(values)}
        first = (self.pivot, self.target, *self.setting.sources)
        return tuple(code for code in dict.fromkeys((*first, *sorted(codes))) if code in codes)

    @property
    def pair(self) -> tuple[str, str]:
        """The pivot and the target language, both of them followed.

        They are the same language if the prompts ask for the pivot. Raises ``DataError`` for a run
        that has no such pair.
        """
        for name, code in (("pivot", self.pivot), ("target", self.target)):
            if not code or code not in self.languages:
                raise DataError(
                    f"This run follows no {name} language: decode prompts of ll.build_prompts, "
                    "or pass targets with English and one other language."
                )
        return self.pivot, self.target

    def spelling(self, code: str) -> list[str]:
        """Return the word of every prompt in a language, in the spelling that prompts use."""
        column = f"answer_{code}"
        if column not in self.prompts or self.prompts[column].isna().any():
            raise DataError(
                f"This run does not know its words in '{code}': decode a PromptSet of that "
                "language, or refresh a run that an older version stored."
            )
        return [answers.split(" | ")[0] for answers in self.prompts[column]]

    def __repr__(self) -> str:
        size = f"{len(self)} prompts x {len(self.layers)} layers"
        if self.position_tokens:
            size += f" x {len(self.position_tokens)} positions"
        lens = "" if self.lens == "logit" else f", {self.lens} lens"
        return f"Run({size} of {self.model}, {self.number_format}{lens}: {self.setting.title})"

    def __getitem__(self, item: Any) -> Run:
        rows = rows_of(item, list(self.prompts["concept"]))
        prompts = self.prompts.iloc[rows].reset_index(drop=True)
        setting = self.setting.of_sources(prompts["source"])
        return self._changed(lambda tensor: tensor[rows], prompts=prompts, setting=setting)

    def between(self, first: int, last: int) -> Run:
        """Return the readings of the layers from ``first`` to ``last``, both included."""
        if not isinstance(first, int) or not isinstance(last, int):
            raise DataError("Layers are whole numbers: take run.between(10, 18), for example.")
        places = [n for n, layer in enumerate(self.layers) if first <= layer <= last]
        if not places:
            raise DataError(
                f"There is no layer from {first} to {last}: this run has layers {self.layers[0]} "
                f"to {self.layers[-1]}."
            )
        axis = 2 if self.position_tokens else 1
        columns = torch.tensor(places)
        layers = tuple(self.layers[n] for n in places)
        return self._changed(lambda tensor: tensor.index_select(axis, columns), layers=layers)

    def last_position(self) -> Run:
        """Return the readings at the last of several positions, which predicts the answer."""
        if not self.position_tokens:
            return self
        return self._changed(lambda tensor: tensor[:, -1], position_tokens=())

    def with_readings(self, **changed: Values) -> Run:
        """Return a copy in which some readings are replaced: ``run.with_readings(entropy=...)``."""
        return replace(self, readings={**self.readings, **changed})

    @classmethod
    def concatenate(cls, parts: Iterable[Run]) -> Run:
        """Return several runs as one, with the languages that all of them followed.

        Raises ``DataError`` if they differ in anything but their prompts and source language.
        """
        parts = list(parts)
        if not parts or not all(isinstance(part, Run) for part in parts):
            raise DataError("Only runs can be put together: pass at least one run.")
        setting = Setting.pooled([part.setting for part in parts])
        check_same([part._kind() for part in parts])
        shared = set.intersection(*(set(part.languages) for part in parts))
        tensors = [part._following(shared).tensors() for part in parts]
        whole = {name: torch.cat([each[name] for each in tensors]) for name in tensors[0]}
        prompts = pd.concat([part.prompts for part in parts], ignore_index=True)
        changed = unflattened(whole, parts[0].readings)
        return replace(parts[0], setting=setting, prompts=prompts, **changed)

    def to_frame(self) -> pd.DataFrame:
        """Return the readings as a tidy table: prompt, concept, layer, quantity, language, value.

        ``quantity`` is the name of a reading; ``language`` is empty for readings per prompt.
        ``frame.to_csv(path)`` writes it to a file. Only for readings at one position.
        """
        if self.position_tokens:
            raise DataError("A table needs one position per prompt: decode with positions='last'.")
        return tidy_table(self.curves(), self.layers, list(self.prompts["concept"]))

    def curves(self) -> list[tuple[str, str, Shaped[Tensor, "prompt *position layer"]]]:
        """Return ``(reading, language, [n_prompts, n_layers])`` for every reading."""
        curves = []
        for name in (name for name in READINGS if name in self.readings):
            values = self.readings[name]
            if isinstance(values, Mapping):
                curves += [(name, code, values[code]) for code in self.languages if code in values]
            else:
                curves.append((name, "", values))
        return curves

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file and return its path.

        Raises ``DataError`` where that is not possible.
        """
        from safetensors import SafetensorError

        try:
            return save_run(vars(self), path)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{path} cannot be written ({error}): choose another place.") from error

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Read a file that ``save`` wrote. Raises ``DataError`` for any other file."""
        return cls(**load_run(path))

    def _kind(self) -> dict[str, object]:
        """Return the facts that runs must share to be put together, beside their setting."""
        return {
            "model": self.model,
            "revision": self.revision,
            "number format": self.number_format,
            "lens": self.lens,
            "layers": self.layers,
            "readings": tuple(sorted(self.readings)),
            "watched tokens": self.watch,
            "positions": self.position_tokens,
            "the number of top tokens": self.top_ids.shape[-1],
            "latents": "kept" if self.latents is not None else "not kept",
        }

    def _following(self, codes: set[str]) -> Run:
        """Return the same readings with some of the languages."""
        readings = {}
        for name, values in self.readings.items():
            if isinstance(values, Mapping):
                values = {code: values[code] for code in values if code in codes}
            readings[name] = values
        return replace(self, readings=readings)

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by its flat name in a file, such as ``probability.zh``."""
        return all_tensors(vars(self))

    def _changed(self, change: Callable[[Tensor], Tensor], **fields: Any) -> Run:
        """Return a copy in which ``change`` was applied to every tensor."""
        tensors = {name: change(tensor) for name, tensor in self.tensors().items()}
        return replace(self, **unflattened(tensors, self.readings), **fields)
