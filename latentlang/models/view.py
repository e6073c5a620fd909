"""Travels to a server as source: imports torch and the standard library only.

The parts and the arithmetic that all decoders have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor


@dataclass(frozen=True)
class LogitTransform:
    """What happens to a normed latent after the unembedding: logits = cap·tanh(scale·Uh / cap)."""

    scale: float = 1.0
    cap: float | None = None

    def __call__(self, logits: Float[Tensor, "*row vocab"]) -> Float[Tensor, "*row vocab"]:
        """Apply scale and soft cap to ``[..., V]`` logits, in place: they may be gigabytes.

        With a gradient, the result of a soft cap is a tensor of its own.

        >>> LogitTransform(scale=2.0)(torch.tensor([1.0, -3.0]))
        tensor([ 2., -6.])
        """
        if self.scale != 1.0:
            logits.mul_(self.scale)
        if self.cap is None:
            return logits
        logits.div_(self.cap).tanh_()
        # The gradient of tanh needs its result.
        return logits * self.cap if logits.requires_grad else logits.mul_(self.cap)


def block_output(
    output: Tensor | Sequence[Tensor],
) -> Float[Tensor, "batch position d_model"]:
    """Return a block's hidden states ``[batch, position, d_model]``.

    Some blocks return a tuple or a list that begins with them.
    """
    return output if isinstance(output, torch.Tensor) else output[0]


def gain(
    norm: torch.nn.Module, like: Float[Tensor, "*row d_model"]
) -> tuple[Float[Tensor, " d_model"], Bool[Tensor, ""]]:
    """Measure the norm's gain, and whether it centres, instead of guessing its formula.

    Gemma's gain is 1 + w, Llama's is w. RMS and layer norms of ±1 inputs that sum to zero leave
    them unchanged, so the output is gain·(±1) + bias. Half the difference between the outputs of a
    vector and of its negative is the gain alone. A layer norm ignores a constant added to its
    input. ``like`` ``[..., d_model]`` gives the size and the number format.
    """
    device = next(norm.parameters(), like).device
    odd = torch.arange(like.shape[-1], device=device) % 2
    signs = (1 - 2 * odd).to(like.dtype)[None]
    plain = norm(signs)
    centres = torch.isclose(norm(signs + 1).float(), plain.float(), atol=1e-3).all()
    return ((plain - norm(-signs)) / 2 * signs)[0].float(), centres


def folded(
    lm_head: torch.nn.Linear, final_norm: torch.nn.Module, rows: slice | Sequence[int]
) -> Float[Tensor, "row d_model"]:
    """Return rows of the unembedding with the norm's gain folded in, ``[n_rows, d_model]`` float32.

    The rows are centred where the norm centres. They are on the device of the unembedding.
    """
    weight = lm_head.weight.detach()
    with torch.no_grad():  # a server may compute gradients unless it is told not to
        factors, centres = gain(final_norm, weight)
        vectors = weight[rows].float() * factors.to(weight.device)
        # Not `if`: that would wait for a GPU at every block of rows.
        return vectors - vectors.mean(-1, keepdim=True) * centres.to(vectors)
