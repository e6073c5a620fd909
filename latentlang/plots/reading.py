"""Any reading by layer."""

from __future__ import annotations

import plotly.graph_objects as go

from ..errors import DataError, near
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import panel, reading_name


def reading(run: Run, name: str, ci: str = "gaussian") -> go.Figure:
    """Draw the mean of any reading by layer with its 95 % band: one curve, or one per language.

    Args:
        run: readings at one position.
        name: a row of ``READINGS``. For ``"rank"`` the figure shows the share of prompts with
            rank 1.
        ci: see ``summarize``.

    Raises:
        DataError: for a reading that the run does not have.
    """
    if name not in require_run(run).readings:
        known = ", ".join(run.readings)
        raise DataError(
            f"This run has no reading '{name}'.{near(name, run.readings)} It has {known}."
        )
    quantity = "top1" if name == "rank" else name
    label = reading_name(quantity)
    return panel(run, quantity, f"{label[0].upper()}{label[1:]} by layer", ci)
