"""Entropy, token energy and P(language) over one layer axis, with the three phases shaded."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.phases import Phases, find_phases
from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import add_curve, add_probabilities, title
from .style import MUTED_COLOR, apply_style


def phases(run: Run, starts: Phases | None = None, ci: str = "gaussian") -> go.Figure:
    """Draw entropy, token energy and P(language) over one layer axis, with the phases shaded.

    Source: the paper's anatomy figure.

    Args:
        run: readings at one position, with energy.
        starts: the phases to shade; None computes them.
        ci: see ``summarize``.

    Raises:
        DataError: for a run without token energy or means.
    """
    if require_run(run).energy is None:
        raise DataError("The three phases need the token energy: decode with energy=True.")
    starts = starts or find_phases(run)
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.27, 0.27, 0.46]
    )
    summary = summarize(run, ci)
    add_curve(figure, summary, run, "entropy", "", 1)
    add_curve(figure, summary, run, "energy", "", 2)
    add_probabilities(figure, summary, run, 3)
    figure.update_xaxes(title_text="layer", row=3, col=1)
    apply_style(figure, title("Three phases", run), 680)
    # Room for the names of the phases below the legend.
    figure.update_layout(legend={"y": 1.045}, margin={"t": 112})
    for start, end, name, fill in _spans(starts, run.layers):
        figure.add_vrect(
            x0=start,
            x1=end,
            fillcolor=fill,
            opacity=0.16,
            line_width=0,
            layer="below",
            row="all",
            col=1,
            exclude_empty_subplots=False,
        )
        figure.add_annotation(
            x=(start + end) / 2,
            y=1.0,
            yref="y domain",
            yanchor="bottom",
            text=name,
            showarrow=False,
            font={"color": MUTED_COLOR},
        )
    return figure


def _spans(starts: Phases, layers: Sequence[int]) -> list[tuple[float, float, str, str]]:
    """Return (start, end, name, colour) of the phases along the layer axis."""
    first, last = layers[0] - 0.5, layers[-1] + 0.5
    target = last if starts.target_start is None else starts.target_start - 0.5
    concept = target
    if starts.concept_start is not None and not starts.concept_start - 0.5 > target:
        concept = starts.concept_start - 0.5
    spans = [
        (first, concept, "input", "#999999"),
        (concept, target, "concept", "#E69F00"),
        (target, last, "target", "#56B4E9"),
    ]
    return [span for span in spans if span[1] > span[0]]
