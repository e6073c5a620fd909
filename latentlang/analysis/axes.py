"""The sphere's axes, measured from words, and where latents are in their frame.

Source of the picture: the sketch in section 5 of the paper (Figure 4d). It is not measured, and has
one concept axis for all words. These axes are the library's own: both are measured, and every word
has its own concept axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..numbers import tensor_of

_LEAST_LENGTH = 1e-6  # of a difference of unit vectors; single precision rounds at 1e-7


@dataclass(frozen=True)
class SphereAxes:
    """The frame of the sphere: a language axis and one concept axis per concept.

    ``language`` ``[d_model]`` and ``concept`` ``[n_concepts, d_model]`` have length 1. Every
    concept axis is orthogonal to the language axis. Both are on the CPU.
    """

    language: Float[Tensor, " d_model"]
    concept: Float[Tensor, "concept d_model"]

    def __getitem__(self, concepts: Any) -> SphereAxes:
        """Return the axes of some of the concepts, with the language axis of the whole set."""
        return SphereAxes(self.language, self.concept[concepts])


def sphere_axes(
    u_target: Float[Tensor, "concept d_model"], u_pivot: Float[Tensor, "concept d_model"]
) -> SphereAxes:
    """Return the sphere's axes for a set of concepts from the tokens of their words.

    Language axis: the mean of target minus pivot. Concept axis: the midpoint of each pair, minus
    the mean midpoint, made orthogonal to the language axis. A midpoint is equally near to both
    tokens, so y favours neither language, except by what is subtracted.

    Args:
        u_target: the tokens of the target words, ``[n_concepts, d_model]``: rows of the folded
            unembedding. They are scaled to length 1 here.
        u_pivot: the tokens of the pivot (English) words, in the same order.

    Raises:
        DataError: for different shapes, and where words leave no direction to measure: fewer than
            two concepts (a pool may hold one several times) cannot tell a concept from a language,
            and words with the same tokens in both languages no language at all.

    >>> axes = sphere_axes(torch.eye(3)[:2], torch.eye(3)[[2, 2]])
    >>> axes.language.shape, axes.concept.shape
    (torch.Size([3]), torch.Size([2, 3]))
    """
    u_target, u_pivot = tensor_of("u_target", u_target), tensor_of("u_pivot", u_pivot)
    if u_target.shape != u_pivot.shape or u_target.ndim != 2:
        raise DataError(
            "sphere_axes needs two tensors [n_concepts, d_model] of one shape, "
            f"not {list(u_target.shape)} and {list(u_pivot.shape)}."
        )
    target = torch.nn.functional.normalize(u_target.float().cpu(), dim=-1)
    pivot = torch.nn.functional.normalize(u_pivot.float().cpu(), dim=-1)
    middle = (target + pivot) / 2
    concept = middle - middle.mean(0)
    _require_directions(
        concept,
        "The sphere's axes need at least two concepts with different tokens: take the axes from a "
        "whole set, then axes[[i]] for one.",
    )
    language = (target - pivot).mean(0)
    _require_directions(
        language,
        "The words of the two languages begin with the same tokens, so no axis lies between the "
        "languages: choose another target.",
    )
    language = torch.nn.functional.normalize(language, dim=-1)
    concept = concept - (concept @ language)[:, None] * language
    _require_directions(
        concept,
        "A concept differs from the others only along the language axis, so it has no axis of its "
        "own: take more concepts.",
    )
    return SphereAxes(language, torch.nn.functional.normalize(concept, dim=-1))


def _require_directions(vectors: Float[Tensor, "*row d_model"], complaint: str) -> None:
    """Raise ``DataError`` where a difference of unit vectors is only rounding, and no direction."""
    if not vectors.numel() or not (vectors.norm(dim=-1) > _LEAST_LENGTH).all():
        raise DataError(complaint)


def sphere_coordinates(
    latents: Float[Tensor, "concept layer d_model"], axes: SphereAxes
) -> Float[Tensor, "concept layer 3"]:
    """Return where each latent is on the unit sphere, ``[n_concepts, n_layers, 3]``, on the CPU.

    For ĥ = h/‖h‖: x = ⟨ĥ, language⟩ (towards the target; below 0 towards the pivot),
    y = ⟨ĥ, concept⟩, z = √(1 − x² − y²) (1 at the pole: nothing along these two axes).

    A latent at the pole may still point at words: the axes leave out what all words share. The
    words' own tokens stand at z near 0.7 in the demo model, because two axes do not hold a word.
    The zero of x is arbitrary for the same reason: ``SpherePath.centred`` takes it from the data.

    Args:
        latents: ``[n_concepts, n_layers, d_model]``.
        axes: what ``sphere_axes`` returns for these concepts.

    Raises:
        DataError: for latents that do not fit the axes.

    >>> axes = SphereAxes(torch.tensor([1.0, 0, 0]), torch.tensor([[0.0, 1, 0]]))
    >>> sphere_coordinates(torch.tensor([[[0.0, 3.0, 0.0]]]), axes)
    tensor([[[0., 1., 0.]]])
    """
    n_concepts, d_model = axes.concept.shape
    if latents.ndim != 3 or (len(latents), latents.shape[-1]) != (n_concepts, d_model):
        raise DataError(
            f"sphere_coordinates needs latents [{n_concepts}, n_layers, {d_model}] "
            f"for the {n_concepts} concepts of the axes, not {list(latents.shape)}."
        )
    h = torch.nn.functional.normalize(latents.float().cpu(), dim=-1)
    x = h @ axes.language.cpu()
    y = (h * axes.concept.cpu()[:, None]).sum(-1)
    return on_sphere(torch.stack([x, y], -1))


def on_sphere(plane: Float[Tensor, "*point 2"]) -> Float[Tensor, "*point 3"]:
    """Return the points of the upper half of the unit sphere above (x, y): z = √(1 − x² − y²).

    >>> on_sphere(torch.tensor([0.0, 0.6]))
    tensor([0.0000, 0.6000, 0.8000])
    """
    height = (1 - plane.square().sum(-1, keepdim=True)).clamp_min(0).sqrt()
    return torch.cat([plane, height], -1)
