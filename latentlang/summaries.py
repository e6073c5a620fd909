"""From readings to curves: means with intervals, the phases of the forward pass, and one row that sums up a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import torch

from .decoded import Decoded
from .errors import DataError
from .metrics import cluster_codes, mean_ci, resample

THRESHOLD = 0.05
_RESAMPLES = 1000


def summarize(decoded: Decoded, ci: str = "gaussian") -> pd.DataFrame:
    """Return mean and 95 % interval over prompts for every layer, as a tidy table.

    Columns: layer, quantity (probability, top1, difference, entropy in bits, energy), language (empty for
    the last two), mean, lower, upper, n. ``top1``: the share of prompts whose most probable token begins
    the word. ``difference``: P(target) − P(pivot), taken inside every prompt before averaging, so that its
    interval is a paired one (language: the target).

    ``ci``: ``"gaussian"`` (the paper's mean ± 1.96·s/√n) or ``"bootstrap"``. Where prompts share a concept, as
    in a pool of several sources, both count concepts (``metrics.mean_ci`` with clusters).
    """
    rows = []
    decoded.checked()
    curves = [("top1" if q == "rank" else q, code, (x == 1).float() if q == "rank" else x) for q, code, x in decoded.curves()]
    if len(decoded.languages) > 1 and len(set(pair := decoded.pivot_and_target)) == 2:
        pivot, target = pair
        curves.append(("difference", target, decoded.probability[target] - decoded.probability[pivot]))
    for quantity, code, values in curves:
        bounds = [b.tolist() for b in mean_ci(values, ci, clusters=clusters(decoded.prompts["concept"]))]
        for layer, mean, lower, upper in zip(decoded.layers, *bounds):
            rows.append((layer, quantity, code, mean, lower, upper, len(decoded)))
    return pd.DataFrame(rows, columns=["layer", "quantity", "language", "mean", "lower", "upper", "n"])


@dataclass(frozen=True)
class Phases:
    """Where the concept phase and the target phase begin (layer numbers), or None where there is none.

    The intervals hold 95 % of the resamples that have the phase; ``*_share`` is the share that has it.
    """

    concept_start: int | None
    target_start: int | None
    concept_interval: tuple[int, int] | None = None
    target_interval: tuple[int, int] | None = None
    concept_share: float | None = None
    target_share: float | None = None


def find_phases(decoded: Decoded | pd.DataFrame) -> Phases:
    """Find the layers at which the pivot language and then the target language take over.

    Concept phase: from the first layer where P(pivot) > 0.05 and P(pivot) > P(target). Target
    phase: from the first layer after which P(target) > P(pivot) to the end, with P(target) > 0.05 at the end.
    From a ``Decoded`` with intervals from a bootstrap over concepts; from a table of curves (index: layer;
    columns ``pivot`` and ``target``) without.
    """
    if isinstance(decoded, pd.DataFrame):
        if not {"pivot", "target"} <= set(decoded.columns) or not len(decoded):
            raise DataError("find_phases needs the columns 'pivot' and 'target', one row a layer.")
        layers = [int(layer) for layer in decoded.index]
        curves = torch.tensor(decoded[["pivot", "target"]].to_numpy(dtype=float))
        concept, target = _starts(curves[:, 0][None], curves[:, 1][None])
        return Phases(_layer(concept[0], layers), _layer(target[0], layers))
    decoded.checked()
    pivot, target = (decoded.probability[code].double() for code in decoded.pivot_and_target)
    resamples = resample(cluster_codes(clusters(decoded.prompts["concept"])), _RESAMPLES)
    weights = torch.cat([torch.full_like(resamples[:1], 1 / len(decoded)), resamples])
    concept, handover = _starts(weights @ pivot, weights @ target)
    spread = [_interval(starts[1:], decoded.layers) for starts in (concept, handover)]
    return Phases(
        _layer(concept[0], decoded.layers), _layer(handover[0], decoded.layers),
        spread[0][0], spread[1][0], spread[0][1], spread[1][1],
    )  # fmt: skip


def _starts(pivot: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the starting indices of both phases for curves ``[n, n_layers]``; -1 where there is none."""
    leads = (pivot > THRESHOLD) & (pivot > target)
    concept = torch.where(leads.any(-1), leads.int().argmax(-1), -1)
    stays = (target > pivot).flip(-1).int().cumprod(-1).flip(-1)  # 1 where the target leads from here to the end
    has = stays.any(-1) & (target[:, -1] > THRESHOLD)
    return concept, torch.where(has, stays.argmax(-1), -1)


def headlines(runs: Mapping[str, Decoded]) -> pd.DataFrame:
    """Return a table that compares runs, one row a run, named as in ``runs``.

    Columns: ``n`` prompts; ``pivot_peak``, the highest mean P(pivot) at any layer, with ``lower`` and ``upper`` (95 %, Gaussian)
    and the layer, ``at_layer``; ``target_last``, the mean P(target) at the last layer; ``right``, the share of prompts whose most
    probable token there begins the target word; ``concept_start`` and ``target_start`` (``find_phases``); ``entropy_under_7``, the
    first layer from which the mean entropy stays below 7 bits. A layer is empty where there is none.
    """
    if not runs:
        raise DataError("headlines needs at least one run: pass {name: decoded, …}.")
    table = pd.DataFrame([_headline(run) for run in runs.values()], index=pd.Index(runs, name="experiment"))
    return table.astype(dict.fromkeys(("at_layer", "concept_start", "target_start", "entropy_under_7"), "Int64"))


def _headline(decoded: Decoded) -> dict[str, float | int | None]:
    found = find_phases(decoded)
    pivot, target = decoded.pivot_and_target
    means, lower, upper = mean_ci(decoded.probability[pivot], clusters=clusters(decoded.prompts["concept"]))
    peak = int(means.argmax())
    sure = (decoded.entropy.mean(0) < 7).flip(0).int().cumprod(0).sum().item()
    return {
        "n": len(decoded),
        "pivot_peak": means[peak].item(),
        "lower": lower[peak].item(),
        "upper": upper[peak].item(),
        "at_layer": decoded.layers[peak],
        "target_last": decoded.probability[target][:, -1].mean().item(),
        "right": (decoded.rank[target][:, -1] == 1).float().mean().item(),
        "concept_start": found.concept_start,
        "target_start": found.target_start,
        "entropy_under_7": decoded.layers[-sure] if sure else None,
    }


def clusters(concepts: Iterable[str]) -> list:
    """Return a cluster label for every prompt: its concept; a bare text, which has none, is about itself alone."""
    return [concept or row for row, concept in enumerate(concepts)]


def _interval(starts: torch.Tensor, layers) -> tuple[tuple[int, int] | None, float]:
    found = starts[starts >= 0]
    share = len(found) / len(starts)
    if not len(found):
        return None, share
    lower, upper = torch.quantile(found.double(), torch.tensor([0.025, 0.975], dtype=torch.double), interpolation="nearest")
    return (layers[int(lower)], layers[int(upper)]), share


def _layer(index, layers) -> int | None:
    return layers[int(index)] if int(index) >= 0 else None
