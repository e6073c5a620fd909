"""P(language) by layer, below a strip of the entropy."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import add_curve, add_probabilities, title
from .style import apply_style

LEAST = 1e-4  # the smallest value that a logarithmic axis shows
SCALES = ("probability", "logarithmic", "share of the followed languages")


def language_probability(run: Run, ci: str = "gaussian", scale: str = SCALES[0]) -> go.Figure:
    """Draw P(language) by layer with its 95 % band, below a strip of the entropy.

    Source: paper, Figure 2. P(language) does not add up to 1 over languages; the shares of the
    followed languages do.

    Args:
        run: readings at one position.
        ci: see ``summarize``.
        scale: one of ``SCALES``.

    Raises:
        DataError: for an unknown scale, or a run without means.
    """
    if scale not in SCALES:
        raise DataError(f"Unknown scale '{scale}': use one of {', '.join(SCALES)}.")
    if scale == SCALES[2] and require_run(run).languages:
        total = sum(run.probability.values()).clamp_min(1e-12)
        shares = {code: p / total for code, p in run.probability.items()}
        run = run.with_readings(probability=shares)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.24, 0.76], vertical_spacing=0.06
    )
    summary = summarize(run, ci)
    add_curve(figure, summary, run, "entropy", "", 1)
    add_probabilities(figure, summary, run, 2)
    figure.update_xaxes(title_text="layer", row=2, col=1)
    if scale == SCALES[1]:
        for trace in figure.data:
            if trace.yaxis == "y2":  # a logarithm cannot show values of 0 or less
                trace.y = [max(value, LEAST) for value in trace.y]
        figure.update_yaxes(
            type="log", range=[math.log10(LEAST), 0.05], tickformat=None, row=2, col=1
        )
    if scale == SCALES[2]:
        figure.update_yaxes(title_text="share", row=2, col=1)
    return apply_style(figure, title("Which language is the next token in?", run), 520)
