"""Curves by layer: probability of languages, entropy, token energy, the three phases."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.phases import Phases, find_phases
from ..analysis.summary import summarize
from ..errors import DataError, near
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import add_curve, curve_name, reading_name, title
from .style import MUTED_COLOR, apply_style

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
    _probabilities(figure, summary, run, 2)
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


def difference(run: Run, ci: str = "gaussian") -> go.Figure:
    """Draw P(target) − P(pivot) by layer, with its paired 95 % interval and a line at 0.

    The difference is taken inside every prompt before averaging.

    Args:
        run: readings at one position.
        ci: see ``summarize``.

    Raises:
        DataError: if pivot and target are one language, or the run has no means.
    """
    pivot, target = (curve_name(run, code) for code in require_run(run).pair)
    if pivot == target:
        raise DataError(
            f"{target} is both pivot and target here, so there is no difference to draw: "
            "choose another target."
        )
    figure = make_subplots(rows=1, cols=1)
    add_curve(figure, summarize(run, ci), run, "difference", run.pair[1], 1)
    figure.add_hline(y=0, line={"color": "#000000", "width": 1.5, "dash": "dot"})
    for height, anchor, side, name in (
        (1, "top", "above", target),
        (0, "bottom", "below", pivot),
    ):
        figure.add_annotation(
            x=0.01,
            xref="x domain",
            y=height,
            yref="y domain",
            xanchor="left",
            yanchor=anchor,
            showarrow=False,
            font={"color": MUTED_COLOR},
            text=f"{side} zero: {name} leads",
        )
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(tickformat="+.0%", title_text="P(target) − P(pivot)")
    return apply_style(figure, title("Who leads, prompt by prompt?", run), 420)


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
    return _panel(run, "energy", "How much of the latent can the output layer read?", ci)


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
    return _panel(run, quantity, f"{label[0].upper()}{label[1:]} by layer", ci)


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
    _probabilities(figure, summary, run, 3)
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


def _panel(run: Run, quantity: str, question: str, ci: str) -> go.Figure:
    """Return a figure of one panel with every curve of a quantity."""
    figure = make_subplots(rows=1, cols=1)
    summary = summarize(run, ci)
    for code in summary.loc[summary["quantity"] == quantity, "language"].unique():
        add_curve(figure, summary, run, quantity, code, 1)
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(title_text=reading_name(quantity))
    return apply_style(figure, title(question, run), 360)


def _spans(starts: Phases, layers) -> list[tuple[float, float, str, str]]:
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


def _probabilities(figure: go.Figure, summary, run: Run, row: int) -> None:
    for code in run.languages:
        add_curve(figure, summary, run, "probability", code, row)
    highest = summary.loc[summary["quantity"] == "probability", "mean"].max()
    # An untrained model stays near 1 / vocabulary.
    if not highest < 0.03:
        tickformat = ".0%"
    elif highest > 5e-4:
        tickformat = ".2%"
    else:
        tickformat = ".1e"
    figure.update_yaxes(
        title_text="probability", rangemode="tozero", tickformat=tickformat, row=row, col=1
    )
