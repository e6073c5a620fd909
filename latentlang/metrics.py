"""Pure functions of tensors: entropy, probabilities and ranks of token sets, mean and interval."""

from __future__ import annotations

import math

import torch

from .errors import DataError


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
    x: torch.Tensor, method: str = "gaussian", level: float = 0.95, *, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return mean, lower and upper bound over the first axis, each ``[n, ...] -> [...]``.

    ``"gaussian"``: mean ± z·s/√n with the sample standard deviation s (the paper's interval;
    z = 1.96 for 95 %). ``"bootstrap"``: percentiles of the means of 2,000 resamples of the
    n rows. With a single row the bounds are NaN: one prompt says nothing about its spread.
    """
    x = torch.as_tensor(x, dtype=torch.float32)
    n, mean = x.shape[0], x.mean(0)
    if n == 0 or not 0 < level < 1:
        raise DataError("An interval needs at least one row and a level between 0 and 1: check what you pass to mean_ci.")
    if n == 1:
        unknown = torch.full_like(mean, math.nan)
        return mean, unknown, unknown.clone()
    if method == "gaussian":
        z = torch.special.ndtri(torch.tensor((1 + level) / 2, dtype=torch.float64)).item()
        half = z * x.std(0) / math.sqrt(n)
        return mean, mean - half, mean + half
    if method == "bootstrap":
        generator = torch.Generator().manual_seed(seed)
        weights = torch.stack([torch.bincount(torch.randint(n, (n,), generator=generator), minlength=n) for _ in range(2000)])
        means = (weights.float() / n) @ x.reshape(n, -1)
        lower, upper = torch.quantile(means, torch.tensor([(1 - level) / 2, (1 + level) / 2]), dim=0)
        return mean, lower.reshape(mean.shape), upper.reshape(mean.shape)
    raise DataError(f"Unknown interval '{method}': use 'gaussian' or 'bootstrap'.")
