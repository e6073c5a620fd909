"""Travels to a server as source: imports torch and the standard library only.

What a lens does with a latent before the final norm: an affine map for each layer. How far what the
output layer then reads is from the output itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..models.view import LogitTransform

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class Maps:
    """One affine map per layer that is read: h becomes ``matrix @ h + offset``.

    ``matrices`` ``[layer, d_model, d_model]``; ``offsets`` ``[layer, d_model]``, or None for 0.

    >>> maps = Maps(torch.tensor([[[0.0, 2.0], [1.0, 0.0]]]), torch.tensor([[0.0, 5.0]]))
    >>> maps(torch.tensor([[3.0, 4.0]]))
    tensor([[8., 8.]])
    """

    matrices: Float[Tensor, "layer d_model d_model"]
    offsets: Float[Tensor, "layer d_model"] | None = None

    def __call__(
        self, h: Float[Tensor, "*row layer d_model"]
    ) -> Float[Tensor, "*row layer d_model"]:
        """Return what each layer's map makes of its latents, in their number format."""
        values = torch.einsum("...ld,led->...le", h.float(), self.matrices.to(h.device))
        if self.offsets is not None:
            values = values + self.offsets.to(h.device)
        # In the order of memory that einsum leaves, a product with the unembedding can take many
        # times as long.
        return values.to(h).contiguous()


def divergences(
    h: Float[Tensor, "row layer d_model"],
    lenses: Sequence[Maps | None],
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
) -> Float[Tensor, "row pair layer"]:
    """Return KL(output ‖ lens) of each lens, then KL(last lens but one ‖ last lens), in nats.

    Args:
        h: latents of all layers, ``[row, layer, d_model]``.
        lenses: their maps for all layers; None is the logit lens.
        final_norm, lm_head, logit_transform: the model's output layer.

    Returns:
        ``[row, n_lenses + 1, layer]``; NaN where a lens overflows the number format.
    """

    def log_probs(latents: Float[Tensor, "row d_model"]) -> Float[Tensor, "row vocab"]:
        return logit_transform(lm_head(final_norm(latents)).float()).log_softmax(-1)

    def divergence(
        shares: Float[Tensor, "row vocab"],
        p: Float[Tensor, "row vocab"],
        q: Float[Tensor, "row vocab"],
    ) -> Float[Tensor, " row"]:
        gaps = shares * (p - q)  # of a masked entry 0 · (−∞ + ∞)
        return gaps.masked_fill(shares == 0, 0.0).sum(-1)

    with torch.no_grad():  # a server may compute gradients unless it is told not to
        h = h.to(lm_head.weight.device)
        views = [h if maps is None else maps(h) for maps in lenses]
        output = log_probs(h[:, -1])
        shares = output.exp()
        columns = []
        for layer in range(h.shape[1]):
            read = [log_probs(view[:, layer]) for view in views]
            kl = [divergence(shares, output, each) for each in read]
            kl.append(divergence(read[-2].exp(), read[-2], read[-1]))
            columns.append(torch.stack(kl, -1))
        return torch.stack(columns, -1)
