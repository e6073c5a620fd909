"""What is kept of a vocabulary-sized distribution: reduced inside the trace, a chunk of rows at a time."""

from __future__ import annotations

import math

import torch

from .architectures import folded
from .geometry import CHUNK_ROWS, gram, token_energy

_CHUNK_LOGITS = 2**25  # vocabulary entries read at once, about 130 MB of float32


class Request:
    """What to keep of each row of a batch: token sets as padded ids, ids to watch, energy, latents.

    ``table``: the unembedding's Gram matrix for the energy; None to build it from the weights where the trace runs.
    """

    def __init__(self, wanted, languages, watch, top_k, energy, table, keep_latents) -> None:
        longest = max((len(row[code]) for row in wanted for code in languages), default=1)
        self.ids = torch.zeros(len(wanted), len(languages), longest, dtype=torch.long)
        self.real = torch.zeros(self.ids.shape, dtype=torch.bool)
        for i, row in enumerate(wanted):
            for n, code in enumerate(languages):
                ids = sorted(int(t) for t in row[code])
                self.ids[i, n, : len(ids)] = torch.tensor(ids)
                self.real[i, n, : len(ids)] = True
        self.watch = torch.tensor(watch, dtype=torch.long)
        self.top_k, self.energy, self.table, self.keep_latents = top_k, energy, table, keep_latents


def reduce(h: torch.Tensor, final_norm, lm_head, head, request: Request) -> dict[str, torch.Tensor]:
    """Reduce latents ``[batch, positions, layers, d_model]`` to what ``request`` keeps, a chunk of the vocabulary's rows at a time."""
    shape, place = h.shape[:-1], h.device
    flat = h.reshape(-1, h.shape[-1])
    owner = torch.arange(shape[0], device=place).repeat_interleave(shape[1] * shape[2])
    ids, real, watch = request.ids.to(place), request.real.to(place), request.watch.to(place)
    step = max(1, _CHUNK_LOGITS // lm_head.weight.shape[0])
    scratch = torch.empty(min(step, len(flat)), lm_head.weight.shape[0], device=place)
    chunks = []
    for start in range(0, len(flat), step):
        rows = slice(start, start + step)
        logits = head(lm_head(final_norm(flat[rows])).float())
        chunks.append(_read_rows(logits, scratch, ids[owner[rows]], real[owner[rows]], watch, request.top_k))
        del logits  # or the next chunk's would be made beside it
    kept = {name: torch.cat([c[name] for c in chunks]).reshape(*shape, *chunks[0][name].shape[1:]) for name in chunks[0]}
    if not len(watch):
        del kept["watched"]
    if request.energy:
        n_tokens = lm_head.weight.shape[0]
        blocks = (folded(lm_head, final_norm, slice(s, s + CHUNK_ROWS)) for s in range(0, n_tokens, CHUNK_ROWS))
        kept["energy"] = token_energy(h, gram(blocks) if request.table is None else request.table)
    if request.keep_latents:
        kept["latents"] = h.float()
    return kept


def _read_rows(logits, scratch, ids, real, watch, top_k: int) -> dict[str, torch.Tensor]:
    """Read ``[rows, V]`` logits, overwriting them: one exponential over the vocabulary (in ``scratch``) serves everything."""
    top, top_ids = logits.topk(top_k, dim=-1)
    peak = top[:, :1].clone()
    logits.sub_(peak)
    own = logits.gather(1, ids.flatten(1)).reshape(ids.shape)
    best = own.masked_fill(~real, -torch.inf).amax(-1) if ids.shape[1] else own.new_zeros(len(logits), 0)
    # Counting row by row is ten times faster on a CPU than along a dimension.
    rank = [1 + torch.count_nonzero(row > limit) for row, limits in zip(logits, best) for limit in limits]
    powers = torch.exp(logits, out=scratch[: len(logits)])
    total = powers.sum(-1, keepdim=True)
    log_total = total.log()
    watched = logits[:, watch] - log_total
    # A logit of -inf would give 0·inf, so it is made finite first.
    expected = powers.mul_(logits.clamp_(min=-1e30)).sum(-1, keepdim=True) / total
    return {
        "probability": (own.exp() / total[..., None]).masked_fill(~real, 0).sum(-1),
        "rank": torch.stack(rank).reshape(best.shape).int() if rank else best.int(),
        "entropy": ((log_total - expected) / math.log(2)).squeeze(-1),
        "top_ids": top_ids.int(),
        "top_probs": (top - peak).exp() / total,
        "watched": watched,
    }
