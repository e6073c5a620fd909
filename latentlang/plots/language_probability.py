"""P(language) by layer, below a strip of the entropy."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.require import require_curves, require_run
from ..lens.run import Run
from .evidence import lead_note, tell
from .fit import finish
from .layer_curves import (
    add_curve,
    add_probabilities,
    add_yardstick,
    mark_quiet_layers,
    set_scale,
)
from .messages import languages_message
from .naming import band_note, facts

DECADES = 4  # that a logarithmic axis shows: 0.01 % to 100 %, or lower ones for an untrained model
SCALES = ("probability", "logarithmic", "share of the followed languages")
_QUESTION = "Which language is the next token in?"


def language_probability(
    run: Run | MeanCurves,
    ci: str = "gaussian",
    scale: str = SCALES[0],
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw P(language) by layer with its 95 % band, below a strip of the entropy.

    Source: paper, Figure 2. P(language) does not add up to 1 over languages; the shares of the
    followed languages do. The dotted line is the yardstick: the probability of another concept's
    words, in the language where it is highest.

    Args:
        run: readings at one position, or published means (``data.published``).
        ci: see ``summarize``; Gaussian bands as in the paper. The title says where such a band
            leaves 0 to 1.
        scale: one of ``SCALES``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for an unknown scale or theme, or a run without means.
    """
    if scale not in SCALES:
        raise DataError(f"Unknown scale '{scale}': use one of {', '.join(SCALES)}.")
    if scale == SCALES[2] and require_curves(run).languages:
        run = _shares(require_run(run))  # a share of means is not a mean of shares
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.24, 0.76], vertical_spacing=0.06
    )
    summary = summarize(run, ci)
    add_entropy(figure, summary, run, 1)
    axis = "share" if scale == SCALES[2] else "probability"
    add_probabilities(figure, summary, run, 2, axis)
    figure.update_xaxes(title_text="layer", row=2, col=1)
    mark_quiet_layers(figure, run)
    if scale == SCALES[1]:
        _make_logarithmic(figure, summary)
    message = languages_message(tell(run)) if {run.pivot, run.target} <= {*run.languages} else ""
    drawn = summary[summary["language"].isin(run.languages)]
    return finish(
        figure,
        message or "No language was followed here",
        facts(run, _QUESTION),
        notes=[
            *lead_note(run, message),
            *band_note(drawn[drawn["quantity"] == "probability"]),
        ],
        area=380,
        theme=theme,
        width=width,
    )


def _shares(run: Run) -> Run:
    """Return the run with P(language) as shares of the languages that it follows."""
    total = sum(run.probability[code] for code in run.languages).clamp_min(1e-12)
    shares = {code: run.probability[code] / total for code in run.languages}
    return run.with_readings(probability=shares)


def add_entropy(figure: go.Figure, summary: pd.DataFrame, run: Run | MeanCurves, row: int) -> None:
    """Add a strip of the entropy from 0 upwards; its yardstick: all tokens are alike."""
    add_curve(figure, summary, run, "entropy", "", row)
    values = summary[summary["quantity"] == "entropy"]
    heights = values["upper"].fillna(values["mean"]).tolist()
    if "entropy" in run.chance:
        name, most = "all tokens alike", [run.chance["entropy"]] * len(run.layers)
        add_yardstick(figure, run.layers, most, name, name, number_format=".4~g", row=row)
        heights += most
    set_scale(figure, heights, row)


def _make_logarithmic(figure: go.Figure, summary: pd.DataFrame) -> None:
    """Show the probabilities on a logarithmic axis, which is cut; the curves keep their values."""
    highest = summary.loc[summary["quantity"] == "probability", "mean"].max()
    top = math.ceil(math.log10(highest)) if 0 < highest < 10 ** (1 - DECADES) else 0
    for trace in figure.data:
        if trace.yaxis == "y2" and trace.fill == "toself":
            # An area with a corner at 0 or less could not be drawn at all. It ends below the axis.
            trace.y = [max(value, 10.0 ** (top - DECADES - 1)) for value in trace.y]
    for note in figure.layout.annotations:
        if note.yref == "y2":  # positions on a logarithmic axis are exponents
            note.y = math.log10(max(note.y, 10.0 ** (top - DECADES)))
    figure.update_yaxes(type="log", range=[top - DECADES, top + 0.05], dtick=1, row=2, col=1)
