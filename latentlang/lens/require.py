"""What statistics and figures need: a run, curves that have means, finite numbers."""

from __future__ import annotations

from typing import TypeVar

from jaxtyping import Shaped
from torch import Tensor

from ..errors import DataError
from .curves import MeanCurves, no_prompts
from .run import Run
from .sweep_result import Sweep

Rows = TypeVar("Rows", Run, Sweep)


def require_run(run: object) -> Run:
    """Return a run, or raise ``DataError`` for anything else."""
    if isinstance(run, MeanCurves):
        raise no_prompts()
    if not isinstance(run, Run):
        raise DataError(
            "This needs a run, what ll.decode or ll.run_experiment returns, and it is a "
            f"{type(run).__name__}: pass the run itself."
        )
    return run


def require_means(run: object) -> Run:
    """Return a run, or raise ``DataError`` if a mean over its prompts makes no sense."""
    run = _some(require_run(run))
    if run.position_tokens:
        raise DataError("Means are over prompts at one position: take run.last_position().")
    return run


def _some(rows: Rows) -> Rows:
    """Return a run or a sweep, or raise ``DataError`` if it has no prompts."""
    if not len(rows):
        raise DataError(
            "No prompt is left to average over: choose fewer filters, or more concepts."
        )
    return rows


def require_curves(run: object) -> Run | MeanCurves:
    """Return a run or published means, or raise ``DataError`` if a mean makes no sense."""
    return run if isinstance(run, MeanCurves) else require_means(run)


def require_rows(run: object) -> Run | Sweep:
    """Return a run or a sweep, or raise ``DataError`` if a mean over its prompts makes no sense."""
    return _some(run) if isinstance(run, Sweep) else require_means(run)


def require_sweep(sweep: object) -> Sweep:
    """Return a sweep with prompts, or raise ``DataError`` for anything else."""
    if not isinstance(sweep, Sweep):
        raise DataError(
            "This needs a sweep, what ll.sweep or ll.run_sweep returns, and it is a "
            f"{type(sweep).__name__}: pass the sweep itself."
        )
    return _some(sweep)


def require_finite(values: Shaped[Tensor, "*any"], name: str) -> Shaped[Tensor, "*any"]:
    """Return numbers, or raise ``DataError`` if one is NaN or infinite.

    No comparison with NaN is true, and a mean with NaN is NaN, so that a statistic would be wrong
    without a word.

    >>> import torch
    >>> require_finite(torch.tensor([1.0, 2.0]), "the curve")
    tensor([1., 2.])
    """
    wrong = (~values.isfinite()).nonzero().tolist()
    if wrong:
        raise DataError(
            f"{len(wrong)} of the {values.numel()} numbers of {name} are not finite (NaN or "
            f"infinite), the first at {wrong[0]}: leave these rows out."
        )
    return values
