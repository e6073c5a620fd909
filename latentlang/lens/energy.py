"""Travels to a server as source: imports torch and the standard library only.

Token energy (paper, Eq. 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

CHUNK_ROWS = 32_768  # rows of an unembedding handled at once


@dataclass(frozen=True)
class Gram:
    """The Gram matrix of the tokens: ``matrix`` = ÛᵀÛ ``[d_model, d_model]`` (float64).

    Û is the unembedding with its ``n_tokens`` rows scaled to length 1. It is on the CPU.
    """

    matrix: Float[Tensor, "d_model d_model"]
    n_tokens: int

    @property
    def random_energy(self) -> float:
        """E of random directions (root mean square), of which ‖Ûh‖² is ‖Û‖²_F / d on average.

        >>> Gram(torch.diag(torch.tensor([2.0, 0.0, 0.0, 0.0])).double(), n_tokens=2).random_energy
        0.5
        """
        projected = self.matrix.trace() / len(self.matrix)
        return float((projected * self.n_tokens).sqrt() / self.matrix.norm())


def gram_of_blocks(blocks: Iterable[Float[Tensor, "row d_model"]]) -> Gram:
    """Return the Gram matrix of the unembedding after scaling its rows to length 1, on the CPU.

    Args:
        blocks: rows of the unembedding, one block after the other, so that the whole is never in
            memory. A row of zeros stays zero.

    >>> gram_of_blocks([torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 2.0], [0.0, 0.0]])]).matrix
    tensor([[1., 0.],
            [0., 1.]], dtype=torch.float64)
    """
    total, n_tokens = torch.zeros((), dtype=torch.float64), 0
    for block in blocks:
        rows = torch.nn.functional.normalize(block.float(), dim=-1)
        total = total + (rows.T @ rows).cpu().double()
        n_tokens += len(rows)
    return Gram(total, n_tokens)


def energy_of(latents: Float[Tensor, "*row d_model"], g: Gram) -> Float[Tensor, "*row"]:
    """Return E of every latent, ``[..., d_model] -> [...]``, on the device of the latents.

    ``token_energy`` explains it.
    """
    # A few giant dimensions make up most of a latent and nearly cancel out here: in single
    # precision five of seven digits would be lost.
    exact = torch.float32 if latents.device.type == "mps" else torch.float64
    h = torch.nn.functional.normalize(latents.to(exact), dim=-1)
    matrix = g.matrix.to(h)
    projected = ((h @ matrix) * h).sum(-1).clamp_min(0)  # ‖Ûh‖² of the unit latent
    return ((projected * g.n_tokens).sqrt() / matrix.norm()).float()
