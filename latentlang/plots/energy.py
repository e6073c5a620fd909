"""Token energy by layer."""

from __future__ import annotations

import plotly.graph_objects as go

from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import panel


def energy(run: Run, ci: str = "gaussian") -> go.Figure:
    """Draw the mean token energy by layer with its 95 % band (paper, Eq. 2).

    Args:
        run: readings at one position, with energy.
        ci: see ``summarize``.

    Raises:
        DataError: for a run without token energy or means.
    """
    if require_run(run).energy is None:
        raise DataError("This run has no token energy: decode with energy=True.")
    return panel(run, "energy", "How much of the latent can the output layer read?", ci)
