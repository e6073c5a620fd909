"""The phases of the forward pass, and one row that sums up a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.require import require_finite, require_means
from ..lens.run import Run
from .intervals import cluster_codes, resample

THRESHOLD = 0.05
_RESAMPLES = 1000


@dataclass(frozen=True)
class Phases:
    """The layers at which the concept phase and the target phase begin, or None.

    ``copy``: the layers at which the source leads, inside a phase or not: the mean P(source) is
    above 0.05, above P(pivot) and above P(target). What looks like a phase there may be a copy of
    the word in the prompt. None if it was not measured: no one source language is followed beside
    pivot and target.

    The intervals hold 95 % of the resamples that have the phase. ``*_share`` is the share of
    resamples that have it. One concept says nothing about the spread: both are then None, as for
    curves without prompts.
    """

    concept_start: int | None
    target_start: int | None
    copy: tuple[int, ...] | None = None
    concept_interval: tuple[int, int] | None = None
    target_interval: tuple[int, int] | None = None
    concept_share: float | None = None
    target_share: float | None = None


def find_phases(run: Run | MeanCurves | pd.DataFrame, *, floor: float = 0.0) -> Phases:
    """Find the layers at which the pivot language and then the target language take over.

    The rule reads two curves; a third one, of the source, only marks ``copy``. The paper also
    defines its phases by entropy and token energy (section 4.2), so the starts need not be those
    that the paper gives, nor a concept phase what the paper calls the concept space. The target
    phase is named after the language that leads; the paper's name is output space.

    Concept phase: from the first layer where P(pivot) > 0.05 and P(pivot) > P(target). Target
    phase: from the first layer after which P(target) > P(pivot) to the end, if P(target) > 0.05 at
    the end. Both may be near zero there: ``floor`` asks for more.

    Args:
        run: a run, published means (``data.published``), or a table of curves (index: layer;
            columns ``pivot`` and ``target``, and ``source`` if there is one).
        floor: in the target phase P(target) must also be above this, to the end.

    Returns:
        The layer numbers. A run about several concepts also gives intervals, from a bootstrap over
        concepts.

    Raises:
        DataError: for a table without these columns or with gaps, and for a run without a pair of
            languages.

    >>> curves = {"pivot": [0.0, 0.4, 0.2], "target": [0.0, 0.1, 0.7]}
    >>> phases = find_phases(pd.DataFrame(curves, index=[1, 2, 3]))
    >>> phases.concept_start, phases.target_start
    (2, 3)
    >>> curves = {"pivot": [0.0, 0.0, 0.0], "target": [0.01, 0.2, 0.7]}
    >>> early = pd.DataFrame(curves, index=[1, 2, 3])
    >>> find_phases(early).target_start, find_phases(early, floor=0.05).target_start
    (1, 2)
    """
    if isinstance(run, MeanCurves):
        named = zip(("pivot", "target", "source"), (*run.pair, followed_source(run)))
        curves = {name: run.probability[code] for name, code in named if code is not None}
        run = pd.DataFrame(curves, run.layers)
    if isinstance(run, pd.DataFrame):
        if not {"pivot", "target"} <= set(run.columns) or not len(run):
            raise DataError(
                "find_phases needs the columns 'pivot' and 'target', one row per layer."
            )
        try:
            layers = [int(layer) for layer in run.index]
            names = [name for name in ("pivot", "target", "source") if name in run.columns]
            columns = torch.tensor(run[names].to_numpy(dtype=float)).T
        except (TypeError, ValueError):
            raise DataError(
                "find_phases needs numbers: layers as the index, probabilities in the columns."
            ) from None
        return _phases(layers, floor, *columns)
    pivot, target = _curves(run)
    source = followed_source(run)
    copied = None if source is None else run.probability[source].double().mean(0)
    found = _phases(run.layers, floor, pivot.mean(0), target.mean(0), copied)
    codes = cluster_codes(run.clusters)
    if codes.max() == 0:
        return found
    weights = resample(codes, _RESAMPLES)
    concepts, starts = _starts(weights @ pivot, weights @ target, floor)
    concept_interval, concept_share = _interval(concepts, run.layers)
    target_interval, target_share = _interval(starts, run.layers)
    return replace(
        found,
        concept_interval=concept_interval,
        target_interval=target_interval,
        concept_share=concept_share,
        target_share=target_share,
    )


def followed_source(run: Run | MeanCurves) -> str | None:
    """Return the one source language of a run, if it is followed beside pivot and target."""
    known = run.source in run.probability and run.source not in run.pair
    return run.source if known else None


def _phases(
    layers: Sequence[int],
    floor: float,
    pivot: Float[Tensor, " layer"],
    target: Float[Tensor, " layer"],
    source: Float[Tensor, " layer"] | None = None,
) -> Phases:
    """Return the phases of mean curves, and the copy if the source is followed."""
    concept, start = _starts(pivot[None], target[None], floor)
    copy = None
    if source is not None:
        require_finite(source, "the curve of the source")
        leads = (source > THRESHOLD) & (source > pivot) & (source > target)
        copy = tuple(layer for layer, lead in zip(layers, leads.tolist()) if lead)
    return Phases(_layer(concept[0], layers), _layer(start[0], layers), copy)


def handover(run: Run) -> int | None:
    """Return the first layer from which the target stays ahead of the pivot to the end, or None.

    It is about the mean curves. A phase also asks for more than 5 % at the end (``find_phases``).

    Args:
        run: readings at one position.

    Raises:
        DataError: for a run without a pair of languages, or without means.
    """
    pivot, target = (curve.mean(0) for curve in _curves(run))
    return first_lasting(target > pivot, run.layers)


def first_lasting(holds: Bool[Tensor, " layer"], layers: Sequence[int]) -> int | None:
    """Return the first layer from which something holds to the end, or None.

    >>> first_lasting(torch.tensor([True, False, True, True]), [1, 2, 3, 4])
    3
    """
    return _layer(_lasting(holds[None])[0], layers)


def _curves(
    run: Run,
) -> tuple[Float[Tensor, "prompt layer"], Float[Tensor, "prompt layer"]]:
    """Return P(pivot) and P(target) of every prompt, in double precision."""
    run = require_means(run)
    pivot, target = (run.probability[code].double() for code in run.pair)
    return pivot, target


def _starts(
    pivot: Float[Tensor, "curve layer"], target: Float[Tensor, "curve layer"], floor: float
) -> tuple[Int[Tensor, " curve"], Int[Tensor, " curve"]]:
    """Return the first indices of both phases for curves ``[n, n_layers]``; -1 for no phase."""
    require_finite(torch.stack([pivot, target]), "the curves of pivot and target")
    leads = (pivot > THRESHOLD) & (pivot > target)
    concept = torch.where(leads.any(-1), leads.int().argmax(-1), -1)
    ahead = (target > pivot) & (target > floor)
    return concept, torch.where(target[:, -1] > THRESHOLD, _lasting(ahead), -1)


def _lasting(holds: Bool[Tensor, "curve layer"]) -> Int[Tensor, " curve"]:
    """Return the first index from which something holds to the end, ``[n]``; -1 for none."""
    stays = holds.flip(-1).int().cumprod(-1).flip(-1)
    return torch.where(stays.any(-1), stays.argmax(-1), -1)


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
