"""The flat map of latents and tokens (paper, section 4.1 and Figure 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..numbers import tensor_of


@dataclass(frozen=True)
class LatentMap:
    """A flat map of latents ``[n_latents, n_dims]`` and tokens ``[n_tokens, n_dims]``.

    ``stress``: the normalised stress √(Σ(d − d̂)² / Σd²) over all pairs of points, as Kruskal's
    stress-1, but relative to the given distances d instead of those on the map, d̂. It is 0 if the
    map keeps every distance. ``shuffled_stress`` is that of a map of the same log-probabilities in
    random order, which cannot mean anything: the yardstick of the first.
    """

    latents: Float[Tensor, "latent axis"]
    tokens: Float[Tensor, "token axis"]
    stress: float
    shuffled_stress: float


def latent_mds(
    log_probs: Float[Tensor, "latent token"], n_dims: int = 2, *, seed: int = 0
) -> LatentMap:
    """Return a map on which a latent lies near the tokens it predicts (paper, section 4.1).

    The method is classical MDS. It fits the inner products of the points (it minimises the strain)
    and not their distances, so another flat map may have less stress. The distance of a latent and
    a token is −log P(token | latent). Among latents, and among tokens, all distances equal the
    largest one, so that only the output layer shapes the map.

    Args:
        log_probs: natural log P(token | latent), ``[n_latents, n_tokens]``.
        n_dims: how many axes the map has.
        seed: draws the random order of the yardstick.

    Returns:
        The points of latents and tokens, on the CPU, and the stress of the map with its yardstick.
        The axes are those of largest variance; their signs are arbitrary.

    Raises:
        DataError: for an infinite log-probability, which puts its token infinitely far away, and
            for too few points.

    >>> flat = latent_mds(torch.tensor([[0.5, 0.25], [0.25, 0.5]]).log())
    >>> flat.latents.shape, flat.tokens.shape
    (torch.Size([2, 2]), torch.Size([2, 2]))
    """
    log_probs = tensor_of("log_probs", log_probs)
    if log_probs.ndim != 2 or min(log_probs.shape) < 1 or sum(log_probs.shape) <= n_dims:
        raise DataError(
            "latent_mds needs log-probabilities [n_latents, n_tokens] of more than "
            f"{n_dims} points, not {list(log_probs.shape)}."
        )
    if not log_probs.isfinite().all():
        raise DataError(
            "A token on the map has probability 0, which puts it infinitely far away: leave it out."
        )
    across = -log_probs.double().cpu()
    order = torch.randperm(across.numel(), generator=torch.Generator().manual_seed(seed))
    points, stress = _scaled(across, n_dims)
    _, shuffled_stress = _scaled(across.flatten()[order].reshape(across.shape), n_dims)
    latents, tokens = points.float().split(list(across.shape))
    return LatentMap(latents, tokens, stress, shuffled_stress)


def _scaled(
    across: Float[Tensor, "latent token"], n_dims: int
) -> tuple[Float[Tensor, "point axis"], float]:
    """Return the points of classical MDS, latents first, and their stress."""
    n_latents, n_tokens = across.shape
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
    return points, (misfit / squares.sum()).sqrt().item()
