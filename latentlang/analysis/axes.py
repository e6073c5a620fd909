"""The sphere's axes, measured from words, and where latents are in their frame.

Source: paper, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError


@dataclass(frozen=True)
class SphereAxes:
    """The frame of the sphere: a language axis and one concept axis per concept.

    ``language`` ``[d_model]`` and ``concept`` ``[n_concepts, d_model]`` have length 1. Every
    concept axis is orthogonal to the language axis.
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
    the mean midpoint, made orthogonal to the language axis.

    Args:
        u_target: the tokens of the target words, ``[n_concepts, d_model]``: rows of the folded
            unembedding. They are scaled to length 1 here.
        u_pivot: the tokens of the pivot (English) words, in the same order.

    Raises:
        DataError: for fewer than two concepts, which cannot tell a concept from a language, and for
            different shapes.

    >>> axes = sphere_axes(torch.eye(3)[:2], torch.eye(3)[[2, 2]])
    >>> axes.language.shape, axes.concept.shape
    (torch.Size([3]), torch.Size([2, 3]))
    """
    if u_target.shape != u_pivot.shape or u_target.ndim != 2:
        raise DataError(
            "sphere_axes needs two tensors [n_concepts, d_model] of one shape, "
            f"not {list(u_target.shape)} and {list(u_pivot.shape)}."
        )
    if len(u_target) < 2:
        raise DataError(
            "The sphere's axes need at least two concepts: take the axes from a whole set, "
            "then axes[[i]] for one."
        )
    target = torch.nn.functional.normalize(u_target.float(), dim=-1)
    pivot = torch.nn.functional.normalize(u_pivot.float(), dim=-1)
    language = torch.nn.functional.normalize((target - pivot).mean(0), dim=-1)
    middle = (target + pivot) / 2
    concept = middle - middle.mean(0)
    concept = concept - (concept @ language)[:, None] * language
    return SphereAxes(language, torch.nn.functional.normalize(concept, dim=-1))


def sphere_coordinates(
    latents: Float[Tensor, "concept layer d_model"], axes: SphereAxes
) -> Float[Tensor, "concept layer 3"]:
    """Return where each latent is on the unit sphere, ``[n_concepts, n_layers, 3]``.

    For ĥ = h/‖h‖: x = ⟨ĥ, language⟩ (below 0: English; above 0: target), y = ⟨ĥ, concept⟩,
    z = √(1 − x² − y²) (1 at the pole: nothing of either).

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
    h = torch.nn.functional.normalize(latents.float(), dim=-1)
    x = h @ axes.language.to(h.device)
    y = (h * axes.concept.to(h.device)[:, None]).sum(-1)
    return torch.stack([x, y, (1 - x**2 - y**2).clamp_min(0).sqrt()], -1)
