"""Means with intervals: Gaussian and bootstrap, clustered where rows are not independent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..errors import DataError
from ..lens.require import require_finite
from ..numbers import tensor_of

RESAMPLES = 2000
_LOOKS = 10_000  # resamples of a largest ratio, which lies far out


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
        Mean, lower bound and upper bound, float32, on the CPU. With a single cluster the bounds
        are NaN: one concept says nothing about the spread. They are NaN for no other reason.

    Raises:
        DataError: for no rows, a number that is not finite, a level outside 0 to 1, an unknown
            method, or another number of labels than of rows.

    >>> mean, lower, upper = mean_ci(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    >>> [round(value.item(), 2) for value in (mean, lower, upper)]
    [1.5, 0.23, 2.77]
    """
    x = require_finite(tensor_of("x", x).float().cpu(), "mean_ci's x")
    n = len(x) if x.ndim else 0
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
    mean, n_clusters = x.mean(0), int(codes.max()) + 1
    if n_clusters == 1:
        unknown = torch.full_like(mean, math.nan)
        return mean, unknown, unknown.clone()
    if method == "gaussian":
        z = torch.special.ndtri(torch.tensor((1 + level) / 2, dtype=torch.float64)).item()
        half = (z * standard_error(x - mean, codes)).float()
        return mean, mean - half, mean + half
    means = resample(codes, RESAMPLES, seed=seed).float() @ x.reshape(n, -1)
    lower, upper = torch.quantile(means, torch.tensor([(1 - level) / 2, (1 + level) / 2]), dim=0)
    return mean, lower.reshape(mean.shape), upper.reshape(mean.shape)


def standard_error(
    deviations: Shaped[Tensor, " row *rest"], codes: Int[Tensor, " row"]
) -> Float[Tensor, "*rest"]:
    """Return the cluster-robust standard error of a mean, ``[n, ...] -> [...]``.

    Args:
        deviations: each row minus the mean, ``[n, ...]``.
        codes: the cluster of each row, ``[n]`` (``cluster_codes``), of two clusters or more.

    >>> standard_error(torch.tensor([-1.0, 1.0]), torch.tensor([0, 1]))
    tensor(1., dtype=torch.float64)
    """
    n_clusters = int(codes.max()) + 1
    sums = torch.zeros(n_clusters, *deviations.shape[1:], dtype=torch.float64)
    sums.index_add_(0, codes, deviations.double())
    return (sums.square().sum(0) * n_clusters / (n_clusters - 1)).sqrt() / len(codes)


def simultaneous_ci(
    x: Float[Tensor, "row layer"], *, clusters: Sequence, seed: int = 0
) -> tuple[Float[Tensor, " layer"], Float[Tensor, " layer"], Float[Tensor, " layer"]]:
    """Return means and a 95 % band that holds at all layers at once, ``[n, layers] -> [layers]``.

    Many layers are many looks: of 18 intervals of 95 %, one may miss by chance. The band is the
    mean ± c·s.e. at every layer, with one c for all. c is the 95 % quantile, over 10,000 resamples
    of whole clusters, of the largest |resample's mean − mean| / s.e. at any layer (Montiel Olea and
    Plagborg-Møller 2019, sup-t bands). So it allows for layers that go together. The s.e. are known
    from G clusters only: the largest ratios are those of a multivariate t with G − 1 degrees of
    freedom (Hothorn, Bretz and Westfall 2008, "Simultaneous inference in general parametric
    models", Biometrical Journal 50). With one layer this is close to the t interval.

    The s.e. is that of all rows, in every resample. Recomputed in each resample, it would be almost
    0 in those that miss the few words which make a mean, and c would be in the hundreds.

    Args:
        x: one row per prompt, ``[n, layers]``, finite numbers.
        clusters: one label per row; rows of one label are not independent.
        seed: draws the resamples.

    Returns:
        Mean, lower and upper bound, double precision. The bounds are NaN with a single cluster, and
        equal the mean at a layer without any spread.

    >>> x = torch.tensor([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    >>> mean, lower, upper = simultaneous_ci(x, clusters=range(4))
    >>> bool(lower[0] < 0 < 3 < upper[0]), lower[1].item(), upper[1].item()
    (True, 5.0, 5.0)
    """
    x, codes = x.double().cpu(), cluster_codes(clusters)
    mean, n_clusters = x.mean(0), int(codes.max()) + 1
    if n_clusters == 1:
        unknown = torch.full_like(mean, math.nan)
        return mean, unknown, unknown.clone()
    error = standard_error(x - mean, codes)
    flat = error <= 1e-12 * x.abs().amax(0)  # what is left is rounding
    error = error.masked_fill(flat, 0.0)
    off = (resample(codes, _LOOKS, seed=seed) @ x - mean).abs() / error.masked_fill(flat, torch.inf)
    # Resamples vary by (G − 1)/G of the estimated variance.
    largest = off.amax(-1) * math.sqrt(n_clusters / (n_clusters - 1))
    generator = torch.Generator().manual_seed(seed + 1)
    normal = torch.randn(_LOOKS, n_clusters - 1, generator=generator, dtype=torch.float64)
    half = torch.quantile(largest / normal.square().mean(-1).sqrt(), 0.95) * error
    return mean, mean - half, mean + half


def cluster_codes(labels: Sequence | Shaped[Tensor, " row"]) -> Int[Tensor, " row"]:
    """Return one number per label, ``[n]``, counted from 0 as they appear, on the CPU.

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
    """Return bootstrap weights ``[times, n]``, on the CPU; each row is one resample and sums to 1.

    Clusters are drawn with replacement, each with all its rows.

    Args:
        codes: the cluster of each row, ``[n]`` (``cluster_codes``).
        times: how many resamples.
        seed: draws the clusters.

    >>> resample(torch.tensor([0, 0, 1]), times=2).sum(-1)
    tensor([1., 1.], dtype=torch.float64)
    """
    codes = codes.cpu()
    n_clusters = int(codes.max()) + 1
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randint(n_clusters, (times, n_clusters), generator=generator)
    counts = torch.zeros(times, n_clusters, dtype=torch.float64).scatter_add_(
        1, draws, torch.ones(draws.shape, dtype=torch.float64)
    )
    weights = counts[:, codes]
    return weights / weights.sum(-1, keepdim=True)
