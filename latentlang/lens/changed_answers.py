"""What a model answers to prompts under several changes, each at layers of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..models.model import Model
from ..prompts.prompt import PromptSet
from .changes import Planned, plans
from .company import beginnings_are_safe, padding_is_safe
from .inputs import Inputs
from .latents import latents_at
from .memory import PROMPT, one_sentence
from .sweep_batches import Row, Rows


def changed_answers(
    model: Model,
    prompts: PromptSet,
    changes: Mapping[str, Sequence[Any]],
    report: Callable[[int], None],
) -> dict[str, Float[Tensor, " prompt"]]:
    """Return P(target) of each prompt under each change, and without one.

    These are the numbers of the last layer of ``decode(..., interventions=...)``. The beginning of
    a prompt is read once for all changes, and no other layer is read.

    Args:
        model: what ``load_model`` returns.
        prompts: built prompts with one target language.
        changes: by name, which is not empty: interventions that are made together, each at the
            layers that it names.
        report: called with how many prompts are done.

    Returns:
        ``[n_prompts]`` by name; the empty name is for the prompts without a change.

    Raises:
        TraceError: for an intervention that does not fit the model or the prompts.
    """
    inputs = Inputs.of(prompts, None)
    inputs.check_ids(model, ())
    encoded = inputs.encoded(model)
    planned = {name: plans(parts, model, inputs, encoded) for name, parts in changes.items()}
    model.check()
    with one_sentence(PROMPT, model):
        ways = beginnings_are_safe(model), padding_is_safe(model, encoded)
    sets = {"": [tuple(sorted(prompt.token_ids[prompts.target])) for prompt in prompts]}
    rows = Rows(model, inputs.texts, encoded, sets, planned, False, *ways)
    answers: dict[Row, Float[Tensor, " label"]] = {}
    for done, values, _ in rows.work([(0, ""), *((0, name) for name in planned)], 0):
        answers |= values
        report(done)
    return {
        name: torch.stack([answers[n, 0, name][0] for n in range(len(encoded))])
        for name in ("", *planned)
    }


def moved(
    model: Model, prompts: PromptSet, changes: Mapping[str, Any], layer: int
) -> dict[str, Float[Tensor, " prompt"]]:
    """Return how far interventions move the last token's latent after one layer.

    Args:
        model: what ``load_model`` returns.
        prompts: built prompts.
        changes: interventions by name.
        layer: its number.

    Returns:
        ``[n_prompts]`` by name: the length of the change, as a part of the latent's length.
    """
    inputs = Inputs.of(prompts, None)
    encoded = inputs.encoded(model)
    h = latents_at(model, prompts).values[:, layer - 1]
    parts = {}
    for name, change in changes.items():
        act = Planned.of(change, model, inputs, encoded).act
        parts[name] = (act(h, layer, torch.arange(len(h))) - h).norm(dim=-1) / h.norm(dim=-1)
    return parts
