"""From readings to curves: means with intervals, as one tidy table."""

from __future__ import annotations

import pandas as pd

from ..lens.require import require_means
from ..lens.run import Run
from .intervals import mean_ci


def summarize(run: Run, ci: str = "gaussian") -> pd.DataFrame:
    """Return mean and 95 % interval over prompts for every layer, as a tidy table.

    The quantities are the readings, with two changes. Instead of the rank there is ``top1``: the
    share of prompts whose most probable token begins the word. And ``difference`` is
    P(target) − P(pivot), taken inside every prompt before averaging, so that its interval is a
    paired one. Its language is the target.

    Args:
        run: readings at one position.
        ci: ``"gaussian"`` (the paper's mean ± 1.96·s/√n) or ``"bootstrap"``. If prompts share a
            concept, as in a pool of several sources, both count concepts (``mean_ci`` with
            clusters).

    Returns:
        The columns layer, quantity, language, mean, lower, upper, n.

    Raises:
        DataError: for a run of no prompt, or of several positions.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "fr", "de", every=100, progress=False)
    >>> table = ll.summarize(run)
    >>> table.columns.tolist()
    ['layer', 'quantity', 'language', 'mean', 'lower', 'upper', 'n']
    >>> curve = table[(table["quantity"] == "probability") & (table["language"] == "de")]
    >>> curve["layer"].tolist() == list(run.layers)
    True
    """
    require_means(run)
    rows = []
    for quantity, code, values in _curves(run):
        bounds = [bound.tolist() for bound in mean_ci(values, ci, clusters=run.clusters)]
        for layer, mean, lower, upper in zip(run.layers, *bounds):
            rows.append((layer, quantity, code, mean, lower, upper, len(run)))
    columns = ["layer", "quantity", "language", "mean", "lower", "upper", "n"]
    return pd.DataFrame(rows, columns=columns)


def _curves(run: Run) -> list:
    """Return (quantity, language, values) for every quantity that has a mean."""
    curves = []
    for quantity, code, values in run.curves():
        if quantity == "rank":  # one word far down would outweigh all others in a mean rank
            quantity, values = "top1", (values == 1).float()
        curves.append((quantity, code, values))
    pivot, target = run.pivot, run.target
    if pivot != target and {pivot, target} <= set(run.languages):
        curves.append(("difference", target, run.probability[target] - run.probability[pivot]))
    return curves
