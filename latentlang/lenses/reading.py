"""The latents of texts at every token, and how far lenses are from the model's own output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import nnsight
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import NotFiniteError
from ..lens.batches import batches_of, halves, of_one_length
from ..lens.company import padding_is_safe
from ..lens.maps import Maps, divergences
from ..lens.memory import PROMPT, one_sentence
from ..lens.padding import padded
from ..models.model import Model
from ..models.view import block_output
from ..progress import Progress, reporting

_ROWS = 16  # latents whose distributions are in memory together: about 17 MB each for 262k tokens


def token_latents(
    model: Model, encoded: list[list[int]], progress: Progress
) -> list[Float[Tensor, "token layer d_model"]]:
    """Return the latents after every layer at each token but the first, of each text, on the CPU.

    At the first token nothing can be predicted, and many models keep giant numbers there. They are
    in the model's number format.
    """
    model.check()
    with one_sentence(PROMPT, model):
        safe = padding_is_safe(model, encoded)
    queue = batches_of(encoded, None)
    queue = queue if safe else of_one_length(queue, encoded)
    values: dict[int, Tensor] = {}
    with reporting(progress, len(encoded)) as report:
        while queue:
            rows = queue.pop(0)
            some = [encoded[row] for row in rows]
            try:
                h = _traced(model, some)
            except torch.OutOfMemoryError:
                queue[:0] = halves(rows, model)
                continue
            if not h.isfinite().all():
                raise NotFiniteError(
                    f"{model.name} does not compute finite numbers in {model.number_format} on "
                    "these texts: load it with dtype='float32' or 'bfloat16'."
                )
            values |= zip(rows, h.split([len(ids) - 1 for ids in some]))
            report(len(values))
    return [values[row] for row in range(len(encoded))]


def _traced(model: Model, encoded: list[list[int]]) -> Float[Tensor, "token layer d_model"]:
    lm, inputs = model.traced, padded(encoded, model)
    mask: Tensor = inputs["attention_mask"]
    places = (mask.bool() & (mask.cumsum(-1) > 1)).cpu()
    shape = (int(places.sum()), model.n_layers, model.d_model)
    with model.trace(**inputs, use_cache=False, expected={"latents": shape}) as tracer:
        kept = []
        for block in lm.layers:
            h = block_output(block.output)
            kept.append(h[places.to(h.device)].cpu())
        latents = nnsight.save(torch.stack(kept, 1))
        tracer.stop()
    return latents


def at_the_output(
    model: Model, shape: tuple[int, ...], function: Callable[..., Tensor], *arguments: Any
) -> Tensor:
    """Return what a function makes of the model's output layer, on the CPU, from one trace.

    Args:
        model: whose output layer it is.
        shape: of the result.
        function: in a module that travels. It takes ``arguments``, then ``final_norm``, ``lm_head``
            and ``logit_transform``.
    """
    lm, transform = model.traced, model.logit_transform
    inputs = padded([model.tokenizer("a")["input_ids"]], model)
    with model.trace(**inputs, expected={"result": shape}) as tracer:
        result = nnsight.save(function(*arguments, lm.final_norm, lm.lm_head, transform).cpu())
        tracer.stop()
    return result


def distances(
    model: Model, h: Float[Tensor, "token layer d_model"], lenses: Sequence[Maps | None]
) -> Float[Tensor, "token pair layer"]:
    """Return the KL divergence of lenses from the output, then between the last two, in nats.

    Args:
        model: whose output layer reads.
        h: latents of all layers.
        lenses: maps of all layers; None is the logit lens.

    Returns:
        ``[token, n_lenses + 1, layer]``: KL(output ‖ lens) of each lens, then the KL of the last
        lens from the one before it.
    """
    parts = []
    for some in h.split(_ROWS):
        shape = (len(some), len(lenses) + 1, model.n_layers)
        parts.append(at_the_output(model, shape, divergences, some, lenses))
    return torch.cat(parts)
