"""``headlines``: one row that sums up a run."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

import pandas as pd
import torch

from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.run import Run
from .paired import paired_difference
from .phases import find_phases, first_lasting
from .summary import summarize


def headlines(runs: Mapping[Hashable, Run | MeanCurves]) -> pd.DataFrame:
    """Return a table that compares runs: one row per run.

    Args:
        runs: ``{name: run}``. A name may also be a pair, such as ``("fr", "zh")``. Published means
            (``data.published``) are runs of which the columns that need single prompts are empty.

    Returns:
        The index is the name. A layer is empty if there is none. The columns are
        ``n``: how many prompts;
        ``pivot_peak``: the highest mean P(pivot) at any layer, with its 95 % interval (bootstrap)
        from ``lower`` to ``upper``, and its layer, ``at_layer``;
        ``median``, ``above_10``: the median of P(pivot) at that layer, and the share of prompts
        above 10 % there: a few prompts can make a mean;
        ``pivot_leads``: the first layer at which P(pivot) − P(target) stays above 0 in a 95 % band
        that holds at all layers at once (``metrics.paired_difference``);
        ``target_last``: the mean P(target) at the last layer;
        ``right``: the share of prompts whose most probable token at the last layer begins the
        target word;
        ``concept_start``, ``target_start``: see ``find_phases``;
        ``entropy_under_7``: the first layer from which the mean entropy stays below 7 bits.

    Raises:
        DataError: for no run, or for runs without names.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "fr", "de", every=100, progress=False)
    >>> row = ll.headlines({"fr to de": run}).loc["fr to de"]
    >>> bool(row["lower"] <= row["pivot_peak"] <= row["upper"]), row["at_layer"] in run.layers
    (True, True)
    """
    if not runs or not isinstance(runs, Mapping):
        raise DataError("headlines needs at least one run with its name: pass {name: run, …}.")
    rows = [_headline(run) for run in runs.values()]
    names = pd.Index(runs, name="experiment", tupleize_cols=False)
    table = pd.DataFrame(rows, index=names)
    layers = ("at_layer", "pivot_leads", "concept_start", "target_start", "entropy_under_7")
    return table.astype(dict.fromkeys(layers, "Int64"))


def _headline(run: Run | MeanCurves) -> dict[str, float | int | None]:
    phases = find_phases(run)
    pivot, target = run.pair
    table = summarize(run).set_index(["quantity", "language"])
    curve = table.loc[("probability", pivot)]
    peak = curve.iloc[curve["mean"].argmax()]
    entropy = torch.tensor(table.loc[("entropy", ""), "mean"].to_numpy())
    last = table[table["layer"] == run.layers[-1]]["mean"]
    return {
        "n": len(run),
        "pivot_peak": peak["mean"],
        "lower": peak["lower"],
        "upper": peak["upper"],
        "at_layer": peak["layer"],
        "median": peak["median"],
        "above_10": peak["above_10"],
        "pivot_leads": _first_lead(run),
        "target_last": last["probability", target],
        "right": last.get(("top1", target), math.nan),
        "concept_start": phases.concept_start,
        "target_start": phases.target_start,
        "entropy_under_7": first_lasting(entropy < 7, run.layers),
    }


def _first_lead(run: Run | MeanCurves) -> int | None:
    """Return the first layer at which the pivot surely leads the target, or None."""
    pivot, target = run.pair
    if pivot == target or isinstance(run, MeanCurves):
        return None
    table = paired_difference(run, pivot, target)
    return next(iter(table.index[table["leads"] == "first"]), None)
