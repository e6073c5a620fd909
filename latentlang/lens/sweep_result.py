"""``Sweep``: what a model answers when one layer after the other is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..errors import DataError, near
from ..prompts.rows import HasPrompts, rows_of
from ..prompts.setting import HasSetting, Setting
from .layers import places_between
from .sweep_file import load_sweep, save_sweep
from .table import tidy_table

Curves = Mapping[str, Float[Tensor, "prompt layer"]]


@dataclass(frozen=True, repr=False, eq=False)
class Sweep(HasSetting, HasPrompts):
    """The model's own answer to ``n_prompts`` prompts, changed at each layer in turn; on the CPU.

    ``probability[label]`` ``[n_prompts, n_layers]``: the probability of a labelled set of tokens
    at the end of the model, when the layer of the column is changed; with ``onward``, that layer
    and all later ones. ``baseline[label]`` ``[n_prompts]``: the same without a change.
    ``controls[name][label]`` ``[n_prompts, n_layers]``: the same under a change that should do
    less; see ``sweep``.

    ``model``, ``revision``, ``number_format`` and ``setting`` say what was run; ``setting`` is that
    of the prompts that were changed. ``intervention``: its name, such as ``"Patch"``.
    ``origin``: the title of the prompts that its latents come from, or an empty text.
    ``at``: the position that was changed: ``"last"``, ``"word"`` or a number.
    ``layers``: the numbers along the layer axis.
    ``prompts``: one row per prompt, as in a ``Run``. The column ``concept`` is what the prompt asks
    about, and ``source_concept`` what the latents that are put into it are about (an empty text if
    they are not about one). ``continuations[prompt][layer]``: the text that the changed model
    writes, if that was asked for.

    Index it as prompts: ``sweep[0]``, ``sweep["eagle"]``, a slice, a mask or a list. Each gives a
    ``Sweep``.
    """

    model: str
    setting: Setting
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    probability: Curves
    baseline: Mapping[str, Float[Tensor, " prompt"]]
    intervention: str
    at: str | int = "last"
    onward: bool = False
    controls: Mapping[str, Curves] = field(default_factory=dict)
    origin: str = ""
    continuations: tuple[tuple[str, ...], ...] = ()
    number_format: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        """Refuse tensors that do not belong together: they would be cut and averaged wrongly."""
        n_prompts, n_layers = len(self.prompts), len(self.layers)
        labels = set(self.probability)
        if not labels:
            raise DataError("A sweep reads at least one set of tokens: give it targets.")
        for name, values in {"baseline": self.baseline, **self.controls}.items():
            if set(values) != labels:
                raise DataError(f"'{name}' must have the labels of probability: {sorted(labels)}.")
        for name, tensor in self.tensors().items():
            if not isinstance(tensor, torch.Tensor):
                raise DataError(f"'{name}' must be a torch tensor, not a {type(tensor).__name__}.")
            of_layers = not name.startswith("baseline.")
            shape = (n_prompts, n_layers) if of_layers else (n_prompts,)
            if tuple(tensor.shape) != shape:
                raise DataError(
                    f"'{name}' has the shape {list(tensor.shape)}, and this sweep has "
                    f"{list(shape)} ({'prompts, layers' if of_layers else 'prompts'})."
                )
        sizes = {len(row) for row in self.continuations}
        if self.continuations and (len(self.continuations), sizes) != (n_prompts, {n_layers}):
            raise DataError("continuations must have one text per prompt and layer.")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the token sets that were read."""
        return tuple(self.probability)

    @property
    def closed(self) -> Bool[Tensor, "prompt layer"]:
        """Which continuations close the quotation mark, ``[n_prompts, n_layers]``.

        A prompt ends with an opening one, so a model that never closes it has lost the form of the
        answer. Raises ``DataError`` for a sweep without continuations.
        """
        if not self.continuations:
            raise DataError("This sweep has no continuations: ask ll.run_sweep for them.")
        return torch.tensor([['"' in text for text in row] for row in self.continuations])

    def control(self, name: str) -> Sweep:
        """Return a control as a sweep of its own, such as for ``paired_difference(other=...)``."""
        if name not in self.controls:
            raise DataError(
                f"This sweep has no control '{name}'.{near(name, self.controls)} "
                f"It has {', '.join(self.controls) or 'none: sweep with controls=True'}."
            )
        return replace(
            self,
            intervention=f"{self.intervention}, control: {name}",
            probability=self.controls[name],
            controls={},
            continuations=(),
        )

    def __repr__(self) -> str:
        size = f"{len(self)} prompts x {len(self.layers)} layers"
        onward = " and onward" if self.onward else ""
        return (
            f"Sweep({self.intervention} at {self.at}{onward}: {size} of {self.model}, "
            f"{self.number_format}: {self.setting.title})"
        )

    def __eq__(self, other: object) -> bool:
        """Return whether two sweeps are the same in every number and every fact."""
        if not isinstance(other, Sweep):
            return NotImplemented
        ours, theirs = self.tensors(), other.tensors()
        facts = [f.name for f in fields(self) if f.name not in (*_TENSORS, "prompts")]
        return (
            all(getattr(self, name) == getattr(other, name) for name in facts)
            and self.prompts.equals(other.prompts)
            and ours.keys() == theirs.keys()
            and all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, item: Any) -> Sweep:
        rows = rows_of(item, list(self.prompts["concept"]))
        prompts = self.prompts.iloc[rows].reset_index(drop=True)
        setting = self.setting.of_sources(prompts["source"])
        texts = tuple(self.continuations[row] for row in rows) if self.continuations else ()
        return self._changed(
            lambda tensor: tensor[rows], prompts=prompts, setting=setting, continuations=texts
        )

    def between(self, first: int, last: int) -> Sweep:
        """Return the changes of the layers from ``first`` to ``last``, both included."""
        places = places_between(self.layers, first, last)
        return self._changed(
            lambda tensor: tensor[:, places] if tensor.ndim == 2 else tensor,
            layers=tuple(self.layers[n] for n in places),
            continuations=tuple(tuple(row[n] for n in places) for row in self.continuations),
        )

    def curves(self) -> list[tuple[str, str, Float[Tensor, "prompt layer"]]]:
        """Return ``(quantity, label, [n_prompts, n_layers])``.

        The quantities are ``"probability"``, ``"baseline"`` (the same at every layer) and
        ``"control: <name>"``.
        """
        curves = [("probability", label, values) for label, values in self.probability.items()]
        for label, values in self.baseline.items():
            curves.append(("baseline", label, values[:, None].expand(-1, len(self.layers))))
        for name, control in self.controls.items():
            curves += [(f"control: {name}", label, values) for label, values in control.items()]
        return curves

    def to_frame(self) -> pd.DataFrame:
        """Return a tidy table: prompt, concept, layer, quantity, language, value.

        ``quantity`` is as in ``curves``, and ``language`` is the label of the token set.
        """
        return tidy_table(self.curves(), self.layers, list(self.prompts["concept"]))

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file and return its path.

        Raises ``DataError`` where that is not possible.
        """
        return save_sweep(vars(self), path)

    @classmethod
    def load(cls, path: str | Path) -> Sweep:
        """Read a file that ``save`` wrote. Raises ``DataError`` for any other file."""
        return cls(**load_sweep(path))

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by its flat name in a file, such as ``probability.zh``."""
        named = {"probability": self.probability, "baseline": self.baseline}
        named |= {f"controls.{name}": values for name, values in self.controls.items()}
        return {f"{name}.{label}": t for name, each in named.items() for label, t in each.items()}

    def _changed(self, change: Callable[[Tensor], Tensor], **fields: Any) -> Sweep:
        """Return a copy in which ``change`` was applied to every tensor."""
        controls = {
            name: {label: change(values) for label, values in control.items()}
            for name, control in self.controls.items()
        }
        return replace(
            self,
            probability={label: change(values) for label, values in self.probability.items()},
            baseline={label: change(values) for label, values in self.baseline.items()},
            controls=controls,
            **fields,
        )


_TENSORS = ("probability", "baseline", "controls")
