"""Controls of a lens: what its maps would show if their directions meant nothing."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..lens.lens import Lens, require_lens
from ..numbers import seed_number


def rotated(lens: Lens, *, seed: int = 0) -> Lens:
    """Return a lens of random directions whose maps stretch as those of another lens do.

    Each map U S Vᵀ becomes P S Qᵀ, where P and Q are random rotations. What it shows does not come
    from the directions that the fit has found. The offsets stay.

    Args:
        lens: such as that of ``fit_linear``.
        seed: draws the rotations.

    Raises:
        TraceError: for anything but a lens.
        DataError: for a seed that is none.

    >>> lens = Lens("double", "a model", (1,), 2 * torch.eye(4)[None])
    >>> control = rotated(lens)
    >>> control
    Lens(double-rotated: layer 1 of a model, 4 x 4)
    >>> torch.linalg.svdvals(control.matrices[0])
    tensor([2.0000, 2.0000, 2.0000, 2.0000])
    """
    require_lens(lens)
    generator = torch.Generator().manual_seed(seed_number(seed))
    matrices = []
    for matrix in lens.matrices.double():
        left, right = (_rotation(len(matrix), generator) for _ in range(2))
        matrices.append((left * torch.linalg.svdvals(matrix)) @ right.T)
    name = f"{lens.name}-rotated"
    return replace(lens, name=name, matrices=torch.stack(matrices).float(), quality=None)


def _rotation(d: int, generator: torch.Generator) -> Float[Tensor, "d_model d_model"]:
    """Return a random orthogonal matrix, all of them alike (Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))
    return q * r.diagonal().sign()
