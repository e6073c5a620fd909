"""The same latents through several lenses: one panel of curves per lens, over one layer axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.compare_lenses import runs_by_lens
from ..analysis.phases import THRESHOLD, Phases, find_phases
from ..analysis.summary import summarize
from ..errors import DataError, near
from ..lens.run import Run
from ..models.lens_name import lens_name
from .evidence import quiet_layers, yardstick
from .fit import finish
from .layer_curves import MOST_LABELS, OTHER_WORDS, add_curve, add_yardstick, set_scale
from .lens_story import from_layer, lens_message, verb_of
from .marks import mark_quiet, name_panel, shade
from .naming import averages, band_note, described_model, given, said_name, size
from .style import PHASE_FILLS, TARGET_COLOR, colored
from .text import escape

_QUESTION = "Is the finding that of the lens?"
_MOST = 6
_PANEL, _GAP = 120, 44  # pixels


def lens_panel(
    runs: Mapping[str, Run] | Iterable[Run],
    languages: Sequence[str] | None = None,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw P(language) by layer with its 95 % band, one panel per lens, on the same scales.

    A panel is shaded from the layer at which the target overtakes the pivot: its mean stays above,
    and above 5 %, to the end (``find_phases`` with a floor). The title says which layer that is
    through each lens, with its 95 % interval, and whether all these intervals overlap.
    ``ll.compare_lenses`` has the numbers.

    Args:
        runs: the same prompts of one model through up to six lenses: a list of runs, which are
            named by their ``run.lens``, or ``{name: run}``.
        languages: their codes, such as ``["en", "zh"]``; None for all that the first run follows.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for no run or more than six, runs about different prompts or models, a run
            without a target beside the pivot, a language that is not followed, or an unknown theme.
    """
    named = runs_by_lens(runs)
    if len(named) > _MOST:
        raise DataError(f"This shows up to {_MOST} lenses, and there are {len(named)}: leave some.")
    first = next(iter(named.values()))
    pivot, target = (said_name(first, code) for code in first.pair)
    if pivot == target:
        raise DataError(
            f"{target} is both pivot and target here, so that neither can overtake the other: "
            "choose another target."
        )
    codes = _followed(named, first.languages if languages is None else languages)
    area = len(named) * _PANEL + (len(named) - 1) * _GAP
    figure = make_subplots(
        rows=len(named), cols=1, shared_xaxes=True, vertical_spacing=_GAP / area * (len(named) > 1)
    )
    legend, drawn = len(codes) > MOST_LABELS, []
    quiet = min(quiet_layers(run) for run in named.values())
    mark_quiet(figure, first.layers, *quiet)
    starts = {name: find_phases(run, floor=THRESHOLD) for name, run in named.items()}
    for row, (name, run) in enumerate(named.items(), 1):
        table = summarize(run, "gaussian")
        table = table[(table["quantity"] == "probability") & table["language"].isin(codes)]
        others = yardstick(run)
        if others is not None:
            label = "" if legend else "another word"
            add_yardstick(figure, run.layers, others.tolist(), OTHER_WORDS, label, row=row)
        for code in codes:
            add_curve(figure, table, run, "probability", code, row, legend=legend)
        figure.update_traces(meta=escape(name), marker_size=4, row=row, col=1)
        if row > 1:  # one entry of a legend for all panels
            figure.update_traces(showlegend=False, row=row, col=1)
        drawn.append(table)
        _mark_panel(figure, row, name, starts[name], target)
    heights = [value for table in drawn for value in table["upper"].fillna(table["mean"])]
    for row in range(1, len(named) + 1):
        set_scale(figure, [*heights, 1e-9], row)
        figure.update_yaxes(title_text="probability", nticks=4, row=row, col=1)
    figure.update_xaxes(title_text="layer", row=len(named), col=1)
    # Not by group: plotly would put each entry on a line of its own.
    figure.update_layout(showlegend=legend, legend={"traceorder": "normal"})
    message = lens_message(starts, pivot, target, given(first))
    notes = [f"Shaded: {target} is above {pivot} and above 5 % to the end."]
    if "(" in message:
        notes[0] += " In parentheses: the 95 % interval of the first layer."
    if any(band_note(table) for table in drawn):
        notes.append("Some bands leave 0 to 1: the interval is only approximate there.")
    return finish(
        figure,
        message,
        [
            _QUESTION,
            escape(first.setting.title),
            size(first),
            described_model(first, lens=False),
            *averages([first]),
        ],
        notes=notes,
        area=area,
        above=_GAP - 8,
        theme=theme,
        width=width,
    )


def _followed(named: Mapping[str, Run], languages: Sequence[str]) -> list[str]:
    """Return languages that all runs follow, or raise ``DataError``."""
    codes = list(dict.fromkeys([languages] if isinstance(languages, str) else languages))
    if not codes:
        raise DataError("Choose at least one language, or leave languages out.")
    for name, run in named.items():
        for code in codes:
            if code not in run.languages:
                raise DataError(
                    f"The run of '{name}' does not follow '{code}'.{near(code, run.languages)} "
                    f"Choose among {', '.join(run.languages)}."
                )
    return codes


def _mark_panel(figure: go.Figure, row: int, name: str, starts: Phases, target: str) -> None:
    """Shade the layers in which the target leads, and write both names above the panel."""
    suffix = "" if row == 1 else str(row)
    said = f"{target} {verb_of(starts)}"
    if starts.target_start is not None:
        said += f" from layer {from_layer(starts)}"
        fill, (_, last) = PHASE_FILLS["target"], figure.layout[f"xaxis{suffix}"].range
        place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        shade(figure, f"target {name}", starts.target_start - 0.5, last, fill, **place)
    text = f"{escape(lens_name(name))}<br>{colored(said, TARGET_COLOR)}"
    xref, yref = f"x{suffix} domain", f"y{suffix} domain"
    name_panel(figure, text, x=0, xref=xref, yref=yref, xanchor="left", align="left")
