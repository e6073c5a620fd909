"""The phases of the forward pass, and one row that sums up a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import DataError
from ..lens.require import require_means
from ..lens.run import Run
from .intervals import cluster_codes, mean_ci, resample

THRESHOLD = 0.05
_RESAMPLES = 1000


@dataclass(frozen=True)
class Phases:
    """The layers at which the concept phase and the target phase begin, or None.

    The intervals hold 95 % of the resamples that have the phase. ``*_share`` is the share of
    resamples that have it.
    """

    concept_start: int | None
    target_start: int | None
    concept_interval: tuple[int, int] | None = None
    target_interval: tuple[int, int] | None = None
    concept_share: float | None = None
    target_share: float | None = None


def find_phases(run: Run | pd.DataFrame) -> Phases:
    """Find the layers at which the pivot language and then the target language take over.

    Concept phase: from the first layer where P(pivot) > 0.05 and P(pivot) > P(target). Target
    phase: from the first layer after which P(target) > P(pivot) to the end, if P(target) > 0.05 at
    the end.

    Args:
        run: a run, or a table of two curves (index: layer; columns ``pivot`` and ``target``).

    Returns:
        The layer numbers. A run also gives intervals, from a bootstrap over concepts.

    Raises:
        DataError: for a table without these columns, and for a run without a pair of languages.

    >>> curves = {"pivot": [0.0, 0.4, 0.2], "target": [0.0, 0.1, 0.7]}
    >>> phases = find_phases(pd.DataFrame(curves, index=[1, 2, 3]))
    >>> phases.concept_start, phases.target_start
    (2, 3)
    """
    if isinstance(run, pd.DataFrame):
        if not {"pivot", "target"} <= set(run.columns) or not len(run):
            raise DataError(
                "find_phases needs the columns 'pivot' and 'target', one row per layer."
            )
        layers = [int(layer) for layer in run.index]
        curves = torch.tensor(run[["pivot", "target"]].to_numpy(dtype=float))
        concept, target = _starts(curves[:, 0][None], curves[:, 1][None])
        return Phases(_layer(concept[0], layers), _layer(target[0], layers))
    require_means(run)
    pivot, target = (run.probability[code].double() for code in run.pair)
    resamples = resample(cluster_codes(run.clusters), _RESAMPLES)
    weights = torch.cat([torch.full_like(resamples[:1], 1 / len(run)), resamples])
    concept, handover = _starts(weights @ pivot, weights @ target)
    concept_interval, concept_share = _interval(concept[1:], run.layers)
    target_interval, target_share = _interval(handover[1:], run.layers)
    return Phases(
        _layer(concept[0], run.layers),
        _layer(handover[0], run.layers),
        concept_interval,
        target_interval,
        concept_share,
        target_share,
    )


def _starts(
    pivot: Float[Tensor, "curve layer"], target: Float[Tensor, "curve layer"]
) -> tuple[Int[Tensor, " curve"], Int[Tensor, " curve"]]:
    """Return the first indices of both phases for curves ``[n, n_layers]``; -1 for no phase."""
    leads = (pivot > THRESHOLD) & (pivot > target)
    concept = torch.where(leads.any(-1), leads.int().argmax(-1), -1)
    # 1 where the target leads from here to the end
    stays = (target > pivot).flip(-1).int().cumprod(-1).flip(-1)
    has = stays.any(-1) & (target[:, -1] > THRESHOLD)
    return concept, torch.where(has, stays.argmax(-1), -1)


def headlines(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Return a table that compares runs: one row per run.

    Args:
        runs: ``{name: run}``.

    Returns:
        The index is the name. A layer is empty if there is none. The columns are
        ``n``: how many prompts;
        ``pivot_peak``: the highest mean P(pivot) at any layer, with its 95 % interval (Gaussian)
        from ``lower`` to ``upper``, and its layer, ``at_layer``;
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
    table = pd.DataFrame(rows, index=pd.Index(runs, name="experiment"))
    layers = ("at_layer", "concept_start", "target_start", "entropy_under_7")
    return table.astype(dict.fromkeys(layers, "Int64"))


def _headline(run: Run) -> dict[str, float | int | None]:
    phases = find_phases(run)
    pivot, target = run.pair
    means, lower, upper = mean_ci(run.probability[pivot], clusters=run.clusters)
    peak = int(means.argmax())
    sure = (run.entropy.mean(0) < 7).flip(0).int().cumprod(0).sum().item()
    return {
        "n": len(run),
        "pivot_peak": means[peak].item(),
        "lower": lower[peak].item(),
        "upper": upper[peak].item(),
        "at_layer": run.layers[peak],
        "target_last": run.probability[target][:, -1].mean().item(),
        "right": (run.rank[target][:, -1] == 1).float().mean().item(),
        "concept_start": phases.concept_start,
        "target_start": phases.target_start,
        "entropy_under_7": run.layers[-sure] if sure else None,
    }


def _interval(
    starts: Int[Tensor, " resample"], layers: Sequence[int]
) -> tuple[tuple[int, int] | None, float]:
    """Return the 95 % interval of the starts that exist, and the share of them."""
    existing = starts[starts >= 0]
    share = len(existing) / len(starts)
    if not len(existing):
        return None, share
    levels = torch.tensor([0.025, 0.975], dtype=torch.double)
    lower, upper = torch.quantile(existing.double(), levels, interpolation="nearest")
    return (layers[int(lower)], layers[int(upper)]), share


def _layer(index: Int[Tensor, ""], layers: Sequence[int]) -> int | None:
    return layers[int(index)] if int(index) >= 0 else None
