"""From readings to curves: means with intervals, and the phases of the forward pass."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch

from .decoded import Decoded
from .errors import DataError
from .metrics import mean_ci

THRESHOLD = 0.05
_RESAMPLES = 1000


def summarize(decoded: Decoded, ci: str = "gaussian") -> pd.DataFrame:
    """Return mean and 95 % interval over prompts for every layer, as a tidy table.

    Columns: layer, quantity (probability, top1, entropy in bits, energy), language (empty for
    the last two), mean, lower, upper, n. ``top1`` is the share of prompts whose most probable token begins
    the word. ``ci``: ``"gaussian"`` (the paper's mean ± 1.96·s/√n) or ``"bootstrap"``.
    """
    rows = []
    for quantity, code, values in decoded.curves():
        if quantity == "rank":
            quantity, values = "top1", (values == 1).float()
        bounds = [b.tolist() for b in mean_ci(values, ci)]
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
    From a ``Decoded`` (its first two languages are pivot and target) with intervals from a
    bootstrap over concepts; from a table of curves (index: layer; columns ``pivot`` and ``target``) without.
    """
    if isinstance(decoded, pd.DataFrame):
        if not {"pivot", "target"} <= set(decoded.columns) or not len(decoded):
            raise DataError("find_phases needs the columns 'pivot' and 'target', one row a layer.")
        layers = [int(layer) for layer in decoded.index]
        curves = torch.tensor(decoded[["pivot", "target"]].to_numpy(dtype=float))
        concept, target = _starts(curves[:, 0][None], curves[:, 1][None])
        return Phases(_layer(concept[0], layers), _layer(target[0], layers))
    if len(decoded.languages) < 2:
        raise DataError("Phases need a pivot and a target language: this run followed fewer than two.")
    pivot, target = (decoded.probability[code].double() for code in decoded.languages[:2])
    weights = torch.cat([torch.full((1, len(decoded)), 1 / len(decoded), dtype=torch.double), _resample(decoded.prompts["concept"])])
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


def _resample(concepts: pd.Series) -> torch.Tensor:
    """Return ``[resamples, n_prompts]`` weights: concepts drawn with replacement, each with all its prompts."""
    codes = torch.tensor(pd.factorize(concepts)[0])
    n = int(codes.max()) + 1
    generator = torch.Generator().manual_seed(0)
    counts = torch.stack([torch.bincount(torch.randint(n, (n,), generator=generator), minlength=n) for _ in range(_RESAMPLES)])
    weights = counts[:, codes].double()
    return weights / weights.sum(-1, keepdim=True)


def _interval(starts: torch.Tensor, layers) -> tuple[tuple[int, int] | None, float]:
    found = starts[starts >= 0]
    share = len(found) / len(starts)
    if not len(found):
        return None, share
    lower, upper = torch.quantile(found.double(), torch.tensor([0.025, 0.975], dtype=torch.double), interpolation="nearest")
    return (layers[int(lower)], layers[int(upper)]), share


def _layer(index, layers) -> int | None:
    return layers[int(index)] if int(index) >= 0 else None
