"""Pure geometry of latents and tokens: token energy, the sphere, the map of Figure 3, and pure rotations (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from .errors import DataError

CHUNK_ROWS = 32_768  # rows of an unembedding handled at once


@dataclass(frozen=True)
class Gram:
    """``matrix`` = ÛᵀÛ ``[d_model, d_model]`` (float64) for the row-normalised Û, and its ``n_tokens`` rows."""

    matrix: torch.Tensor
    n_tokens: int


def gram(U: torch.Tensor | Iterable[torch.Tensor]) -> Gram:
    """Return the Gram matrix of the unembedding ``U`` ``[V, d_model]`` after scaling its rows to length 1.

    ``U`` may also come as blocks of rows, one after the other, so that the whole is never in memory.
    A row of zeros stays zero.
    """
    total, n_tokens = 0.0, 0
    for block in U.split(CHUNK_ROWS) if isinstance(U, torch.Tensor) else U:
        rows = torch.nn.functional.normalize(block.float(), dim=-1)
        total = total + (rows.T @ rows).cpu().double()
        n_tokens += len(rows)
    return Gram(total, n_tokens)


def token_energy(latents: torch.Tensor, U: torch.Tensor | Gram) -> torch.Tensor:
    """Return the token energy E of every latent, ``[..., d_model] -> [...]`` (paper, Eq. 2).

    E(h)² is the mean squared cosine between h and the v tokens, divided by the mean squared
    cosine between two tokens: E(h)² = [‖Ûh‖² / (v‖h‖²)] / [‖ÛᵀÛ‖²_F / v²]. Near 0: h is orthogonal
    to what the output layer can read; 1: h is as close to the tokens as they are to one another.
    ``U`` is the folded unembedding ``[V, d_model]`` (``model.folded_unembedding()``), or
    ``gram(U)`` when many calls share it.
    """
    g = U if isinstance(U, Gram) else gram(U)
    if latents.shape[-1] != g.matrix.shape[0]:
        raise DataError(f"The latents have {latents.shape[-1]} dimensions and the unembedding {g.matrix.shape[0]}: use one model for both.")
    # A few giant dimensions make up most of a latent, and nearly cancel out here: single precision would lose five digits of seven.
    exact = torch.float32 if latents.device.type == "mps" else torch.float64
    h = torch.nn.functional.normalize(latents.to(exact), dim=-1)
    matrix = g.matrix.to(h)
    projected = ((h @ matrix) * h).sum(-1).clamp_min(0)  # ‖Ûh‖² of the unit latent
    return ((projected * g.n_tokens).sqrt() / matrix.norm()).float()


@dataclass(frozen=True)
class SphereAxes:
    """The frame of the sphere: ``language`` ``[d_model]`` and ``concept`` ``[n_concepts, d_model]``, unit length, orthogonal."""

    language: torch.Tensor
    concept: torch.Tensor

    def __getitem__(self, concepts) -> SphereAxes:
        """Return the axes of some of the concepts; the language axis stays that of the whole set."""
        return SphereAxes(self.language, self.concept[concepts])


def sphere_axes(u_target: torch.Tensor, u_pivot: torch.Tensor) -> SphereAxes:
    """Return the sphere's axes for a set of concepts from their word tokens, ``[n_concepts, d_model]`` x 2.

    The rows are the tokens of the target and the pivot (English) words in the folded
    unembedding; they are scaled to length 1 here. Language axis: the mean of target minus
    pivot. Concept axis: each pair's midpoint, minus the mean midpoint, orthogonal to the language axis.
    Raises ``DataError`` for fewer than two concepts, which cannot tell a concept from a language.
    """
    if u_target.shape != u_pivot.shape or u_target.ndim != 2:
        raise DataError(
            f"sphere_axes needs two tensors [n_concepts, d_model] of one shape, not {list(u_target.shape)} and {list(u_pivot.shape)}."
        )
    if len(u_target) < 2:
        raise DataError("The sphere's axes need at least two concepts: take the axes from a whole set, then axes[[i]] for one.")
    target = torch.nn.functional.normalize(u_target.float(), dim=-1)
    pivot = torch.nn.functional.normalize(u_pivot.float(), dim=-1)
    language = torch.nn.functional.normalize((target - pivot).mean(0), dim=-1)
    middle = (target + pivot) / 2
    concept = middle - middle.mean(0)
    concept = concept - (concept @ language)[:, None] * language
    return SphereAxes(language, torch.nn.functional.normalize(concept, dim=-1))


def sphere_coordinates(latents: torch.Tensor, axes: SphereAxes) -> torch.Tensor:
    """Return where each latent stands on the unit sphere, ``[n_concepts, n_layers, d_model] -> [n_concepts, n_layers, 3]``.

    For ĥ = h/‖h‖: x = ⟨ĥ, language⟩ (below 0 English, above 0 target), y = ⟨ĥ, concept⟩,
    z = √(1 − x² − y²) (1 at the pole: nothing of either).
    """
    n_concepts, d_model = axes.concept.shape
    if latents.ndim != 3 or (len(latents), latents.shape[-1]) != (n_concepts, d_model):
        raise DataError(
            f"sphere_coordinates needs latents [{n_concepts}, n_layers, {d_model}] for the {n_concepts} concepts of the axes, "
            f"not {list(latents.shape)}."
        )
    h = torch.nn.functional.normalize(latents.float(), dim=-1)
    x = h @ axes.language.to(h.device)
    y = (h * axes.concept.to(h.device)[:, None]).sum(-1)
    return torch.stack([x, y, (1 - x**2 - y**2).clamp_min(0).sqrt()], -1)


@dataclass(frozen=True)
class LatentMap:
    """A flat map of latents ``[n_latents, n_dims]`` and tokens ``[n_tokens, n_dims]``, and the ``stress`` of the distances on it.

    Stress: √(Σ(d − d̂)² / Σd²) over all pairs of points (Kruskal's stress-1); 0 where the map keeps every distance,
    and as high as 1 where it keeps none.
    """

    latents: torch.Tensor
    tokens: torch.Tensor
    stress: float


def latent_mds(log_probs: torch.Tensor, n_dims: int = 2) -> LatentMap:
    """Return a map on which a latent lies near the tokens it predicts: classical MDS (paper, section 4.2 and Figure 3).

    ``log_probs`` ``[n_latents, n_tokens]``: natural log P(token | latent). The distance of a latent and a token is
    −log P(token | latent); among latents, and among tokens, all distances are equal to the largest one, so that only
    what the output layer says shapes the map. The axes are those of largest variance, their signs arbitrary.
    Raises ``DataError`` where a log-probability is infinite: such a token is infinitely far away.
    """
    if log_probs.ndim != 2 or min(log_probs.shape) < 1 or sum(log_probs.shape) <= n_dims:
        raise DataError(
            f"latent_mds needs log-probabilities [n_latents, n_tokens] of more than {n_dims} points, not {list(log_probs.shape)}."
        )
    if not log_probs.isfinite().all():
        raise DataError("A token on the map has probability 0, which puts it infinitely far away: leave it out.")
    n_latents, n_tokens = log_probs.shape
    across = -log_probs.double()
    n = n_latents + n_tokens
    distances = torch.full((n, n), across.max().item(), dtype=torch.float64)
    distances[:n_latents, n_latents:] = across
    distances[n_latents:, :n_latents] = across.T
    distances.fill_diagonal_(0)
    squares = distances.square()
    centred = -0.5 * (squares - squares.mean(0) - squares.mean(1, keepdim=True) + squares.mean())
    values, vectors = torch.linalg.eigh(centred)
    points = vectors[:, -n_dims:].flip(1) * values[-n_dims:].flip(0).clamp_min(0).sqrt()
    stress = ((distances - torch.cdist(points, points)).square().sum() / squares.sum()).sqrt().item()
    return LatentMap(points[:n_latents].float(), points[n_latents:].float(), stress)


def procrustes(E: torch.Tensor, U: torch.Tensor) -> torch.Tensor:
    """Return the orthogonal R ``[d_model, d_model]`` that minimises ‖E R − U‖, for ``E`` and ``U`` ``[V, d_model]``.

    From the singular value decomposition EᵀU = A Σ Bᵀ: R = A Bᵀ. With the input embeddings as E and the unembedding
    as U it is the null hypothesis of a model that only turns the one into the other, on which no language lies on the way.
    """
    if E.shape != U.shape or E.ndim != 2:
        raise DataError(f"procrustes needs two matrices [V, d_model] of one shape, not {list(E.shape)} and {list(U.shape)}.")
    product = torch.zeros(E.shape[1], E.shape[1], dtype=torch.float64)
    for e, u in zip(E.split(CHUNK_ROWS), U.split(CHUNK_ROWS)):
        product += (e.float().T @ u.float().to(e.device)).cpu().double()
    left, _, right = torch.linalg.svd(product)
    return (left @ right).float().to(E.device)


def token_ranks(points: torch.Tensor, U: torch.Tensor, ids: Sequence[int]) -> torch.Tensor:
    """Return the rank of token ``ids[i]`` by its product with ``points[i]``, among all rows of ``U``: ``[n, d_model] -> [n]``.

    1 is the largest product, the token that an output layer with the rows ``U`` would say at that point.
    """
    if len(points) != len(ids):
        raise DataError(f"Each of the {len(points)} points needs one token id, and there are {len(ids)}.")
    scores = points.float() @ U.float().T
    own = scores.gather(1, torch.as_tensor(ids, dtype=torch.long, device=scores.device)[:, None])
    return 1 + (scores > own).sum(-1)
