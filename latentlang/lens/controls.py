"""The controls of a sweep: changes that should do less, drawn from the change itself."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..models.model import Model
from ..prompts.words import languages
from .changes import Planned, latents_in
from .inputs import Inputs
from .interventions import Patch
from .latents import Latents, read_latents


def controls_for(
    model: Model,
    inputs: Inputs,
    encoded: Sequence[list[int]],
    intervention: Any,
    planned: Planned,
    seed: int,
) -> dict[str, Any]:
    """Return the controls of an intervention by name, as interventions; see ``sweep``.

    Args:
        model: which is changed.
        inputs: the prompts.
        encoded: their token ids.
        intervention: as the reader passed it.
        planned: the same, checked.
        seed: draws concepts and vectors.
    """
    at, layers = intervention.at, intervention.layers
    own = read_latents(model, [ids[: n + 1] for ids, n in zip(encoded, planned.places)])
    controls: dict[str, Any] = {"self": Patch(own, layers, at)}
    name = _field(planned.act)
    if name is None:
        return controls
    act: Any = planned.act
    values: Tensor = getattr(act, name)
    latents = next(iter(latents_in(intervention)), None)
    if values.ndim == 3 and len(encoded) > 1:
        order = _other_concepts(inputs, latents, seed)
        if order:
            controls["another concept"] = replace(act, **{name: values[order]})
    controls["random"] = replace(act, **{name: _random(values, seed)})
    if latents is not None and latents.in_language is not None:
        code, third = _third_language(inputs, latents)
        if third is not None:
            changed = replace(intervention, **{name: third})
            controls[f"third language ({code})"] = changed
    return controls


def _field(act: Any) -> str | None:
    """Return the field with the vectors of one of our interventions."""
    names = [field.name for field in fields(act)]
    return next((name for name in ("latents", "vector", "directions") if name in names), None)


def _random(values: Float[Tensor, "*any d_model"], seed: int) -> Float[Tensor, "*any d_model"]:
    """Return random vectors, each as long as the one in its place."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(values.shape, generator=generator)
    return noise * (values.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True))


def _other_concepts(inputs: Inputs, latents: Latents | None, seed: int) -> list[int]:
    """Return another row for each row, about none of the concepts of its prompt; or nothing."""
    asked = list(inputs.table["concept"])
    given = list(latents.concepts) if latents is not None else asked
    draw, rows = random.Random(seed), []
    for row, concept in enumerate(asked):
        own = {concept, given[row]}
        others = [
            n for n, other in enumerate(given) if n != row and (not other or other not in own)
        ]
        if not others:
            return []
        rows.append(draw.choice(others))
    return rows


def _third_language(inputs: Inputs, latents: Latents) -> tuple[str, Latents | None]:
    """Return the first language that none of the prompts has, and the latents of prompts for it."""
    taken = {*inputs.table["source"], *inputs.table["target"], *inputs.table["pivot"]}
    remake = latents.in_language
    for code in ("es", "de", "fr", "it", *languages().index):
        if remake and code not in taken | latents.languages:
            try:
                return code, remake(code)
            except LookupError:
                continue
    warnings.warn("No third language has all these words: this control is left out.", stacklevel=6)
    return "", None
