"""Means and intervals against numbers worked out by hand."""

from __future__ import annotations

from statistics import NormalDist, fmean, stdev

import pytest
import torch

from latentlang.errors import DataError
from latentlang.metrics import mean_ci


def test_gaussian_interval_by_hand():
    x = torch.tensor([[1.0, 10.0], [2.0, 10.0], [4.0, 10.0], [9.0, 10.0]])
    for level in (0.95, 0.8):
        z = NormalDist().inv_cdf((1 + level) / 2)
        half = z * stdev([1, 2, 4, 9]) / 2
        mean, lower, upper = mean_ci(x, level=level)
        assert mean.tolist() == [4.0, 10.0]
        assert lower.tolist() == pytest.approx(
            [4 - half, 10.0]
        ) and upper.tolist() == pytest.approx([4 + half, 10.0])
    assert NormalDist().inv_cdf(0.975) == pytest.approx(1.96, abs=1e-3)  # the paper's 1.96


def test_intervals_cover_the_truth_as_often_as_they_say():
    """About 95 % of the intervals of 300 samples hold the mean of a skewed distribution."""
    samples = torch.distributions.Exponential(1.0)
    torch.manual_seed(0)
    draws = samples.sample((40, 300))
    for method in ("gaussian", "bootstrap"):
        _, lower, upper = mean_ci(draws, method)
        assert 0.87 < fmean(((lower < 1) & (upper > 1)).tolist()) < 0.99, method


def test_bootstrap_on_a_case_that_can_be_counted():
    """With the rows 0 and 1, the 95 % interval is [0, 1].

    A resample's mean is 0, 0.5 or 1, with chances 1/4, 1/2 and 1/4.
    """
    x = torch.tensor([[0.0], [1.0]])
    mean, lower, upper = mean_ci(x, "bootstrap")
    assert (mean.item(), lower.item(), upper.item()) == (0.5, 0.0, 1.0)
    _, lower, upper = mean_ci(
        x, "bootstrap", level=0.4
    )  # the middle 40 % lies within the half that is 0.5
    assert (lower.item(), upper.item()) == (0.5, 0.5)
    assert all(torch.equal(a, b) for a, b in zip(mean_ci(x, "bootstrap"), mean_ci(x, "bootstrap")))


def test_clustered_interval_by_hand():
    """Rows 1, 2 | 4, 9 deviate from 4 by -5 and +5 in sum: variance 2/1 · (25 + 25) / 4² = 6.25."""
    x = torch.tensor([1.0, 2.0, 4.0, 9.0])
    mean, lower, upper = mean_ci(x, clusters=["a", "a", "b", "b"])
    assert mean.item() == 4.0
    assert (
        (upper - mean).item()
        == (mean - lower).item()
        == pytest.approx(NormalDist().inv_cdf(0.975) * 2.5, rel=1e-6)
    )
    # Drawing two clusters of two: both a, one of each, both b.
    _, lower, upper = mean_ci(x, "bootstrap", clusters=["a", "a", "b", "b"])
    assert (lower.item(), upper.item()) == (1.5, 6.5)


@pytest.mark.parametrize("method", ["gaussian", "bootstrap"])
def test_copies_of_a_concept_add_no_certainty(method):
    torch.manual_seed(0)
    x = torch.rand(30, 4)
    alone = torch.stack(mean_ci(x, method))
    tripled = mean_ci(x.repeat(3, 1), method, clusters=[*range(30)] * 3)
    assert torch.allclose(torch.stack(tripled), alone, atol=1e-6)
    assert torch.equal(
        torch.stack(mean_ci(x, method, clusters=[f"c{i}" for i in range(30)])), alone
    )
    assert torch.equal(
        torch.stack(mean_ci(x.repeat(3, 1), method, clusters=torch.arange(30).repeat(3))),
        torch.stack(tripled),
    )
    _, lower, upper = mean_ci(x.repeat(3, 1), method)
    assert (
        (upper - lower) < 0.7 * (alone[2] - alone[1])
    ).all()  # without clusters: 1/√3 as wide, and wrong


def test_clustered_intervals_cover_the_truth_where_plain_ones_do_not():
    """500 samples of 60 concepts; the true mean is 0.

    Each concept has three prompts, which share its deviation.
    """
    torch.manual_seed(0)
    draws = (torch.randn(60, 1, 500) + 0.3 * torch.randn(60, 3, 500)).reshape(180, 500)
    labels = [i for i in range(60) for _ in range(3)]

    def share(interval) -> float:
        return fmean(((interval[1] < 0) & (interval[2] > 0)).tolist())

    for method in ("gaussian", "bootstrap"):
        assert 0.91 < share(mean_ci(draws, method, clusters=labels)) < 0.98, method
        assert share(mean_ci(draws, method)) < 0.85, method


def test_one_row_has_a_mean_and_no_interval():
    for method in ("gaussian", "bootstrap"):
        mean, lower, upper = mean_ci(torch.tensor([[0.25, 0.5]]), method)
        assert mean.tolist() == [0.25, 0.5] and lower.isnan().all() and upper.isnan().all()


def test_bad_requests():
    for arguments in (
        (torch.zeros(0, 3),),
        (torch.zeros(3), "gaussian", 1.5),
        (torch.zeros(3), "gaussian", 95),
        (torch.tensor(1.0),),
    ):
        with pytest.raises(DataError, match="at least one row and a level between 0 and 1"):
            mean_ci(*arguments)
    with pytest.raises(DataError, match="Unknown interval 'normal': use 'gaussian' or 'bootstrap'"):
        mean_ci(torch.zeros(3), "normal")
    with pytest.raises(
        DataError, match="Each of the 3 rows needs a cluster label, and there are 2"
    ):
        mean_ci(torch.zeros(3), clusters=["a", "b"])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("method", ["gaussian", "bootstrap"])
def test_a_number_that_is_not_finite_is_named_and_not_averaged(bad, method):
    """NaN bounds mean one concept, and nothing else."""
    x = torch.rand(5, 3)
    x[3, 1] = bad
    with pytest.raises(DataError, match=r"1 of the 15 numbers .* first at \[3, 1\]"):
        mean_ci(x, method)


@pytest.mark.parametrize("method", ["gaussian", "bootstrap"])
def test_rows_of_one_cluster_have_no_interval(method):
    mean, lower, upper = mean_ci(torch.tensor([0.0, 1.0, 2.0]), method, clusters=["sky"] * 3)
    assert mean.item() == 1.0 and lower.isnan() and upper.isnan()
