"""Means with intervals: Gaussian and bootstrap, clustered where rows are not independent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..errors import DataError

RESAMPLES = 2000


def mean_ci(
    x: Shaped[Tensor, " row *rest"],
    method: str = "gaussian",
    level: float = 0.95,
    *,
    clusters: Sequence | None = None,
    seed: int = 0,
) -> tuple[Float[Tensor, "*rest"], Float[Tensor, "*rest"], Float[Tensor, "*rest"]]:
    """Return mean, lower and upper bound over the first axis, each ``[n, ...] -> [...]``.

    Args:
        x: one row per prompt, ``[n, ...]``.
        method: ``"gaussian"`` for mean ± z·s/√n with the sample standard deviation s (the paper's
            interval; z = 1.96 for 95 %). ``"bootstrap"`` for percentiles of the means of 2,000
            resamples of the n rows.
        level: how sure the interval is, between 0 and 1.
        clusters: one label per row. Rows of one label (prompts about one concept) are not
            independent. The Gaussian interval then sums the deviations inside each of the G
            clusters: s²/n becomes G/(G−1) · Σ_g (Σ_{i in g} (x_i − mean))² / n², the
            cluster-robust variance of a mean. The bootstrap draws whole clusters. If every row has
            its own label, both equal the unclustered versions.
        seed: draws the resamples.

    Returns:
        Mean, lower bound and upper bound, float32. With a single cluster the bounds are NaN: one
        concept says nothing about the spread.

    Raises:
        DataError: for no rows, a level outside 0 to 1, an unknown method, or another number of
            labels than of rows.

    >>> mean, lower, upper = mean_ci(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    >>> [round(value.item(), 2) for value in (mean, lower, upper)]
    [1.5, 0.23, 2.77]
    """
    x = torch.as_tensor(x, dtype=torch.float32)
    n, mean = x.shape[0], x.mean(0)
    if n == 0 or not 0 < level < 1:
        raise DataError(
            "An interval needs at least one row and a level between 0 and 1: "
            "check what you pass to mean_ci."
        )
    if method not in ("gaussian", "bootstrap"):
        raise DataError(f"Unknown interval '{method}': use 'gaussian' or 'bootstrap'.")
    codes = cluster_codes(range(n) if clusters is None else clusters)
    if len(codes) != n:
        raise DataError(f"Each of the {n} rows needs a cluster label, and there are {len(codes)}.")
    n_clusters = int(codes.max()) + 1
    if n_clusters == 1:
        unknown = torch.full_like(mean, math.nan)
        return mean, unknown, unknown.clone()
    if method == "gaussian":
        z = torch.special.ndtri(torch.tensor((1 + level) / 2, dtype=torch.float64)).item()
        sums = torch.zeros(n_clusters, *x.shape[1:], dtype=torch.float64).index_add_(
            0, codes, (x - mean).double()
        )
        half = (z / n * (sums.square().sum(0) * n_clusters / (n_clusters - 1)).sqrt()).float()
        return mean, mean - half, mean + half
    means = resample(codes, RESAMPLES, seed=seed).float() @ x.reshape(n, -1)
    lower, upper = torch.quantile(means, torch.tensor([(1 - level) / 2, (1 + level) / 2]), dim=0)
    return mean, lower.reshape(mean.shape), upper.reshape(mean.shape)


def cluster_codes(labels: Sequence | Shaped[Tensor, " row"]) -> Int[Tensor, " row"]:
    """Return one number per label, ``[n]``, counted from 0 in the order of first appearance.

    >>> cluster_codes(["sea", "sky", "sea"])
    tensor([0, 1, 0])
    """
    # The elements of a tensor are never equal as keys of a dict.
    labels = labels.tolist() if hasattr(labels, "tolist") else labels
    numbers: dict = {}
    return torch.tensor(
        [numbers.setdefault(label, len(numbers)) for label in labels], dtype=torch.long
    )


def resample(
    codes: Int[Tensor, " row"], times: int, *, seed: int = 0
) -> Float[Tensor, "resample row"]:
    """Return bootstrap weights ``[times, n]``; each row is one resample and sums to 1.

    Clusters are drawn with replacement, each with all its rows.

    Args:
        codes: the cluster of each row, ``[n]`` (``cluster_codes``).
        times: how many resamples.
        seed: draws the clusters.

    >>> resample(torch.tensor([0, 0, 1]), times=2).sum(-1)
    tensor([1., 1.], dtype=torch.float64)
    """
    n_clusters = int(codes.max()) + 1
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randint(n_clusters, (times, n_clusters), generator=generator)
    counts = torch.zeros(times, n_clusters, dtype=torch.float64).scatter_add_(
        1, draws, torch.ones(draws.shape, dtype=torch.float64)
    )
    weights = counts[:, codes]
    return weights / weights.sum(-1, keepdim=True)
