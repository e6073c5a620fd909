"""The parts of figures over the layer axis: a mean curve with its band and its label."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from ..lens.curves import MeanCurves
from ..lens.run import Run
from .evidence import quiet_layers, yardstick
from .marks import add_end_label, mark_quiet
from .naming import curve_name, reading_name
from .style import MUTED_COLOR, SHARE_FORMAT, language_style

MOST_LABELS = 5  # lines with a label at their end; more have a legend
SHARES = ("probability", "difference", "top1")
OTHER_WORDS = "another concept's words"


def add_line(
    figure: go.Figure,
    layers: Sequence[float],
    mean: Sequence[float],
    name: str,
    style: dict,
    *,
    band: tuple[Sequence[float], Sequence[float]] | None = None,
    label: str = "",
    number_format: str = SHARE_FORMAT,
    row: int = 1,
    col: int = 1,
    legend: bool = False,
) -> None:
    """Add one curve to a panel, with its band and a label at its end.

    ``style``: colour, dash and symbol (``language_style``). ``band``: lower and upper bounds.
    ``label``: nothing for a curve that its panel names.
    """
    color = style["color"]
    if band is not None:
        lower, upper = band
        figure.add_scatter(
            x=[*layers, *layers[::-1]],
            y=[*upper, *lower[::-1]],
            mode="lines",  # else short curves have dots on the edges of their bands
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
    figure.add_scatter(
        x=layers,
        y=mean,
        name=name,
        legendgroup=name,
        mode="lines+markers" if style.get("symbol") else "lines",
        showlegend=legend,
        line={"color": color, "dash": style["dash"], "width": 2},
        marker={"symbol": style.get("symbol"), "size": 6} if style.get("symbol") else None,
        hovertemplate=f"%{{y:{number_format}}}",
        row=row,
        col=col,
    )
    if label:
        drawn = figure.data[-1]
        add_end_label(figure, drawn.xaxis or "x", drawn.yaxis or "y", mean[-1], label, color)


def add_curve(
    figure: go.Figure,
    summary: pd.DataFrame,
    run: Run | MeanCurves,
    quantity: str,
    code: str,
    row: int,
    col: int = 1,
    label: bool | None = None,
    legend: bool = False,
) -> None:
    """Add one mean curve of a run and its band; without intervals (one prompt) only the curve.

    ``code``: a language, or empty for a quantity per prompt. ``label``: None labels the curves of
    languages, which share a panel, and nothing else.
    """
    part = summary[(summary["quantity"] == quantity) & (summary["language"] == code)]
    per_language = bool(code) and quantity != "difference"
    style = {"color": MUTED_COLOR, "dash": "solid", "symbol": "circle"}
    name = reading_name(quantity)
    if per_language:
        source = run.setting.sources[0] if run.setting.sources else ""
        style = language_style(code, run.target, run.pivot, source)
        name = curve_name(run, code)
    known = part["lower"].notna().all()
    band = (part["lower"].tolist(), part["upper"].tolist()) if known else None
    short = curve_name(run, code, short=True).replace(", ", ",<br>") if per_language else ""
    add_line(
        figure,
        part["layer"].tolist(),
        part["mean"].tolist(),
        name,
        style,
        band=band,
        label=short if (label is None or label) and not legend else "",
        number_format=SHARE_FORMAT if quantity in SHARES else ".4~g",
        row=row,
        col=col,
        legend=legend,
    )
    set_layer_axis(figure, run.layers, row, col)
    if quantity in SHARES:
        figure.update_yaxes(tickformat=SHARE_FORMAT, row=row, col=col)
    else:
        label_text = reading_name(quantity).replace(" (", "<br>(")  # the strips are narrow
        figure.update_yaxes(title_text=label_text, row=row, col=col)


def set_layer_axis(figure: go.Figure, layers: Sequence[int], row: int = 1, col: int = 1) -> None:
    """Let a panel's axis show these layers, half a layer more on either side."""
    figure.update_xaxes(range=[layers[0] - 0.5, layers[-1] + 0.5], row=row, col=col)


def set_scale(
    figure: go.Figure, values: Sequence[float], row: int = 1, col: int = 1, low: float = 0.0
) -> None:
    """Let a panel show 0 (or lower numbers) and all values, with some room above them."""
    numbers = [value for value in values if value == value]  # without NaN
    low, high = min([low, *numbers]), max([low, *numbers])
    high = high if high > low else low + 1
    room = 0.06 * (high - low)
    low = low - room if low < 0 else low
    figure.update_yaxes(range=[low, high + room], row=row, col=col)


def add_yardstick(
    figure: go.Figure,
    layers: Sequence[float],
    values: Sequence[float],
    name: str,
    label: str,
    *,
    number_format: str = SHARE_FORMAT,
    row: int = 1,
    col: int = 1,
) -> None:
    """Add the dotted grey line below which a curve means nothing."""
    add_line(
        figure,
        layers,
        values,
        name,
        {"color": MUTED_COLOR, "dash": "dot"},
        label=label,
        number_format=number_format,
        row=row,
        col=col,
    )


def add_probabilities(
    figure: go.Figure,
    summary: pd.DataFrame,
    run: Run | MeanCurves,
    row: int,
    axis: str = "probability",
) -> None:
    """Add the curve of every language to a panel, with the yardstick if it was measured."""
    codes = list(run.languages)
    legend = len(codes) > MOST_LABELS
    others = yardstick(run)
    if others is not None:
        label = "" if legend else "another word"
        add_yardstick(figure, run.layers, others.tolist(), OTHER_WORDS, label, row=row)
    for code in codes:
        add_curve(figure, summary, run, "probability", code, row, legend=legend)
    figure.update_layout(showlegend=legend)
    drawn = summary[(summary["quantity"] == "probability") & summary["language"].isin(codes)]
    highest = drawn["upper"].fillna(drawn["mean"]).tolist()
    set_scale(figure, [*highest, 1e-9], row)
    figure.update_yaxes(title_text=axis, row=row, col=1)
    if not codes:
        set_layer_axis(figure, run.layers, row)


def mark_quiet_layers(figure: go.Figure, run: Run | MeanCurves, grey: bool = True) -> None:
    """Grey the first layers in which no language is above its yardstick; see ``mark_quiet``."""
    mark_quiet(figure, run.layers, *quiet_layers(run), grey=grey)
