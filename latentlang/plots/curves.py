"""Curves by layer: probability of languages, entropy, token energy, the three phases."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import cycle

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..decoded import Decoded
from ..display import MUTED, OTHER, language_label
from ..errors import DataError
from ..summaries import Phases, find_phases, summarize
from .layers import add_curve, title
from .look import GRID, finish

LEAST = 1e-4  # what a logarithmic axis shows at least
SCALES = ("probability", "logarithmic", "share of the followed languages")


def language_probability(decoded: Decoded, ci: str = "gaussian", scale: str = SCALES[0]) -> go.Figure:
    """Draw P(language) by layer with its 95 % band, over a strip of the entropy (paper, Figure 2).

    ``scale``: one of ``SCALES``. P(language) does not add up to 1 over languages; its share of the followed ones does.
    """
    if scale not in SCALES:
        raise DataError(f"Unknown scale '{scale}': use one of {', '.join(SCALES)}.")
    if scale == SCALES[2] and decoded.languages:
        total = sum(decoded.probability.values()).clamp_min(1e-12)
        decoded = replace(decoded, probability={code: p / total for code, p in decoded.probability.items()})
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.24, 0.76], vertical_spacing=0.06)
    summary = summarize(decoded, ci)
    add_curve(figure, summary, decoded, "entropy", "", 1)
    _probabilities(figure, summary, decoded, 2)
    figure.update_xaxes(title_text="layer", row=2, col=1)
    if scale == SCALES[1]:
        for trace in figure.data:
            if trace.yaxis == "y2":  # a logarithm has no place for what is 0 or less
                trace.y = [max(value, LEAST) for value in trace.y]
        figure.update_yaxes(type="log", range=[math.log10(LEAST), 0.05], tickformat=None, row=2, col=1)
    if scale == SCALES[2]:
        figure.update_yaxes(title_text="share", row=2, col=1)
    return finish(figure, title("Which language is the next token in?", decoded), 520)


def bars(table, x: str, y: str, title: str, group: str | None = None) -> go.Figure:
    """Draw the column ``y`` of a table as bars along ``x``, each with its number; side by side by ``group`` where one is given."""
    figure = go.Figure()
    parts = [("", table)] if group is None else table.groupby(group, sort=False)
    looks = ((MUTED, ""), ("#56B4E9", "/"), ("#E69F00", "x"), (OTHER, "."), ("#000000", "+"))  # not the colours of languages
    for (name, part), (color, shape) in zip(parts, cycle(looks)):
        marker = {"color": color, "pattern": {"shape": shape, "fgcolor": "white", "fillmode": "overlay"}}
        figure.add_bar(x=part[x], y=part[y], name=str(name), text=part[y], textposition="outside", marker=marker, showlegend=bool(group))
    figure.update_yaxes(title_text=y, gridcolor=GRID, range=[0, 1.12 * table[y].max()])  # room for the numbers
    many = table[x].nunique() > 10
    figure.update_xaxes(tickangle=-45 if many else 0)
    return finish(figure, title, 500 if many else 380)


def difference(decoded: Decoded, ci: str = "gaussian") -> go.Figure:
    """Draw P(target) − P(pivot) by layer, taken inside every prompt, with its paired 95 % interval and the line of no difference."""
    pivot, target = (language_label(code) for code in decoded.pivot_and_target)
    if pivot == target:
        raise DataError(f"{target} is both pivot and target here, so there is no difference to draw: choose another target.")
    figure = make_subplots(rows=1, cols=1)
    add_curve(figure, summarize(decoded, ci), decoded, "difference", decoded.pivot_and_target[1], 1)
    figure.add_hline(y=0, line={"color": "#000000", "width": 1.5, "dash": "dot"})
    for place, anchor, name in ((1, "top", target), (0, "bottom", pivot)):
        figure.add_annotation(
            x=0.01, xref="x domain", y=place, yref="y domain", xanchor="left", yanchor=anchor, showarrow=False, font={"color": MUTED},
            text=f"{'above' if place else 'below'} zero: {name} leads",
        )  # fmt: skip
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(tickformat="+.0%", title_text="P(target) − P(pivot)")
    return finish(figure, title("Who leads, prompt by prompt?", decoded), 420)


def energy(decoded: Decoded, ci: str = "gaussian") -> go.Figure:
    """Draw the mean token energy by layer with its 95 % band (paper, Eq. 2)."""
    if decoded.energy is None:
        raise DataError("This run has no token energy: decode with energy=True.")
    figure = make_subplots(rows=1, cols=1)
    add_curve(figure, summarize(decoded, ci), decoded, "energy", "", 1)
    figure.update_xaxes(title_text="layer")
    return finish(figure, title("How much of the latent can the output layer read?", decoded), 360)


def phases(decoded: Decoded, found: Phases | None = None, ci: str = "gaussian") -> go.Figure:
    """Draw entropy, token energy and P(language) over one layer axis, with the phases shaded, as in the paper's anatomy figure."""
    if decoded.energy is None:
        raise DataError("The three phases need the token energy: decode with energy=True.")
    found = found or find_phases(decoded)
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.27, 0.27, 0.46])
    summary = summarize(decoded, ci)
    add_curve(figure, summary, decoded, "entropy", "", 1)
    add_curve(figure, summary, decoded, "energy", "", 2)
    _probabilities(figure, summary, decoded, 3)
    figure.update_xaxes(title_text="layer", row=3, col=1)
    finish(figure, title("Three phases", decoded), 680)
    figure.update_layout(legend={"y": 1.045}, margin={"t": 112})  # room for the names of the phases below the legend
    for start, end, name, fill in _spans(found, decoded.layers):
        figure.add_vrect(
            x0=start, x1=end, fillcolor=fill, opacity=0.16, line_width=0, layer="below",
            row="all", col=1, exclude_empty_subplots=False,
        )  # fmt: skip
        figure.add_annotation(
            x=(start + end) / 2, y=1.0, yref="y domain", yanchor="bottom", text=name, showarrow=False, font={"color": MUTED}
        )
    return figure


def _spans(found: Phases, layers) -> list[tuple[float, float, str, str]]:
    """Return (start, end, name, colour) of the phases that were found, along the layer axis."""
    first, last = layers[0] - 0.5, layers[-1] + 0.5
    target = last if found.target_start is None else found.target_start - 0.5
    concept = target if found.concept_start is None or found.concept_start - 0.5 > target else found.concept_start - 0.5
    spans = [(first, concept, "input", "#999999"), (concept, target, "concept", "#E69F00"), (target, last, "target", "#56B4E9")]
    return [span for span in spans if span[1] > span[0]]


def _probabilities(figure: go.Figure, summary, decoded: Decoded, row: int) -> None:
    for code in decoded.languages:
        add_curve(figure, summary, decoded, "probability", code, row)
    highest = summary.loc[summary["quantity"] == "probability", "mean"].max()
    tickformat = ".0%" if not highest < 0.03 else ".2%" if highest > 5e-4 else ".1e"  # an untrained model stays near 1 / vocabulary
    figure.update_yaxes(title_text="probability", rangemode="tozero", tickformat=tickformat, row=row, col=1)
