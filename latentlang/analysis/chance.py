"""What the sphere's two axes read by chance: frames that know neither the word nor the language."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from .axes import SphereAxes

FRAMES = 99


def chance_paths(
    latents: Float[Tensor, "prompt layer d_model"],
    tokens: tuple[Float[Tensor, "prompt d_model"], Float[Tensor, "prompt d_model"]],
    axes: SphereAxes,
    codes: Int[Tensor, " prompt"],
    seed: int = 0,
) -> Float[Tensor, "prompt frame layer 2"]:
    """Return x and y of every latent in 99 frames, ``[n_prompts, 99, n_layers, 2]``.

    In each frame a prompt has the concept axis of another concept, and the language axis comes
    from the same tokens after target and pivot were exchanged for a random half of the concepts
    (of an odd number, one is left out): what the languages differ in cancels. If the latents did
    not know the word, y would be like these; and x if they did not know one language from the
    other.

    Args:
        latents: ``[n_prompts, n_layers, d_model]``.
        tokens: those of the target words and those of the pivot words, as for ``sphere_axes``.
        axes: what ``sphere_axes`` returns for them.
        codes: the concept of each prompt (``cluster_codes``), at least two.
        seed: draws whose languages are exchanged.
    """
    n_concepts = int(codes.max()) + 1
    generator = torch.Generator().manual_seed(seed)
    half = n_concepts // 2
    row = torch.tensor([1.0] * half + [-1.0] * half + [0.0] * (n_concepts % 2))
    orders = [torch.randperm(n_concepts, generator=generator) for _ in range(FRAMES)]
    signs = torch.stack([row[order] for order in orders])
    target, pivot = (normalize(rows.float().cpu(), dim=-1) for rows in tokens)
    languages = normalize(signs[:, codes] @ (target - pivot) / len(codes), dim=-1)
    first_row = torch.stack([(codes == code).nonzero()[0, 0] for code in range(n_concepts)])
    others = 1 + torch.arange(FRAMES) % (n_concepts - 1)  # how many concepts further on
    paths = []
    for latent, code in zip(latents, codes):
        h = normalize(latent.float().cpu(), dim=-1)
        concepts = axes.concept[first_row[(code + others) % n_concepts]]
        paths.append(torch.stack([languages @ h.T, concepts @ h.T], -1))
    return torch.stack(paths)
