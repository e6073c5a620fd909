"""Interventions as a reader passes them, checked and ready to travel with a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..errors import TraceError
from ..models.model import Model
from .inputs import Inputs
from .interventions import Change, Displace, Erase, Patch
from .latents import Latents
from .layers import layer_number, layer_spans
from .positions import positions_of


@dataclass(frozen=True)
class Planned:
    """An intervention on the prompts of a call.

    ``act``: the intervention itself, with tensors instead of ``Latents``. ``layers``: those that
    it names, or None. ``places``: the position of each prompt that it changes, counted from 0.
    ``ends``: how many tokens each prompt has from there to its end.
    """

    act: Callable
    layers: tuple[int, ...] | None
    places: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(
        cls, intervention: Any, model: Model, inputs: Inputs, encoded: Sequence[Sequence[int]]
    ) -> Planned:
        """Check an intervention against a model and the prompts of a call.

        Raises:
            TraceError: It is none, or does not fit.
        """
        if isinstance(intervention, type) or not (
            is_dataclass(intervention)
            and callable(intervention)
            and hasattr(intervention, "layers")
            and hasattr(intervention, "at")
        ):
            raise TraceError(
                f"{_shown(intervention)} is not an intervention: pass ll.Patch(...), "
                "ll.Steer(...) or ll.Erase(...)."
            )
        layers = _layers(intervention.layers, model)
        places = positions_of(model, inputs, encoded, intervention.at)
        _check_origin(intervention, model)
        act = _with_tensors(intervention, model, len(encoded))
        ends = tuple(len(ids) - place for ids, place in zip(encoded, places))
        return cls(act, layers, tuple(places), ends)

    @property
    def title(self) -> str:
        """The name of the intervention, its position and its layers."""
        act: Any = self.act
        layers = "all layers" if self.layers is None else layer_spans(self.layers)
        return f"{type(act).__name__} at {act.at}, {layers}"

    def change(
        self, rows: Sequence[int], layers: Bool[Tensor, "row layer"], written: int = 0
    ) -> Change:
        """Return the change of the rows of a batch.

        Args:
            rows: the number of each row's prompt.
            layers: at which layers it is changed.
            written: how many tokens stand behind each prompt.
        """
        places = torch.tensor([-self.ends[row] - written for row in rows])
        return Change(self.act, torch.tensor(rows), places, layers)

    def at_its_layers(self, rows: Sequence[int], n_layers: int) -> Change:
        """Return the change of the rows of a batch at all the layers that it names."""
        layers = torch.tensor([self.layers is None or n in self.layers for n in _range(n_layers)])
        return self.change(rows, layers.expand(len(rows), -1))


def plans(
    interventions: Any, model: Model, inputs: Inputs, encoded: Sequence[Sequence[int]]
) -> list[Planned]:
    """Check the interventions of a call; one needs no list."""
    several = isinstance(interventions, Iterable) and not isinstance(interventions, str)
    parts = interventions if several else [interventions]
    return [Planned.of(each, model, inputs, encoded) for each in parts]


def latents_in(intervention: Any) -> list[Latents]:
    """Return the ``Latents`` among the fields of an intervention."""
    values = [getattr(intervention, field.name) for field in fields(intervention)]
    return [value for value in values if isinstance(value, Latents)]


def _range(n_layers: int) -> range:
    return range(1, n_layers + 1)


def _shown(value: object) -> str:
    return f"A {type(value).__name__}" if not isinstance(value, type) else value.__name__


def _layers(layers: Any, model: Model) -> tuple[int, ...] | None:
    """Return the layers that an intervention names, in order; None if it names none."""
    if layers is None:
        return None
    several = isinstance(layers, Iterable) and not isinstance(layers, (str, Tensor))
    several = several or (isinstance(layers, Tensor) and layers.ndim > 0)
    numbers = sorted({layer_number(layer) for layer in (layers if several else [layers])})
    for number in numbers:
        if number not in _range(model.n_layers):
            raise TraceError(
                f"There is no layer {number} to change: {model.name} has layers 1 to "
                f"{model.n_layers}."
            )
    if not numbers:
        raise TraceError("An intervention at no layer changes nothing: name one, or leave it out.")
    return tuple(numbers)


def _check_origin(intervention: Any, model: Model) -> None:
    """Refuse latents of another model, and a patch at another position than its latents'."""
    name = type(intervention).__name__
    for latents in latents_in(intervention):
        if latents.model != model.name:
            raise TraceError(
                f"These latents were read from {latents.model}, and this model is {model.name}: "
                "read them again with ll.latents_at(model, prompts)."
            )
        if isinstance(intervention, Patch) and latents.at != intervention.at:
            raise TraceError(
                f"{name} puts latents at {intervention.at!r} that were read at {latents.at!r}: "
                "leave at out, or read them at the position that you change."
            )


