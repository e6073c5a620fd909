"""Travels to a server as source: imports torch and the standard library only.

From latents to readings. A vocabulary-sized distribution per prompt and layer is reduced inside the
trace, some rows at a time, so that memory does not grow with prompts times layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..models.view import LogitTransform, folded
from .energy import CHUNK_ROWS, Gram, gram
from .readings import READINGS, Readout, TokenSets

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped
    from torch import Tensor

_CHUNK_LOGITS = 5 * 2**23  # vocabulary entries read at once, about 170 MB of float32


@dataclass
class Request:
    """What to keep of each prompt of a batch.

    ``readings``: names of ``READINGS``. ``watch``: token ids whose log-probabilities are kept.
    ``gram``: the unembedding's Gram matrix for the energy; None builds it where the trace runs.
    """

    readings: tuple[str, ...]
    tokens: TokenSets
    watch: Int[Tensor, " token"]
    top_k: int
    gram: Gram | None
    keep_latents: bool


def reduce(
    h: Float[Tensor, "batch position layer d_model"],
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
    request: Request,
) -> dict[str, Shaped[Tensor, "batch position layer ..."]]:
    """Reduce latents ``[batch, position, layer, d_model]`` to what ``request`` keeps, by name.

    A server may compute gradients unless it is told not to.
    """
    with torch.no_grad():
        shape, device = h.shape[:-1], h.device
        rows = h.reshape(-1, h.shape[-1])
        prompt_of = torch.arange(shape[0], device=device).repeat_interleave(shape[1] * shape[2])
        vocab_size = lm_head.weight.shape[0]
        step = max(1, _CHUNK_LOGITS // vocab_size)
        scratch = torch.empty(min(step, len(rows)), vocab_size, device=device)
        table = _gram_of(lm_head, final_norm, request)
        chunks = []
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            logits = logit_transform(lm_head(final_norm(part)).float())
            memory = scratch[: len(part)]
            x = Readout(logits, latents=part, gram=table, top_k=request.top_k, scratch=memory)
            chunks.append(_read(x, request, request.tokens.at(prompt_of[start : start + step])))
            del logits, x  # else they would stay in memory beside those of the next chunk
        results = {}
        for name, first in chunks[0].items():
            whole = torch.cat([chunk[name] for chunk in chunks])
            results[name] = whole.reshape(*shape, *first.shape[1:])
        if request.keep_latents:
            results["latents"] = h.float()
        return results


def _gram_of(
    lm_head: torch.nn.Linear, final_norm: torch.nn.Module, request: Request
) -> Gram | None:
    """Return the Gram matrix that the request's readings need, where the latents are."""
    if not any(READINGS[name].needs_gram for name in request.readings):
        return None
    table, weight = request.gram, lm_head.weight
    if table is None:
        starts = range(0, len(weight), CHUNK_ROWS)
        table = gram(folded(lm_head, final_norm, slice(s, s + CHUNK_ROWS)) for s in starts)
    if weight.device.type == "mps":  # it has no double precision
        return table
    return Gram(table.matrix.to(weight.device), table.n_tokens)


def _read(x: Readout, request: Request, tokens: TokenSets) -> dict[str, Shaped[Tensor, "row ..."]]:
    """Return every reading of some rows, by name."""
    results = {}
    for name in request.readings:
        reading = READINGS[name]
        inputs = (x, tokens) if reading.per == "language" else (x,)
        values = reading.compute(*inputs)
        if len(values.shape) == 0 or len(values) != len(x.total):
            raise ValueError(f"The reading '{name}' must return one value per row of its Readout.")
        results[name] = values.float() if values.is_floating_point() else values
    results["top_ids"], results["top_probs"] = x.top_ids.int(), x.top_probs
    if len(request.watch):
        results["watched"] = x.log_probs(request.watch.to(x.logits.device))
    return results
