"""The null hypothesis of a pure rotation from input to output embeddings (Procrustes).

The test is not in the paper. Source: the authors' script ``R/embed_unembed.r``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import DataError
from ..lens.energy import CHUNK_ROWS
from ..lens.require import require_finite
from ..numbers import tensor_of


def procrustes(
    E: Float[Tensor, "vocab d_model"], U: Float[Tensor, "vocab d_model"]
) -> Float[Tensor, "d_model d_model"]:
    """Return the orthogonal R ``[d_model, d_model]`` that minimises ‖E R − U‖, on the CPU.

    From the singular value decomposition EᵀU = A Σ Bᵀ follows R = A Bᵀ. With the input embeddings
    as E and the folded unembedding as U (``model.folded_unembedding()``), this is the null
    hypothesis of a model that only rotates the one into the other. Without the final norm's gain
    folded in, a model with one matrix for both has R = 1, and the test says nothing.

    Args:
        E: ``[V, d_model]``.
        U: ``[V, d_model]``.

    Raises:
        DataError: for matrices of different shapes.

    >>> procrustes(torch.eye(2), torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    tensor([[ 0.,  1.],
            [-1.,  0.]])
    """
    E, U = tensor_of("E", E), tensor_of("U", U)
    if E.shape != U.shape or E.ndim != 2:
        raise DataError(
            "procrustes needs two matrices [V, d_model] of one shape, "
            f"not {list(E.shape)} and {list(U.shape)}."
        )
    product = torch.zeros(E.shape[1], E.shape[1], dtype=torch.float64)
    for e, u in zip(E.split(CHUNK_ROWS), U.split(CHUNK_ROWS)):
        product += (e.float().T @ u.float().to(e.device)).cpu().double()
    left, _, right = torch.linalg.svd(product)
    return (left @ right).float()


def token_ranks(
    points: Float[Tensor, "row d_model"],
    U: Float[Tensor, "vocab d_model"],
    ids: Sequence[int] | Int[Tensor, " row"],
) -> Int[Tensor, " row"]:
    """Return the rank of each point's own token among all tokens, ``[n]``; 1 is the best.

    Tokens are ranked by their product with the point. Rank 1 is the token that an output layer with
    the rows ``U`` would predict at that point. The ranks are on the CPU.

    Args:
        points: ``[n, d_model]``.
        U: ``[V, d_model]``.
        ids: the own token of each point, ``[n]``.

    Raises:
        DataError: for another number of ids than of points, and for scores that are not finite.

    >>> token_ranks(torch.tensor([[1.0, 0.2]]), torch.eye(2), [1])
    tensor([2])
    """
    points, U, ids = tensor_of("points", points), tensor_of("U", U), tensor_of("ids", ids)
    if len(points) != len(ids):
        raise DataError(
            f"Each of the {len(points)} points needs one token id, and there are {len(ids)}."
        )
    scores = points.float() @ U.float().to(points.device).T
    require_finite(scores, "the points' products with U")
    own = scores.gather(1, ids.long().to(scores.device)[:, None])
    return 1 + (scores > own).sum(-1).cpu()
