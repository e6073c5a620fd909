"""Travels to a server as source: imports torch and the standard library only.

The parts and the arithmetic that all decoders have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class LogitTransform:
    """What happens to a normed latent after the unembedding: logits = cap·tanh(scale·Uh / cap)."""

    scale: float = 1.0
    cap: float | None = None

    def __call__(self, logits: Float[Tensor, "*row vocab"]) -> Float[Tensor, "*row vocab"]:
        """Apply scale and soft cap to ``[..., V]`` logits, in place: they may be gigabytes.

        >>> LogitTransform(scale=2.0)(torch.tensor([1.0, -3.0]))
        tensor([ 2., -6.])
        """
        if self.scale != 1.0:
            logits.mul_(self.scale)
        if self.cap is not None:
            logits.div_(self.cap).tanh_().mul_(self.cap)
        return logits


def block_output(
    output: Tensor | tuple[Tensor, ...],
) -> Float[Tensor, "batch position d_model"]:
    """Return a block's hidden states ``[batch, position, d_model]``; some blocks return a tuple."""
    return output[0] if isinstance(output, tuple) else output


def gain(
    norm: torch.nn.Module, like: Float[Tensor, "*row d_model"]
) -> tuple[Float[Tensor, " d_model"], bool]:
    """Measure the norm's gain, and whether it centres, instead of guessing its formula.

    Gemma's gain is 1 + w, Llama's is w. RMS and layer norms of ±1 inputs that sum to zero leave
    them unchanged, so the output is gain·(±1) + bias. Half the difference between the outputs of a
    vector and of its negative is the gain alone. A layer norm ignores a constant added to its
    input. ``like`` ``[..., d_model]`` gives the size and the number format.
    """
    device = next(norm.parameters(), like).device
    signs = torch.ones(1, like.shape[-1], dtype=like.dtype, device=device)
    signs[:, 1::2] = -1
    plain = norm(signs)
    centres = torch.allclose(norm(signs + 1).float(), plain.float(), atol=1e-3)
    return ((plain - norm(-signs)) / 2 * signs)[0].float(), centres


def folded(
    lm_head: torch.nn.Linear, final_norm: torch.nn.Module, rows: slice | Sequence[int]
) -> Float[Tensor, "row d_model"]:
    """Return rows of the unembedding with the norm's gain folded in, ``[n_rows, d_model]`` float32.

    The rows are centred where the norm centres.
    """
    weight = lm_head.weight.detach()
    with torch.no_grad():  # a server may compute gradients unless it is told not to
        factors, centres = gain(final_norm, weight)
        vectors = weight[rows].float() * factors.to(weight.device)
        return vectors - vectors.mean(-1, keepdim=True) if centres else vectors
