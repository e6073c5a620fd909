"""Entropy, token energy and P(language) over one layer axis, with the three phases shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.phases import Phases, find_phases
from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.require import require_curves
from ..lens.run import Run
from .energy import add_energy
from .fit import finish
from .language_probability import add_entropy
from .layer_curves import add_probabilities, mark_quiet_layers
from .marks import shade
from .naming import band_note, facts, given, said_name
from .phases_story import phases_message, phases_notes
from .style import CLEAR, PHASE_FILLS, SOURCE_COLOR

_QUESTION = "Where does each language take over?"


def phases(
    run: Run | MeanCurves,
    starts: Phases | None = None,
    ci: str = "gaussian",
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw entropy, token energy and P(language) over one layer axis, with the phases shaded.

    Source: the paper's Figure 4 (a to c). The phases are those of ``find_phases``, which reads the
    probabilities of pivot and target alone. Layers in which the source leads are hatched green:
    what looks like a concept there may be a copy.

    Args:
        run: readings at one position, with energy, or published means (``data.published``).
        starts: the phases to shade; None computes them. Where none was found, none is shaded.
        ci: see ``summarize``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a run without token energy or means, or an unknown theme.
    """
    if require_curves(run).energy is None:
        raise DataError("The three phases need the token energy: decode with energy=True.")
    starts = starts or find_phases(run)
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.24, 0.26, 0.5]
    )
    summary = summarize(run, ci)
    add_entropy(figure, summary, run, 1)
    add_energy(figure, summary, run, 2)
    add_probabilities(figure, summary, run, 3)
    figure.update_xaxes(title_text="layer", row=3, col=1)
    spans = shade_phases(figure, starts, run.layers)
    mark_quiet_layers(figure, run, grey=not spans)
    copied = tuple(layer for layer in starts.copy or () if layer in run.layers)
    hatch_copy(figure, copied, "x3", "y3", row=3)
    told = replace(starts, copy=copied)
    pivot, target, source = (said_name(run, code) for code in (*run.pair, run.source))
    return finish(
        figure,
        phases_message(told, pivot, target, source, given(run)),
        facts(run, _QUESTION),
        notes=[
            *phases_notes(told, pivot, target, source),
            *band_note(summary[summary["quantity"] == "probability"]),
        ],
        area=520,
        above=18 if spans else 0,
        theme=theme,
        width=width,
    )


def shade_phases(
    figure: go.Figure,
    starts: Phases,
    layers: Sequence[int],
    xaxis: str = "x",
    *,
    unit: float = 1.0,
    named: bool = True,
) -> list[str]:
    """Shade the phases and write their names above the first panel; return the names.

    The starts may be those of more layers than are drawn. Without any start no phase is known.
    ``unit``: how wide a layer is on the axis.
    """
    if starts.concept_start is None and starts.target_start is None:
        return []
    first, last = layers[0] - 0.5, layers[-1] + 0.5
    target = math.inf if starts.target_start is None else starts.target_start - 0.5
    concept = target if starts.concept_start is None else starts.concept_start - 0.5
    spans = [
        (-math.inf, min(concept, target), "input"),
        (concept, target, "concept"),
        (target, math.inf, "target"),
    ]
    inside = [(max(start, first), min(end, last), name) for start, end, name in spans]
    drawn = [(start * unit, end * unit, name) for start, end, name in inside if start < end]
    for start, end, name in drawn:
        text = name if named else ""
        shade(figure, f"{name} {xaxis}", start, end, PHASE_FILLS[name], text=text, xaxis=xaxis)
    return [name for _, _, name in drawn]


def hatch_copy(
    figure: go.Figure,
    layers: Sequence[int],
    xaxis: str,
    yaxis: str,
    *,
    unit: float = 1.0,
    row: int = 1,
    col: int = 1,
) -> None:
    """Hatch the layers of a panel in which the source leads, and write that copy leads there."""
    rows: list[list[int]] = []
    for layer in layers:
        if rows and layer == rows[-1][-1] + 1:
            rows[-1].append(layer)
        else:
            rows.append([layer])
    top = figure.layout["yaxis" + yaxis[1:]].range[1]
    for part in rows:
        start, end = (part[0] - 0.5) * unit, (part[-1] + 0.5) * unit
        figure.add_scatter(
            x=[start, start, end, end],
            y=[0, top, top, 0],
            fill="toself",
            fillcolor="rgba(0,0,0,0)",
            fillpattern={"shape": "/", "fgcolor": SOURCE_COLOR, "size": 9, "solidity": 0.12},
            mode="lines",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            row=row,
            col=col,
        )
    if rows:
        longest = max(rows, key=len)
        start, end = (longest[0] - 0.5) * unit, (longest[-1] + 0.5) * unit
        shade(
            figure,
            f"copy {xaxis}",
            start,
            end,
            CLEAR,
            yaxis=yaxis,
            text="copy leads",
            xaxis=xaxis,
            ink=SOURCE_COLOR,
        )