def _with_tensors(intervention: Any, model: Model, n_prompts: int) -> Callable:
    """Return an intervention whose fields are tensors, checked if it is one of ours."""
    changed: dict[str, Any] = {
        field.name: value.values
        for field in fields(intervention)
        if isinstance(value := getattr(intervention, field.name), Latents)
    }
    act = replace(intervention, **changed)
    if isinstance(act, Erase | Displace):
        return replace(act, directions=_directions(act.directions, model, n_prompts))
    for name in ("latents", "vector"):
        if type(act).__module__ == Patch.__module__ and hasattr(act, name):
            return replace(act, **{name: _vectors(getattr(act, name), name, model, n_prompts)})
    return act


def _vectors(
    values: Any, name: str, model: Model, n_prompts: int
) -> Float[Tensor, "*prompt_layer d_model"]:
    """Return vectors for the layers and prompts of a call."""
    values = _numbers(values, name)
    if values.ndim == 3 and len(values) == 1:
        values = values[0]  # one row serves all prompts
    shape = (n_prompts, model.n_layers, model.d_model)
    if not 1 <= values.ndim <= 3 or tuple(values.shape) != shape[3 - values.ndim :]:
        raise TraceError(
            f"{name} has the shape {list(values.shape)}: for these prompts {model.name} takes "
            f"[{shape[2]}], [{shape[1]}, {shape[2]}] or {list(shape)} "
            "(prompts, layers, the width of a latent)."
        )
    return values


def _directions(
    directions: Any, model: Model, n_prompts: int
) -> Float[Tensor, "*prompt k d_model"]:
    """Return directions for all prompts, or one set per prompt, filled up with zeros."""
    per_prompt = isinstance(directions, (list, tuple)) or getattr(directions, "ndim", 2) == 3
    sets = [_numbers(each, "directions") for each in (directions if per_prompt else [directions])]
    for each in sets:
        if each.ndim != 2 or each.shape[1] != model.d_model or not len(each):
            raise TraceError(
                f"directions has the shape {list(each.shape)}: {model.name} takes "
                f"[k, {model.d_model}], or a list with one of these per prompt."
            )
    if not per_prompt:
        return sets[0]
    if len(sets) != n_prompts:
        raise TraceError(
            f"There are directions for {len(sets)} prompts, and there are {n_prompts} prompts: "
            "give one set for each, or one for all."
        )
    return pad_sequence(sets, batch_first=True)


def _numbers(values: Any, name: str) -> Float[Tensor, "*any"]:
    """Return finite numbers as float32 on the CPU."""
    try:
        numbers = torch.as_tensor(values, dtype=torch.float32).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise TraceError(
            f"{name} is a {type(values).__name__}, and not numbers: pass a tensor, or what "
            "ll.latents_at returns."
        ) from None
    if not numbers.isfinite().all():
        raise TraceError(f"{name} has numbers that are not finite (NaN or infinite): check it.")
    return numbers
