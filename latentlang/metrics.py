"""Pure functions of tensors: entropy, probabilities and ranks of token sets, mean and interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .errors import DataError

_RESAMPLES = 2000


def entropy_bits(log_probs: torch.Tensor) -> torch.Tensor:
    """Return the entropy in bits of distributions given as natural log-probabilities, ``[..., V] -> [...]``.

    A token of probability zero (log-probability -inf) contributes nothing.

    >>> entropy_bits(torch.log(torch.tensor([0.5, 0.25, 0.25, 0.0])))
    tensor(1.5000)
    """
    terms = torch.where(log_probs == -torch.inf, 0.0, log_probs.exp() * log_probs)
    return -terms.sum(-1) / math.log(2)


def set_probability(log_probs: torch.Tensor, ids) -> torch.Tensor:
    """Return the summed probability of the tokens ``ids``, ``[..., V] -> [...]``."""
    return log_probs[..., list(ids)].exp().sum(-1)


def set_rank(log_probs: torch.Tensor, ids) -> torch.Tensor:
    """Return the rank (1 is the most probable) of the best token among ``ids``, ``[..., V] -> [...]``."""
    best = log_probs[..., list(ids)].amax(-1, keepdim=True)
    return 1 + (log_probs > best).sum(-1)


def mean_ci(
    x: torch.Tensor, method: str = "gaussian", level: float = 0.95, *, clusters: Sequence | None = None, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return mean, lower and upper bound over the first axis, each ``[n, ...] -> [...]``.

    ``"gaussian"``: mean ± z·s/√n with the sample standard deviation s (the paper's interval;
    z = 1.96 for 95 %). ``"bootstrap"``: percentiles of the means of 2,000 resamples of the n rows.

    ``clusters``: a label for every row. Rows of one label (prompts about one concept) are not
    independent: the Gaussian interval then sums the deviations inside each of the G clusters,
    s²/n becoming G/(G−1) · Σ_g (Σ_{i in g} (x_i − mean))² / n² (the cluster-robust variance of a
    mean), and the bootstrap draws whole clusters. With a label a row both are the plain ones.
    With a single cluster the bounds are NaN: one concept says nothing about the spread.
    """
    x = torch.as_tensor(x, dtype=torch.float32)
    n, mean = x.shape[0], x.mean(0)
    if n == 0 or not 0 < level < 1:
        raise DataError("An interval needs at least one row and a level between 0 and 1: check what you pass to mean_ci.")
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
        sums = torch.zeros(n_clusters, *x.shape[1:], dtype=torch.float64).index_add_(0, codes, (x - mean).double())
        half = (z / n * (sums.square().sum(0) * n_clusters / (n_clusters - 1)).sqrt()).float()
        return mean, mean - half, mean + half
    means = resample(codes, _RESAMPLES, seed=seed).float() @ x.reshape(n, -1)
    lower, upper = torch.quantile(means, torch.tensor([(1 - level) / 2, (1 + level) / 2]), dim=0)
    return mean, lower.reshape(mean.shape), upper.reshape(mean.shape)


def cluster_codes(labels: Sequence) -> torch.Tensor:
    """Return a number for every label, ``[n]``, counted from 0 in the order in which the labels first appear."""
    labels = labels.tolist() if hasattr(labels, "tolist") else labels  # a tensor's elements are never equal as keys
    numbers: dict = {}
    return torch.tensor([numbers.setdefault(label, len(numbers)) for label in labels], dtype=torch.long)


def resample(codes: torch.Tensor, times: int, *, seed: int = 0) -> torch.Tensor:
    """Return bootstrap weights ``[times, n]``, each row summing to 1: clusters drawn with replacement, each with all its rows."""
    n_clusters = int(codes.max()) + 1
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randint(n_clusters, (times, n_clusters), generator=generator)
    counts = torch.zeros(times, n_clusters, dtype=torch.float64).scatter_add_(1, draws, torch.ones(draws.shape, dtype=torch.float64))
    weights = counts[:, codes]
    return weights / weights.sum(-1, keepdim=True)
