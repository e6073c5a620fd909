"""A lens in a small file: each map as the identity and a matrix of low rank."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..lens.lens import Lens
from ..lens.tensor_file import one_error, read_tensors, write_tensors

_KIND, _FORMAT = "SmallLens", 1
_SHRINK = 1e-4  # of the correlations of latents, so that no direction counts as never used


def save_small(
    lens: Lens,
    path: str | Path,
    rank: int,
    h: Float[Tensor, "token layer d_model"],
    unembedding: Float[Tensor, "entry d_model"],
) -> Path:
    """Write a lens with maps of the form I + L R, in half precision, and return the path.

    L R is the matrix of a rank that changes the logits least, in squares, on some latents: the
    nearest matrix by its own numbers changes them far more, because a few dimensions of a residual
    stream are hundreds of times larger than the others.

    Args:
        lens: with maps and no offsets.
        path: of the file, for ``load_small``.
        rank: of L R.
        h: latents of all layers.
        unembedding: rows of the folded unembedding, at least ``d_model`` of them.

    >>> import tempfile
    >>> lens = Lens("double", "a model", (1,), 2 * torch.eye(4)[None])
    >>> h, rows = torch.randn(20, 2, 4), torch.randn(9, 4)
    >>> file = Path(tempfile.mkdtemp()) / "small.safetensors"
    >>> again = load_small(save_small(lens, file, 4, h, rows))
    >>> (again.matrices - lens.matrices).abs().max() < 0.01
    tensor(True)
    """
    read = unembedding.double()
    out, back = _roots(read.T @ read)
    left, right, sizes = [], [], []
    for layer, matrix in zip(lens.layers, lens.matrices.double()):
        x = h[:, layer - 1].double()
        size = x.square().mean(0).sqrt().clamp_min(1e-9)
        x = x / size
        alike = x.T @ x / len(x) + _SHRINK * torch.eye(len(size), dtype=x.dtype)
        into, from_ = _roots(alike)
        added = matrix - torch.eye(len(matrix), dtype=matrix.dtype)
        u, s, v = torch.linalg.svd(out @ (added * size) @ into)
        left.append(back @ (u[:, :rank] * s[:rank].sqrt()))
        right.append((v[:rank] * s[:rank, None].sqrt()) @ from_)
        sizes.append(size)
    factors = {"left": torch.stack(left).half(), "right": torch.stack(right).half()}
    factors["size"] = torch.stack(sizes).float()
    return write_tensors({**lens.facts(), "kind": _KIND, "format": _FORMAT}, factors, path)


def load_small(path: str | Path) -> Lens:
    """Read a file that ``save_small`` wrote. Raises ``DataError`` for any other file."""
    facts, factors = read_tensors(path, _KIND, _FORMAT)
    with one_error(path, _KIND):
        left, right = (factors[side].float() for side in ("left", "right"))
        added = left @ (right / factors["size"][:, None])
        return Lens.of_facts(facts, torch.eye(added.shape[-1]) + added)


def _roots(matrix: Float[Tensor, "d d"]) -> tuple[Float[Tensor, "d d"], Float[Tensor, "d d"]]:
    """Return the square root of a symmetric, positive matrix, and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    values = values.clamp_min(1e-10 * values.max())
    return (vectors * values.sqrt()) @ vectors.T, (vectors * values.rsqrt()) @ vectors.T
