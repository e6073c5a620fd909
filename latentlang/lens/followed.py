"""``Followed``: the tokens that can be followed through the layers, and their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from ..errors import DataError
from .reduce import NO_TOKEN, union


@dataclass(frozen=True, eq=False)
class Followed:
    """The most probable tokens of all layers at each place, and how probable each layer finds them.

    A place is a prompt, or one position of it.

    ``ids``: token ids, in ascending order, and -1 behind the last one.
    ``log_probs``: their natural log-probabilities; -inf behind the last one.

    Raises ``DataError`` for tensors of any other form.
    """

    ids: Int[Tensor, "prompt *position token"]
    log_probs: Float[Tensor, "prompt *position layer token"]

    def __post_init__(self) -> None:
        ids, log_probs = self.ids, self.log_probs
        if not (
            ids.dtype == torch.int64
            and log_probs.dtype == torch.float32
            and ids.ndim >= 2
            and log_probs.ndim == ids.ndim + 1
            and (*log_probs.shape[:-2], log_probs.shape[-1]) == ids.shape
        ):
            raise DataError(
                f"The followed tokens have the shape {list(ids.shape)} and their log-probabilities "
                f"{list(log_probs.shape)}: use int64 (prompts, positions if several, tokens) and "
                "float32, with the layers before the tokens."
            )
        behind = ids == NO_TOKEN
        ascending = (ids[..., 1:] > ids[..., :-1]) | behind[..., 1:]
        in_order = (behind[..., 1:] >= behind[..., :-1]) & ascending
        if not in_order.all() or (ids < NO_TOKEN).any():
            raise DataError(
                "The ids of followed tokens must be in ascending order, with -1 behind the last."
            )

    @classmethod
    def of(
        cls,
        top_ids: Int[Tensor, "prompt *position layer k"],
        log_probs: Float[Tensor, "prompt *position layer token"],
    ) -> Followed:
        """Return the tokens of ``union(top_ids)`` with their log-probabilities."""
        return cls._trimmed(union(top_ids)[..., : log_probs.shape[-1]].long(), log_probs)

    @classmethod
    def concatenate(cls, parts: Sequence[Followed]) -> Followed:
        """Return several as one, each padded to the width of the widest."""
        width = max(part.ids.shape[-1] for part in parts)
        missing = [(0, width - part.ids.shape[-1]) for part in parts]
        ids = [pad(part.ids, more, value=NO_TOKEN) for part, more in zip(parts, missing)]
        values = [pad(part.log_probs, more, value=-torch.inf) for part, more in zip(parts, missing)]
        return cls(torch.cat(ids), torch.cat(values))

    def among(self, top_ids: Int[Tensor, "prompt *position layer k"]) -> Followed:
        """Return the tokens of ``union(top_ids)`` alone, all of which must be followed."""
        wanted = union(top_ids).long()
        last = torch.iinfo(torch.int64).max
        ids = self.ids.masked_fill(self.ids == NO_TOKEN, last).contiguous()
        places = torch.searchsorted(ids, wanted).clamp_max(ids.shape[-1] - 1)
        shape = (*self.log_probs.shape[:-1], wanted.shape[-1])
        values = self.log_probs.gather(-1, places[..., None, :].expand(shape))
        return self._trimmed(wanted, values)

    @classmethod
    def _trimmed(
        cls,
        ids: Int[Tensor, "prompt *position token"],
        log_probs: Float[Tensor, "prompt *position layer token"],
    ) -> Followed:
        """Return ids and what belongs to them without the columns that are behind all tokens."""
        real = ids != NO_TOKEN
        width = int(real.sum(-1).max()) if ids.numel() else 0
        behind = ~real[..., None, :width]
        kept = log_probs[..., :width].float().masked_fill(behind, -torch.inf)
        return cls(ids[..., :width].contiguous(), kept)
