"""The flat map of latents and tokens (paper, section 4.2 and Figure 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError


@dataclass(frozen=True)
class LatentMap:
    """A flat map of latents ``[n_latents, n_dims]`` and tokens ``[n_tokens, n_dims]``.

    ``stress``: √(Σ(d − d̂)² / Σd²) over all pairs of points (Kruskal's stress-1).
    It is 0 if the map keeps every distance, and as high as 1 if it keeps none.
    """

    latents: Float[Tensor, "latent axis"]
    tokens: Float[Tensor, "token axis"]
    stress: float


def latent_mds(log_probs: Float[Tensor, "latent token"], n_dims: int = 2) -> LatentMap:
    """Return a map on which a latent lies near the tokens it predicts (paper, section 4.2).

    The method is classical MDS (paper, Figure 3). The distance of a latent and a token is
    −log P(token | latent). Among latents, and among tokens, all distances equal the largest one, so
    that only the output layer shapes the map.

    Args:
        log_probs: natural log P(token | latent), ``[n_latents, n_tokens]``.
        n_dims: how many axes the map has.

    Returns:
        The points of latents and tokens, and the stress of the map. The axes are those of largest
        variance; their signs are arbitrary.

    Raises:
        DataError: for an infinite log-probability, which puts its token infinitely far away, and
            for too few points.

    >>> flat = latent_mds(torch.tensor([[0.5, 0.25], [0.25, 0.5]]).log())
    >>> flat.latents.shape, flat.tokens.shape
    (torch.Size([2, 2]), torch.Size([2, 2]))
    """
    if log_probs.ndim != 2 or min(log_probs.shape) < 1 or sum(log_probs.shape) <= n_dims:
        raise DataError(
            "latent_mds needs log-probabilities [n_latents, n_tokens] of more than "
            f"{n_dims} points, not {list(log_probs.shape)}."
        )
    if not log_probs.isfinite().all():
        raise DataError(
            "A token on the map has probability 0, which puts it infinitely far away: leave it out."
        )
    n_latents, n_tokens = log_probs.shape
    across = -log_probs.double()
    n = n_latents + n_tokens
    distances = torch.full((n, n), across.max().item(), dtype=torch.float64)
    distances[:n_latents, n_latents:] = across
    distances[n_latents:, :n_latents] = across.T
    distances.fill_diagonal_(0)
    squares = distances.square()
    row_means, column_means = squares.mean(0), squares.mean(1, keepdim=True)
    centred = -0.5 * (squares - row_means - column_means + squares.mean())
    values, vectors = torch.linalg.eigh(centred)
    points = vectors[:, -n_dims:].flip(1) * values[-n_dims:].flip(0).clamp_min(0).sqrt()
    misfit = (distances - torch.cdist(points, points)).square().sum()
    stress = (misfit / squares.sum()).sqrt().item()
    return LatentMap(points[:n_latents].float(), points[n_latents:].float(), stress)
