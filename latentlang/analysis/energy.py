"""Token energy of latents that are in this process (paper, Eq. 2)."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..lens.energy import Gram, energy_of, gram
from ..numbers import tensor_of


def token_energy(
    latents: Float[Tensor, "*row d_model"], U: Float[Tensor, "vocab d_model"] | Gram
) -> Float[Tensor, "*row"]:
    """Return the token energy E of every latent, ``[..., d_model] -> [...]`` (paper, Eq. 2).

    E(h)² is the mean squared cosine between h and the v tokens, divided by the mean squared cosine
    between two tokens: E(h)² = [‖Ûh‖² / (v‖h‖²)] / [‖ÛᵀÛ‖²_F / v²]. 0: h is at right angles to
    every token; 1: h is, on average, as close to the tokens as they are to one another. It is not a
    share and can be above 1.

    Args:
        latents: in the residual stream, before the final norm.
        U: the folded unembedding ``[V, d_model]`` (``model.folded_unembedding()``), or ``gram(U)``
            when many calls share it.

    Returns:
        One energy per latent, float32, on the CPU; 0 or more, without a unit.

    Raises:
        DataError: when latents and unembedding differ in ``d_model``.

    >>> import torch
    >>> tokens = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    >>> token_energy(torch.tensor([[0.0, 0, 5], [3.0, 0, 0]]), tokens)
    tensor([0., 1.])
    >>> uneven = torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    >>> token_energy(torch.tensor([1.0, 0]), uneven)
    tensor(1.0954)
    """
    latents = tensor_of("latents", latents)
    g = U if isinstance(U, Gram) else gram(tensor_of("U", U))
    if latents.shape[-1] != g.matrix.shape[0]:
        raise DataError(
            f"The latents have {latents.shape[-1]} dimensions and the unembedding "
            f"{g.matrix.shape[0]}: use one model for both."
        )
    return energy_of(latents, g).cpu()
