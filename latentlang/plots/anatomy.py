"""The three phases of several models side by side, over relative depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.phases import Phases, find_phases
from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.run import Run
from .evidence import mean_curve, yardstick
from .fit import finish
from .layer_curves import OTHER_WORDS, add_line, add_yardstick, set_scale
from .marks import name_panel
from .messages import sentence
from .naming import averages, said_name
from .phases import hatch_copy, shade_phases
from .style import (
    MUTED_COLOR,
    PHASE_FILLS,
    PIVOT_COLOR,
    SOURCE_COLOR,
    TARGET_COLOR,
    colored,
    language_style,
)
from .text import escape

_QUESTION = "Do models differ in where each language takes over?"
_MOST = 6


def anatomy(
    runs: Mapping[str, Run | MeanCurves], *, theme: str | None = None, width: int | None = None
) -> go.Figure:
    """Draw entropy and P(language) of several models side by side, with their phases shaded.

    The phases are those of ``find_phases`` for all of them. The axis across is the relative depth,
    layer / number of layers, so that models of any size can be compared; the scales are shared.

    Args:
        runs: ``{name: run}``, up to six: runs at one position, or published mean curves.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for no run or more than six, or an unknown theme.
    """
    if not isinstance(runs, Mapping) or not 0 < len(runs) <= _MOST:
        raise DataError(f"The anatomy shows one to {_MOST} runs: pass {{name: run, …}}.")
    figure = make_subplots(
        rows=2,
        cols=len(runs),
        shared_xaxes=True,
        shared_yaxes="rows",
        row_heights=[0.3, 0.7],
        vertical_spacing=0.08,
        horizontal_spacing=min(0.03, 0.2 / len(runs)),
    )
    highest, entropies = [1e-9], [0.0]
    starts = {name: find_phases(run) for name, run in runs.items()}
    for col, (name, run) in enumerate(runs.items(), 1):
        depth = [layer / run.layers[-1] for layer in run.layers]
        entropy = mean_curve(run.entropy).tolist()
        style = {"color": MUTED_COLOR, "dash": "solid"}
        add_line(figure, depth, entropy, "entropy (bits)", style, number_format=".4~g", col=col)
        others = yardstick(run)
        if others is not None:
            add_yardstick(figure, depth, others.tolist(), OTHER_WORDS, "", row=2, col=col)
        source = run.setting.sources[0] if run.setting.sources else ""
        for code in dict.fromkeys((*run.pair, source)):
            if code not in run.languages:
                continue
            curve = mean_curve(run.probability[code]).tolist()
            look = language_style(code, run.target, run.pivot, source) | {"symbol": None}
            role = {run.pivot: "pivot", run.target: "target"}.get(code, "source")
            add_line(figure, depth, curve, f"P({role})", look, row=2, col=col)
            highest += curve
        figure.update_traces(meta=escape(name), col=col)
        entropies += entropy
    for col, (name, run) in enumerate(runs.items(), 1):
        _finish_column(figure, col, name, run, starts[name], entropies, highest)
    figure.update_yaxes(title_text="entropy<br>(bits)", row=1, col=1)
    figure.update_yaxes(title_text="probability", row=2, col=1)
    figure.update_layout(hovermode="closest", showlegend=False)
    n_layers = {name: run.layers[-1] for name, run in runs.items()}
    pivots = {said_name(run, run.pivot) for run in runs.values()}
    return finish(
        figure,
        anatomy_message(starts, n_layers, pivots.pop() if len(pivots) == 1 else "the pivot"),
        [_QUESTION, *_sizes(runs), *(["mean"] if averages(runs.values()) else [])],
        notes=[anatomy_note(starts, n_layers), _marks(runs)],
        area=380,
        above=40,
        theme=theme,
        width=width,
    )


def anatomy_message(
    starts: Mapping[str, Phases], n_layers: Mapping[str, int], pivot: str = "the pivot"
) -> str:
    """Return in which models the pivot passes the target, where in their depth, and who copies.

    >>> starts = {"7B": Phases(17, 31), "1B": Phases(None, None)}
    >>> anatomy_message(starts, {"7B": 32, "1B": 10})
    'The pivot rises above the target in 7B (from 53 % of the depth), not in 1B'
    """
    found = {name: start.concept_start for name, start in starts.items()}
    depths = _depths(found, n_layers)
    copies = _listed(name for name, start in starts.items() if start.copy)
    copied = [f"a copy of the source word leads in {copies}"] if copies else []
    if not depths:
        return sentence([f"{pivot} rises above the target in none of them", *copied])
    without = [name for name in starts if name not in depths]
    rest = f", not in {_listed(without)}" if without else ""
    where = f"{_listed(depths)} (from {_range(depths)} of the depth)"
    return sentence([f"{pivot} rises above the target in {where}{rest}", *copied])


def anatomy_note(starts: Mapping[str, Phases], n_layers: Mapping[str, int]) -> str:
    """Return the rule of the phases, and in which models the target stays ahead.

    >>> anatomy_note({"7B": Phases(17, 31)}, {"7B": 32}).partition(". ")[2]
    'The target stays ahead in 7B (from 97 %).'
    """
    found = {name: start.target_start for name, start in starts.items()}
    depths = _depths(found, n_layers)
    end = f"in {_listed(depths)} (from {_range(depths)})" if depths else "in none of them"
    return f"Rises above: is above 5 % and above the target. The target stays ahead {end}."


def _depths(layers: Mapping[str, int | None], n_layers: Mapping[str, int]) -> dict[str, float]:
    """Return where in its depth a model has a layer, without the models that have none."""
    return {name: at / n_layers[name] for name, at in layers.items() if at is not None}


def _listed(names: Iterable[str]) -> str:
    *others, last = [*map(escape, names)] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _range(depths: Mapping[str, float]) -> str:
    low, high = (f"{100 * value:.0f}" for value in (min(depths.values()), max(depths.values())))
    return f"{low} %" if low == high else f"{low}–{high} %"


def _finish_column(
    figure: go.Figure,
    col: int,
    name: str,
    run: Run | MeanCurves,
    starts: Phases,
    entropies: list[float],
    highest: list[float],
) -> None:
    """Give a column its scales, phases, copy and name."""
    set_scale(figure, entropies, 1, col)
    set_scale(figure, highest, 2, col)
    figure.update_xaxes(
        range=[0, 1.0 + 0.5 / run.layers[-1]], tickformat=".0%", tickvals=[0.5, 1], col=col
    )
    figure.update_xaxes(title_text="depth", row=2, col=col)
    figure.update_yaxes(tickformat=".0%", row=2, col=col)
    xaxis, yaxis = (
        axis.plotly_name.replace("axis", "")
        for axis in (
            next(figure.select_xaxes(row=2, col=col)),
            next(figure.select_yaxes(row=2, col=col)),
        )
    )
    unit = 1 / run.layers[-1]
    shade_phases(figure, starts, run.layers, xaxis, unit=unit, named=False)
    hatch_copy(figure, starts.copy or (), xaxis, yaxis, unit=unit, row=2, col=col)
    top = next(figure.select_xaxes(row=1, col=col)).plotly_name.replace("axis", "")
    text = f"{escape(name)}<br>n = {len(run)}"
    name_panel(figure, text, x=0.5, xref=f"{top} domain", yref="paper")


def _sizes(runs: Mapping[str, Run | MeanCurves]) -> list[str]:
    return list(dict.fromkeys(escape(run.setting.title) for run in runs.values()))


def _marks(runs: Mapping[str, Run | MeanCurves]) -> str:
    """Return a legend in words, each in its colour."""
    marks = {"— P(pivot)": PIVOT_COLOR, "– – P(target)": TARGET_COLOR}
    if any(code in run.languages for run in runs.values() for code in run.setting.sources):
        marks["··· P(source)"] = SOURCE_COLOR
    lines = " ".join(colored(name, color) for name, color in marks.items())
    fills = " ".join(f"{colored('■', fill)} {name}" for name, fill in PHASE_FILLS.items())
    return f"{lines} · shaded: {fills}"
