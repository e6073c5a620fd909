"""Travels to a server as source: imports torch and the standard library only.

From latents to readings. A vocabulary-sized distribution per prompt and layer is reduced inside the
trace, some rows at a time, so that memory does not grow with prompts times layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..models.view import LogitTransform, folded
from .energy import CHUNK_ROWS, Gram, gram_of_blocks
from .maps import Maps
from .readings import READINGS, Readout, TokenSets

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped
    from torch import Tensor

FINITE = "finite"
NO_TOKEN = -1  # behind the last of a union
_CHUNK_LOGITS = 5 * 2**22  # vocabulary entries read at once, about 85 MB of float32


@dataclass
class Request:
    """What to keep of each prompt of a batch.

    ``readings``: names of ``READINGS``. ``tokens``: of the words that are followed; ``yardstick``:
    of another concept's words. ``watch``: token ids whose log-probabilities are kept. ``gram``: the
    unembedding's Gram matrix for the energy; None builds it where the trace runs. ``follow``: keep
    the log-probabilities of the ``union`` of all layers' top tokens. ``maps``: what a lens does
    with the latents before they are read; None for the logit lens.
    """

    readings: tuple[str, ...]
    tokens: TokenSets
    yardstick: TokenSets
    watch: Int[Tensor, " token"]
    top_k: int
    gram: Gram | None
    keep_latents: bool
    follow: bool
    maps: Maps | None = None


def reduce(
    h: Float[Tensor, "batch position layer d_model"],
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
    request: Request,
) -> dict[str, Shaped[Tensor, "batch position layer ..."]]:
    """Reduce latents ``[batch, position, layer, d_model]`` to what ``request`` keeps, by name.

    ``FINITE`` is one of the names: whether latent and logits are numbers, of each row. The results
    stay on the device of the unembedding. Latents that are kept are those of the model, before any
    map of a lens. A server may compute gradients unless it is told not to.
    """
    with torch.no_grad():
        shape, device = h.shape[:-1], h.device
        rows = (h if request.maps is None else request.maps(h)).reshape(-1, h.shape[-1])
        prompt_of = torch.arange(shape[0], device=device).repeat_interleave(shape[1] * shape[2])
        vocab_size = lm_head.weight.shape[0]
        # All layers of a position are read together, for the union of their top tokens.
        n_layers = shape[2]
        step = n_layers * max(1, _CHUNK_LOGITS // vocab_size // n_layers)
        scratch = torch.empty(min(step, len(rows)), vocab_size, device=device)
        table = _gram_of(lm_head, final_norm, request)
        chunks = []
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            logits = lm_head(final_norm(part)).float()
            # The largest of a row shows a NaN and an infinity, before a soft cap hides the latter.
            # A logit of -inf is that of a masked entry and may stay.
            finite = part.isfinite().all(-1) & logits.amax(-1).isfinite()
            memory = scratch[: len(part)]
            x = Readout(
                logit_transform(logits),
                latents=part,
                gram=table,
                top_k=request.top_k,
                scratch=memory,
            )
            values = _read(x, request, prompt_of[start : start + step])
            if request.follow:
                values["followed"] = _followed(x, n_layers)
            chunks.append({FINITE: finite, **values})
            del logits, x  # else they would stay in memory beside those of the next chunk
        results = {}
        for name, first in chunks[0].items():
            whole = torch.cat([chunk[name] for chunk in chunks])
            results[name] = whole.reshape(*shape, *first.shape[1:])
        if request.keep_latents:
            results["latents"] = h.float()
        return results


def union(top_ids: Int[Tensor, "*place layer k"]) -> Int[Tensor, "*place token"]:
    """Return the top tokens of all layers, each once, in ascending order.

    ``NO_TOKEN`` stands behind the last one, so that the width is always layers times k.

    >>> union(torch.tensor([[7, 2], [2, 5]]))
    tensor([ 2,  5,  7, -1])
    """
    ids = top_ids.flatten(-2).sort(-1).values
    repeated = torch.zeros_like(ids, dtype=torch.bool)
    repeated[..., 1:] = ids[..., 1:] == ids[..., :-1]
    last = torch.iinfo(ids.dtype).max
    ids = ids.masked_fill(repeated, last).sort(-1).values
    return ids.masked_fill(ids == last, NO_TOKEN)


def _followed(x: Readout, n_layers: int) -> Float[Tensor, "row token"]:
    """Return the log-probabilities of the tokens that any layer of a row's position has at the top.

    There are never more tokens than the vocabulary has, whatever the width of the union.
    """
    ids = union(x.top_ids.unflatten(0, (-1, n_layers)))[..., : x.logits.shape[-1]]
    ids = ids.repeat_interleave(n_layers, 0)[:, None]
    tokens = TokenSets(ids.clamp_min(0), ids != NO_TOKEN)
    return x.logits_of(tokens)[:, 0] - x.total.log()


def _gram_of(
    lm_head: torch.nn.Linear, final_norm: torch.nn.Module, request: Request
) -> Gram | None:
    """Return the Gram matrix that the request's readings need, where the latents are."""
    if not any(READINGS[name].needs_gram for name in request.readings):
        return None
    table, weight = request.gram, lm_head.weight
    if table is None:
        starts = range(0, len(weight), CHUNK_ROWS)
        parts = (slice(start, start + CHUNK_ROWS) for start in starts)
        table = gram_of_blocks(folded(lm_head, final_norm, part) for part in parts)
    if weight.device.type == "mps":  # it has no double precision
        return table
    return Gram(table.matrix.to(weight.device), table.n_tokens)


def _read(
    x: Readout, request: Request, rows: Int[Tensor, " row"]
) -> dict[str, Shaped[Tensor, "row ..."]]:
    """Return every reading by name. ``rows``: the prompt of each row."""
    results = {}
    tokens, others = request.tokens.at(rows), request.yardstick.at(rows)
    for name in request.readings:
        reading = READINGS[name]
        inputs = (x, tokens) if reading.per == "language" else (x,)
        values = reading.compute(*inputs)
        if len(values.shape) == 0 or len(values) != len(x.total):
            raise ValueError(f"The reading '{name}' must return one value per row of its Readout.")
        if reading.yardstick:
            values = torch.cat([values, reading.compute(x, others)], -1)
        results[name] = values.float() if values.is_floating_point() else values
    results["top_ids"], results["top_probs"] = x.top_ids.int(), x.top_probs
    if len(request.watch):
        results["watched"] = x.log_probs(request.watch.to(x.logits.device))
    return results
