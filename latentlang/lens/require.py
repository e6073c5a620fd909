"""What summaries and figures need: a run, or one whose prompts can be averaged."""

from __future__ import annotations

from ..errors import DataError
from .run import Run


def require_run(run: object) -> Run:
    """Return a run, or raise ``DataError`` for anything else."""
    if not isinstance(run, Run):
        raise DataError(
            "This needs a run, what ll.decode or ll.run_experiment returns, and it is a "
            f"{type(run).__name__}: pass the run itself."
        )
    return run


def require_means(run: object) -> Run:
    """Return a run, or raise ``DataError`` if a mean over its prompts makes no sense."""
    run = require_run(run)
    if not len(run):
        raise DataError(
            "No prompt is left to average over: choose fewer filters, or more concepts."
        )
    if run.position_tokens:
        raise DataError("Means are over prompts at one position: take run.last_position().")
    return run
