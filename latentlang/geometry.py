"""Pure geometry of latents and tokens: token energy and the sphere (paper, section 4.2 and Eq. 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from .errors import DataError

CHUNK_ROWS = 32_768  # rows of an unembedding handled at once


@dataclass(frozen=True)
class Gram:
    """``matrix`` = ÛᵀÛ ``[d_model, d_model]`` for the row-normalised Û, and its ``n_tokens`` rows."""

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
        total = total + (rows.T @ rows).double()
        n_tokens += len(rows)
    return Gram(total.float(), n_tokens)


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
    h = torch.nn.functional.normalize(latents.float(), dim=-1)
    matrix = g.matrix.to(h.device)
    projected = ((h @ matrix) * h).sum(-1).clamp_min(0)  # ‖Ûh‖² of the unit latent
    return (projected * g.n_tokens).sqrt() / matrix.norm()


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
