"""Small multiples: the curves of many pairs, sources down and targets across."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.phases import find_phases
from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.require import require_curves
from ..lens.run import Run
from .evidence import yardstick
from .fit import finish
from .layer_curves import OTHER_WORDS, add_curve, add_yardstick, set_layer_axis, set_scale
from .marks import mark_quiet
from .messages import sentence
from .naming import averages, band_note, described_model
from .phases_story import copies_part
from .style import (
    MUTED_COLOR,
    PIVOT_COLOR,
    SHARE_FORMAT,
    SOURCE_COLOR,
    TARGET_COLOR,
    colored,
)
from .text import language_name

_PANEL = 120  # pixels
_QUESTION = "Every pair: which language leads at which layer?"


def pair_grid(
    runs: Mapping[tuple[str, str], Run | MeanCurves],
    ci: str = "gaussian",
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw P(pivot), P(target) and P(source) by layer for many pairs, each with band and n.

    All panels have one scale, so that heights can be compared, and the layers of all runs.

    Args:
        runs: ``{(source, target): run}``. The panel of a pair that is not in it says so.
        ci: see ``summarize``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for no run, or an unknown theme.
    """
    if not runs or not isinstance(runs, Mapping):
        raise DataError("The grid needs at least one run: pass {(source, target): run, …}.")
    for run in runs.values():
        require_curves(run)
    order = list(dict.fromkeys(code for pair in runs for code in pair))
    sources, targets = (
        [code for code in order if any(pair[n] == code for pair in runs)] for n in (0, 1)
    )
    figure = make_subplots(
        rows=len(sources),
        cols=len(targets),
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=min(0.03, 0.2 / len(targets)),
        vertical_spacing=min(0.06, 0.4 / len(sources)),
    )
    highest, outside = [1e-9], False
    for (source, target), run in runs.items():
        row, col = sources.index(source) + 1, targets.index(target) + 1
        summary = summarize(run, ci)
        codes = [code for code in dict.fromkeys((*run.pair, source)) if code in run.languages]
        drawn = (summary["quantity"] == "probability") & summary["language"].isin(codes)
        summary = summary[drawn]
        outside = outside or bool(band_note(summary))
        others = yardstick(run)
        if others is not None:
            line = others.tolist()
            add_yardstick(figure, run.layers, line, OTHER_WORDS, "", row=row, col=col)
        for code in codes:
            add_curve(figure, summary, run, "probability", code, row, col, label=False)
        figure.update_traces(meta=f"{source} → {target}", marker_size=4, row=row, col=col)
        highest += summary["upper"].fillna(summary["mean"]).tolist()
        _name_panel(figure, f"n = {len(run)}", row, col)
    layers = sorted({layer for run in runs.values() for layer in run.layers})
    for row, source in enumerate(sources, 1):
        for col, target in enumerate(targets, 1):
            set_layer_axis(figure, layers, row, col)
            if (source, target) not in runs:
                _say_nothing(figure, (layers[0] + layers[-1]) / 2, max(highest) / 2, row, col)
            set_scale(figure, highest, row, col)
            figure.update_yaxes(nticks=4, tickformat=SHARE_FORMAT, row=row, col=col)
        figure.update_yaxes(title_text=f"from {language_name(source)}", row=row, col=1)
    for col, target in enumerate(targets, 1):
        _name_column(figure, f"to {language_name(target)}", col)
        figure.update_xaxes(title_text="layer", row=len(sources), col=col)
    figure.update_layout(hovermode="closest", showlegend=False)
    mark_quiet(figure, layers)
    notes = [_marks(runs)]
    if outside:
        notes.append("Some bands leave 0 to 1: the interval is only approximate there.")
    return finish(
        figure,
        _message(runs),
        _facts(runs),
        notes=notes,
        area=_PANEL * len(sources),
        above=22,
        theme=theme,
        width=width,
    )


def _message(runs: Mapping[tuple[str, str], Run | MeanCurves]) -> str:
    """Return in how many pairs the mean curves have each phase, and copy."""
    starts = [find_phases(run) for run in runs.values()]
    pivots = dict.fromkeys(language_name(run.pivot) for run in runs.values())
    total = f"{len(runs)} pair{'s' if len(runs) > 1 else ''}"
    concept = sum(start.concept_start is not None for start in starts)
    first = f"{' or '.join(pivots)} is above 5 % and above the target in {concept} of {total}"
    return sentence([first, copies_part(starts)])


def _facts(runs: Mapping[tuple[str, str], Run | MeanCurves]) -> list[str]:
    choices = dict.fromkeys(choice for run in runs.values() for choice in run.setting.choices)
    models = dict.fromkeys(described_model(run) for run in runs.values())
    return [_QUESTION, *averages(runs.values()), *models, *choices]


def _marks(runs: Mapping[tuple[str, str], Run | MeanCurves]) -> str:
    """Return a legend in words, each in its colour."""
    pivots = ", ".join(dict.fromkeys(language_name(run.pivot) for run in runs.values()))
    marks = {
        f"● {pivots} (pivot)": PIVOT_COLOR,
        "■ target": TARGET_COLOR,
        "◆ source": SOURCE_COLOR,
    }
    if any(yardstick(run) is not None for run in runs.values()):
        marks["··· another concept's words"] = MUTED_COLOR
    return " ".join(colored(name, color) for name, color in marks.items())


def _say_nothing(figure: go.Figure, x: float, y: float, row: int, col: int) -> None:
    """Write into an empty panel; Plotly draws the axes of a panel only beside a trace."""
    figure.add_scatter(
        x=[x],
        y=[y],
        text=["not measured"],
        mode="text",
        textfont={"size": 11, "color": MUTED_COLOR},
        hoverinfo="skip",
        row=row,
        col=col,
    )


def _name_panel(figure: go.Figure, text: str, row: int, col: int) -> None:
    figure.add_annotation(
        text=text,
        x=0.03,
        y=0.98,
        xref="x domain",
        yref="y domain",
        xanchor="left",
        yanchor="top",
        showarrow=False,
        font={"size": 11, "color": MUTED_COLOR},
        row=row,
        col=col,
    )


def _name_column(figure: go.Figure, text: str, col: int) -> None:
    """Write a name above a column, also where its first panel is empty."""
    domain = next(figure.select_xaxes(row=1, col=col)).domain
    figure.add_annotation(
        text=text,
        x=sum(domain) / 2,
        xanchor="center",
        y=1,
        xref="paper",
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12},
    )
