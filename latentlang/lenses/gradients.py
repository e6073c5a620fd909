"""How a late layer's latents change with those of the layers before it, by backpropagation.

This runs the transformers model itself, because a trace computes no gradients.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import NotFiniteError, TraceError
from ..lens.memory import PROMPT, fewer
from ..models.model import Model
from ..models.sessions import TRACE_LOCK
from ..models.view import block_output

SKIPPED = 16  # tokens at the beginning of a text, which models treat in ways of their own
LEAST = SKIPPED + 2  # tokens of a text: one counts between those and the last one
_TOGETHER = 512  # tokens of the copies of a text that are read at once: about 0.5 GB for Gemma


class _ReachedError(Exception):
    """The target layer has been computed: nothing behind it is needed."""


def require_gradients(model: Model) -> None:
    """Raise ``TraceError`` for a model without weights in this process."""
    if model.module is None or not model.session.direct:
        raise TraceError(
            f"A Jacobian needs gradients, and those of {model.name} cannot be computed where its "
            "weights are: use a model that runs in this process."
        )


def mean_gradients(
    model: Model, ids: list[int], rows: Float[Tensor, "row d_model"], target: int
) -> Float[Tensor, "layer row d_model"]:
    """Return ``rows @ J`` for each layer below the target layer, of one text, on the CPU.

    J is the mean over source positions s of the sum over target positions t ≥ s of
    ∂h_target[t] / ∂h_layer[s]. Sources and targets are the positions of the text without the first
    ``SKIPPED`` and the last one (Gurnee et al. 2026, and their code).

    Args:
        model: whose weights are in this process.
        ids: the tokens of a text, ``LEAST`` or more.
        rows: directions in the space of the target layer's latents.
        target: the number of the target layer.

    Raises:
        NotFiniteError: The model does not compute finite gradients.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> ids = model.tokenizer("Die Blume ist rot, und " * 4)["input_ids"]
    >>> rows = model.folded_unembedding([5, 6])
    >>> mean_gradients(model, ids, rows, model.n_layers).shape
    torch.Size([17, 2, 640])
    """
    copies = max(1, min(len(rows), _TOGETHER // len(ids)))
    while True:
        try:
            with TRACE_LOCK, torch.enable_grad():
                values = _gradients(model, ids, rows, target, copies)
            break
        except torch.OutOfMemoryError:
            copies = fewer(copies, PROMPT, model)
    if not values.isfinite().all():
        raise NotFiniteError(
            f"{model.name} does not compute finite gradients in {model.number_format} on these "
            "texts: load it with dtype='float32' or 'bfloat16'."
        )
    return values


def _gradients(
    model: Model, ids: list[int], rows: Float[Tensor, "row d_model"], target: int, copies: int
) -> Float[Tensor, "layer row d_model"]:
    """Read copies of a text once, and go back once for each so many rows, one row per copy."""
    *latents, last = _latents(model, torch.tensor([ids] * copies, device=model.device), target)
    inside = slice(SKIPPED, -1)
    parts = []
    for some in rows.split(copies):
        cotangents = torch.zeros_like(last)
        cotangents[: len(some), inside] = some.to(last)[:, None]
        gradients = torch.autograd.grad(last, latents, cotangents, retain_graph=True)
        means = [each[: len(some), inside].float().mean(1).cpu() for each in gradients]
        parts.append(torch.stack(means))
    return torch.cat(parts, 1)


def _latents(
    model: Model, ids: Int[Tensor, "batch position"], target: int
) -> list[Float[Tensor, "batch position d_model"]]:
    """Return the latents of layers 1 to target, with the graph that leads from layer 1 on."""
    module, blocks = model.module, model.blocks
    assert module is not None and blocks is not None  # require_gradients
    latents: list[Tensor] = []

    def begin(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
        h = block_output(output).detach().requires_grad_()
        latents.append(h)
        return h if isinstance(output, Tensor) else (h, *output[1:])

    def keep(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        latents.append(block_output(output))
        if len(latents) == target:
            raise _ReachedError

    weights = [weight for weight in module.parameters() if weight.requires_grad]
    hooks = [blocks[0].register_forward_hook(begin)]
    hooks += [block.register_forward_hook(keep) for block in blocks[1:target]]
    try:
        for weight in weights:  # nothing is kept for gradients that nobody asks for
            weight.requires_grad_(False)
        module(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    except _ReachedError:
        pass
    finally:
        for hook in hooks:
            hook.remove()
        for weight in weights:
            weight.requires_grad_(True)
    return latents
