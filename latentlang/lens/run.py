"""``Run``: the readings of every layer for a set of prompts, and the choices that made them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import DataError
from ..models.lens_name import lens_name
from ..prompts.rows import HasPrompts, rows_of
from ..prompts.setting import Setting
from ..prompts.token_texts import TokenTexts
from .curves import HasReadings
from .followed import Followed
from .layers import places_between
from .run_file import load_run, save_run
from .table import tidy_table
from .tensors import (
    FOLLOWED_IDS,
    Values,
    all_tensors,
    check_others,
    check_readings,
    check_same,
    check_shapes,
    labels_of,
    unflattened,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, repr=False, eq=False)
class Run(HasReadings, HasPrompts):
    """Layer-by-layer readings of ``n_prompts`` prompts, on the CPU.

    Every row of ``READINGS`` is an attribute: ``run.probability["zh"]`` and ``run.rank["zh"]``
    (per language), ``run.entropy`` (bits) and ``run.energy`` (None if it was not read), each
    ``[n_prompts, n_layers]``. With ``positions=`` there is an axis of positions before the layers,
    and ``position_tokens`` has the ids read there.

    ``run.probability["other:zh"]`` is the yardstick of ``run.probability["zh"]``: the probability
    of another concept's word, a different one for each prompt (``Prompt.yardstick``). It is not a
    language: ``languages``, ``to_frame`` and ``summarize`` leave it out. It is missing if a prompt
    has no yardstick, as typed texts have none.

    ``model``, ``revision``, ``number_format``, ``lens`` and ``setting`` say what was run, and
    ``interventions`` how the model was changed.
    ``chance``: readings where nothing is known: ``"entropy"`` if all tokens are alike, ``"energy"``
    of a random direction. Runs that an older version stored have none.
    ``layers``: the numbers along the layer axis (1 is the output of the first block; 0, the
    embedding, only on request).
    ``prompts``: one row per prompt (concept, task, source, target, pivot, text, ``cognate``, how
    alike its words are (``"identical"``, ``"near"`` or ``"no"``), ``yardstick``, and
    ``answer_<lang>``, the accepted spellings joined by `` | ``). ``top_ids``, ``top_probs``
    ``[..., k]``. ``watched`` ``[..., n_watch]``: natural log-probabilities of the tokens in
    ``watch``, or None. ``latents`` ``[..., d_model]``, or None.
    ``followed`` is None without ``follow=True``. Its ``ids`` ``[n_prompts, (positions,) width]``
    are the ``top_ids`` of all layers at one place, in ascending order; -1 fills the rest. Its
    ``log_probs`` ``[..., n_layers, width]`` say how probable every layer finds each of them
    (natural logarithm; -inf behind the last token).
    ``token_ids``: of each prompt, the tokens that begin its words (``start_ids``), by language;
    empty for stored answers of an older version. ``tokenizer``: the model's, or what names the
    tokens of a run that was loaded from a file; None if they have no names.

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
    followed: Followed | None = None
    watch: tuple[int, ...] = ()
    position_tokens: tuple[int, ...] = field(default=())
    number_format: str = ""
    revision: str = ""
    lens: str = "logit"
    chance: Mapping[str, float] = field(default_factory=dict)
    token_ids: tuple[Mapping[str, tuple[int, ...]], ...] = ()
    tokenizer: PreTrainedTokenizerBase | TokenTexts | None = None
    interventions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse tensors that do not belong together: they would be cut and averaged wrongly."""
        positions = (len(self.position_tokens),) if self.position_tokens else ()
        shape = (len(self.prompts), *positions, len(self.layers))
        check_readings(self.readings)
        check_shapes(self.tensors(), shape)
        check_others(self.top_ids, self.top_probs, self.watched, self.watch)
        if self.token_ids and len(self.token_ids) != len(self.prompts):
            raise DataError("token_ids must have one table of sets per prompt.")

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
        lens = "" if self.lens == "logit" else f", {lens_name(self.lens)}"
        changes = "".join(f", {each}" for each in self.interventions)
        return (
            f"Run({size} of {self.model}, {self.number_format}{lens}{changes}: "
            f"{self.setting.title})"
        )

    def __getitem__(self, item: Any) -> Run:
        rows = rows_of(item, list(self.prompts["concept"]))
        prompts = self.prompts.iloc[rows].reset_index(drop=True)
        setting = self.setting.of_sources(prompts["source"])
        token_ids = tuple(self.token_ids[row] for row in rows) if self.token_ids else ()
        return self._changed(
            lambda tensor: tensor[rows], prompts=prompts, setting=setting, token_ids=token_ids
        )

    def between(self, first: int, last: int) -> Run:
        """Return the readings of the layers from ``first`` to ``last``, both included."""
        places = places_between(self.layers, first, last)
        axis = 2 if self.position_tokens else 1
        columns = torch.tensor(places)
        layers = tuple(self.layers[n] for n in places)
        tensors = {
            name: tensor if name == FOLLOWED_IDS else tensor.index_select(axis, columns)
            for name, tensor in self.tensors().items()
        }
        return replace(self, layers=layers, **unflattened(tensors, self.readings))

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
        """Return several runs as one, with the languages and tokens that all of them followed.

        Raises ``DataError`` if they differ in anything but their prompts and source language.
        """
        parts = list(parts)
        if not parts or not all(isinstance(part, Run) for part in parts):
            raise DataError("Only runs can be put together: pass at least one run.")
        setting = Setting.pooled([part.setting for part in parts])
        check_same([part._kind() for part in parts])
        shared = set.intersection(*(labels_of(part.readings) for part in parts))
        tensors = [part._following(shared).tensors() for part in parts]
        whole = {name: torch.cat([each[name] for each in tensors]) for name in tensors[0]}
        prompts = pd.concat([part.prompts for part in parts], ignore_index=True)
        changed = unflattened(whole, parts[0].readings)
        known = all(part.token_ids or not len(part) for part in parts)
        changed["token_ids"] = tuple(r for part in parts for r in part.token_ids) if known else ()
        changed["tokenizer"] = TokenTexts.joined([part.tokenizer for part in parts])
        followed = [part.followed for part in parts if part.followed is not None]
        if len(followed) == len(parts):
            changed["followed"] = Followed.concatenate(followed)
        return replace(parts[0], setting=setting, prompts=prompts, **changed)

    def to_frame(self) -> pd.DataFrame:
        """Return the readings as a tidy table: prompt, concept, layer, quantity, language, value.

        ``quantity`` is the name of a reading; ``language`` is empty for readings per prompt.
        Yardsticks are left out.
        ``frame.to_csv(path)`` writes it to a file. Only for readings at one position.
        """
        if self.position_tokens:
            raise DataError("A table needs one position per prompt: decode with positions='last'.")
        return tidy_table(self.curves(), self.layers, list(self.prompts["concept"]))

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file and return its path.

        Raises ``DataError`` where that is not possible.
        """
        return save_run(vars(self), path)

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
            "interventions": self.interventions,
            "layers": self.layers,
            "readings": tuple(sorted(self.readings)),
            "watched tokens": self.watch,
            "positions": self.position_tokens,
            "the number of top tokens": self.top_ids.shape[-1],
            "latents": "kept" if self.latents is not None else "not kept",
        }

    def _following(self, labels: set[str]) -> Run:
        """Return the same readings with some of the languages and yardsticks, and no tokens."""
        readings = {}
        for name, values in self.readings.items():
            if isinstance(values, Mapping):
                values = {label: values[label] for label in values if label in labels}
            readings[name] = values
        return replace(self, readings=readings, followed=None)

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by its flat name in a file, such as ``probability.zh``."""
        return all_tensors(vars(self))

    def _changed(self, change: Callable[[Tensor], Tensor], **fields: Any) -> Run:
        """Return a copy in which ``change`` was applied to every tensor."""
        tensors = {name: change(tensor) for name, tensor in self.tensors().items()}
        return replace(self, **unflattened(tensors, self.readings), **fields)
