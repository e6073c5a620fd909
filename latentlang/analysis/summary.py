"""From readings to curves: means with intervals, as one tidy table."""

from __future__ import annotations

import math

import pandas as pd
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ..lens.curves import MeanCurves
from ..lens.require import require_finite, require_rows
from ..lens.run import Run
from ..lens.sweep_result import Sweep
from .intervals import mean_ci

_HIGH = 0.10  # of ``above_10``


def summarize(run: Run | Sweep | MeanCurves, ci: str = "bootstrap") -> pd.DataFrame:
    """Return mean and 95 % interval over prompts for every layer, as a tidy table.

    A few prompts can make a mean. ``median`` and ``above_10``, the share of prompts above 10 %,
    show whether most prompts take part. ``above_10`` is for P(language); it is NaN for every other
    quantity.

    The quantities are the readings, with two changes. Instead of the rank there is ``top1``: the
    share of prompts whose most probable token begins the word. And ``difference`` is
    P(target) − P(pivot), taken inside every prompt before averaging, so that its interval is a
    paired one. Its language is the target.

    Of a sweep the quantities are ``"probability"``, ``"baseline"`` (without a change, the same at
    every layer) and ``"control: <name>"``; the column ``language`` has the labels of its token
    sets.

    Args:
        run: readings at one position, a sweep, or published means (``data.published``). These
            have no ``top1``, and every statistic but the mean is NaN.
        ci: ``"bootstrap"``, or ``"gaussian"`` for the paper's mean ± 1.96·s/√n. The Gaussian band
            of a small probability can reach below 0: then the formula does not fit. If prompts
            share a concept, as in a pool of several sources, both count concepts (``mean_ci`` with
            clusters).

    Returns:
        The columns layer, quantity, language, mean, lower, upper, median, above_10, n.

    Raises:
        DataError: for a run of no prompt, of several positions, or with a number that is not
            finite.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "fr", "de", every=100, progress=False)
    >>> table = ll.summarize(run)
    >>> table.columns.tolist()
    ['layer', 'quantity', 'language', 'mean', 'lower', 'upper', 'median', 'above_10', 'n']
    >>> curve = table[(table["quantity"] == "probability") & (table["language"] == "de")]
    >>> curve["layer"].tolist() == list(run.layers)
    True
    """
    if not isinstance(run, MeanCurves):
        require_rows(run)
    rows = []
    for quantity, code, values in _curves(run):
        values = require_finite(values, f"the {quantity}, [prompt, layer],")
        curves = _statistics(run, quantity, values, ci)
        for layer, *numbers in zip(run.layers, *(curve.tolist() for curve in curves)):
            rows.append((layer, quantity, code, *numbers, len(run)))
    statistics = ["mean", "lower", "upper", "median", "above_10", "n"]
    return pd.DataFrame(rows, columns=["layer", "quantity", "language", *statistics])


def _statistics(
    run: Run | Sweep | MeanCurves, quantity: str, values: Shaped[Tensor, "*prompt layer"], ci: str
) -> list[Float[Tensor, " layer"]]:
    """Return mean, lower and upper bound, median and share above 10 %; NaN where not known."""
    if isinstance(run, MeanCurves):
        return [values, *(torch.full_like(values, math.nan) for _ in range(4))]
    statistics = [*mean_ci(values, ci, clusters=run.clusters), values.double().quantile(0.5, 0)]
    if quantity == "probability" or isinstance(run, Sweep):
        return [*statistics, (values > _HIGH).double().mean(0)]
    return [*statistics, torch.full_like(statistics[-1], math.nan)]


def _curves(run: Run | Sweep | MeanCurves) -> list:
    """Return (quantity, language, values) for every quantity that has a mean."""
    curves = []
    for quantity, code, values in run.curves():
        if quantity == "rank":  # one word far down would outweigh all others in a mean rank
            quantity, values = "top1", (values == 1).float()
        curves.append((quantity, code, values))
    if isinstance(run, Sweep):
        return curves
    pivot, target = run.pivot, run.target
    if pivot != target and {pivot, target} <= set(run.languages):
        curves.append(("difference", target, run.probability[target] - run.probability[pivot]))
    return curves
