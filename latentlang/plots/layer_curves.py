"""The parts of figures over the layer axis: a mean curve with its band, and the title."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.sphere import SpherePath
from ..analysis.summary import summarize
from ..lens.readings import READINGS
from ..lens.run import Run
from .style import GRID_COLOR, MUTED_COLOR, apply_style, language_style, subtitle
from .text import escape, language_label


def title(question: str, run: Run) -> str:
    """Return a title: a question, and a line with the setting, the prompts and the model."""
    n_concepts = run.prompts["concept"].nunique()
    pooled = f" about {n_concepts} concepts" if 1 < n_concepts < len(run) else ""
    parts = [escape(run.setting.title), f"n = {len(run)}{pooled}", described_model(run)]
    if len(run) > 1:
        parts.append("mean and 95 % interval")
    return f"{question}<br>{subtitle(' · '.join(parts))}"


def described_model(run: Run | SpherePath) -> str:
    """Return the model of a run with its number format, and its lens if not the logit lens."""
    name = Path(run.model).name if Path(run.model).is_absolute() else run.model
    number_format = f", {run.number_format}" if run.number_format else ""
    lens = "" if run.lens == "logit" else f", {run.lens} lens"
    return escape(f"{name}{number_format}{lens}")


def curve_name(run: Run | SpherePath, code: str) -> str:
    """Return the name of a language's curve, and say so if a control follows another word."""
    other_word = run.setting.control == "random" and code == run.pivot
    return language_label(code) + (", another word" if other_word else "")


def reading_name(quantity: str) -> str:
    """Return the axis title of a reading, with its unit."""
    if quantity == "top1":
        return "share of prompts with rank 1"
    return READINGS[quantity].label if quantity in READINGS else quantity


def add_curve(
    figure: go.Figure,
    summary: pd.DataFrame,
    run: Run,
    quantity: str,
    code: str,
    row: int,
    col: int = 1,
    legend: bool | None = None,
) -> None:
    """Add one mean curve and its band to a panel; without intervals (one prompt) only the curve.

    ``code``: a language, or empty for a quantity per prompt. ``legend``: None lists the curves of
    languages, which share a panel, and nothing else.
    """
    part = summary[(summary["quantity"] == quantity) & (summary["language"] == code)]
    per_language = bool(code) and quantity != "difference"
    color, dash, symbol, name = MUTED_COLOR, "solid", "circle", reading_name(quantity)
    if per_language:
        source = run.setting.sources[0] if run.setting.sources else ""
        style = language_style(code, run.target, run.pivot, source)
        color, dash, symbol = style["color"], style["dash"], style["symbol"]
        name = curve_name(run, code)
    if part["lower"].notna().all():
        figure.add_scatter(
            x=[*part["layer"], *part["layer"][::-1]],
            y=[*part["upper"], *part["lower"][::-1]],
            fill="toself",
            fillcolor=color,
            opacity=0.18,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
            row=row,
            col=col,
        )
    is_share = quantity in ("probability", "difference", "top1")
    figure.add_scatter(
        x=part["layer"],
        y=part["mean"],
        name=name,
        legendgroup=name,
        mode="lines+markers",
        showlegend=per_language if legend is None else legend,
        line={"color": color, "dash": dash, "width": 2},
        marker={"symbol": symbol, "size": 6},
        hovertemplate="%{y:.1%}" if is_share else "%{y:.2f}",
        row=row,
        col=col,
    )
    first, last = run.layers[0], run.layers[-1]
    step = 1 + (last - first) // 20  # at most about twenty layers are named
    layer_axis = {"range": [first - 0.5, last + 0.5], "tick0": 0, "dtick": step}
    figure.update_xaxes(gridcolor=GRID_COLOR, **layer_axis, row=row, col=col)
    if not is_share:
        label = reading_name(quantity).replace(" ", "<br>", 1)  # the strips are narrow
        figure.update_yaxes(title_text=label, rangemode="tozero", row=row, col=col)


def add_probabilities(figure: go.Figure, summary: pd.DataFrame, run: Run, row: int) -> None:
    """Add the curve of every language to a panel, on a scale that shows the highest."""
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


def panel(run: Run, quantity: str, question: str, ci: str) -> go.Figure:
    """Return a figure of one panel with every curve of a quantity."""
    figure = make_subplots(rows=1, cols=1)
    summary = summarize(run, ci)
    for code in summary.loc[summary["quantity"] == quantity, "language"].unique():
        add_curve(figure, summary, run, quantity, code, 1)
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(title_text=reading_name(quantity))
    return apply_style(figure, title(question, run), 360)
