"""Token energy of latents that are in this process (paper, Eq. 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..lens.energy import CHUNK_ROWS, Gram, energy_of, gram_of_blocks
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
    g = U if isinstance(U, Gram) else gram(U)
    if latents.shape[-1] != g.matrix.shape[0]:
        raise DataError(
            f"The latents have {latents.shape[-1]} dimensions and the unembedding "
            f"{g.matrix.shape[0]}: use one model for both."
        )
    return energy_of(latents, g).cpu()


def gram(U: Float[Tensor, "vocab d_model"] | Iterable[Any]) -> Gram:
    """Return the Gram matrix of the unembedding after scaling its rows to length 1.

    Args:
        U: the folded unembedding ``[V, d_model]``, or blocks of its rows ``[row, d_model]``, one
            after the other, so that the whole is never in memory. A row of zeros stays zero.

    Returns:
        The matrix ``[d_model, d_model]``, float64, on the CPU, and V.

    Raises:
        DataError: for anything but rows of numbers of one width.

    >>> import torch
    >>> gram(torch.tensor([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]))
    Gram(matrix=tensor([[1., 0.],
            [0., 1.]], dtype=torch.float64), n_tokens=3)
    """
    listed = isinstance(U, (list, tuple)) and U and isinstance(U[0], Tensor)
    blocks = U if listed or isinstance(U, Iterator) else [U]
    g = gram_of_blocks(_rows(blocks))
    if not g.n_tokens:
        raise DataError("U has no rows: pass the unembedding of a model, [V, d_model].")
    return g


def _rows(blocks: Iterable[Any]) -> Iterator[Tensor]:
    """Yield the rows of all blocks, some thousand at once."""
    width = None
    for block in blocks:
        rows = tensor_of("U", block)
        if rows.ndim != 2 or rows.shape[1] != (width or rows.shape[1]):
            wanted = f"of {width} numbers each" if width else "of numbers, [V, d_model]"
            raise DataError(f"U must be rows {wanted}, and a part of it is {list(rows.shape)}.")
        width = rows.shape[1]
        yield from rows.split(CHUNK_ROWS)
