"""What a model answers when one layer after the other is changed."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.intervals import mean_ci
from ..analysis.summary import summarize
from ..lens.require import require_sweep
from ..lens.sweep_result import Sweep
from .evidence import mean_curve, tell_sweep
from .fit import finish
from .layer_curves import MOST_LABELS, add_line, set_layer_axis, set_scale
from .marks import mark_quiet
from .messages import FLOOR, share
from .naming import sweep_facts
from .style import MUTED_COLOR, SHARE_FORMAT
from .sweep_labels import answers_of, letters_note, looks
from .sweep_story import sweep_message
from .text import escape

_QUESTION = "What does the model answer when one layer is changed?"
_ONWARD = "What does the model answer when all layers from one on are changed?"
_CONTROLS = {
    "self": "itself: the prompt's own latents",
    "another concept": "another concept's latents",
    "random": "a random vector of the same length",
    "third language": "a third language",  # its code follows: "third language (es)"
}
_DASHES = ("dot", "dash", "longdash", "dashdot")


def sweep(sweep: Sweep, *, theme: str | None = None, width: int | None = None) -> go.Figure:
    """Draw the probability of each labelled answer, with its 95 % band, by the changed layer.

    A thin dotted line is the same answer without a change. Where the sweep has controls, the curve
    that the change raises most (or, if it raises none, lowers most) is drawn once more under each
    of them, faint. Where it has continuations, a strip above shows how many of them close the
    quotation mark: a model that no longer does has lost the form of its answer.

    Bands are bootstrap intervals over concepts. The title names the layers at which another
    language, or another concept, is certainly ahead: the band of that difference holds at all
    layers at once.

    Args:
        sweep: what ``ll.sweep`` or ``ll.run_sweep`` returns.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for anything but a sweep with prompts, or an unknown theme.
    """
    has_texts = bool(require_sweep(sweep).continuations)
    row = 2 if has_texts else 1
    heights = [0.2, 0.8] if has_texts else [1.0]
    figure = make_subplots(
        rows=row, cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.06
    )
    if has_texts:
        _add_fluency(figure, sweep)
    summary = summarize(sweep)
    legend = len(sweep.labels) > MOST_LABELS
    styles = looks(sweep)
    for label in sweep.labels:
        _add_label(figure, sweep, summary, label, styles[label], row, legend)
    notes = letters_note(sweep.labels)
    if any(values.mean() > FLOOR for values in sweep.baseline.values()):
        notes = [*notes, "Thin dotted line in a colour: without a change."]
    if sweep.controls:
        label = _effect(sweep)
        _add_controls(figure, sweep, label, row)
        most = max(float(mean_curve(control[label]).max()) for control in sweep.controls.values())
        under = f"{answers_of(sweep)[label].name} under each control, at most {share(most)}"
        notes = [*notes, f"Thin grey lines: {under}."]
    drawn = summary[summary["quantity"] != "baseline"]
    set_scale(figure, [*drawn["mean"], *drawn["upper"].dropna(), *_baselines(sweep), 1e-9], row)
    figure.update_yaxes(title_text="probability", tickformat=SHARE_FORMAT, row=row, col=1)
    axis = "first layer that is changed" if sweep.onward else "layer that is changed"
    figure.update_xaxes(title_text=axis, row=row, col=1)
    # Not by group: plotly would put each entry on a line of its own.
    figure.update_layout(showlegend=legend or bool(sweep.controls), legend={"traceorder": "normal"})
    mark_quiet(figure, sweep.layers)
    return finish(
        figure,
        sweep_message(tell_sweep(sweep)),
        sweep_facts(sweep, _ONWARD if sweep.onward else _QUESTION),
        notes=[" ".join(notes)] if notes else [],
        area=380 if has_texts else 320,
        theme=theme,
        width=width,
    )


def _add_label(
    figure: go.Figure,
    sweep: Sweep,
    summary: pd.DataFrame,
    label: str,
    style: dict,
    row: int,
    legend: bool,
) -> None:
    """Add the curve of one label with its band, and a thin line where it is without a change."""
    part = summary[(summary["quantity"] == "probability") & (summary["language"] == label)]
    known = part["lower"].notna().all()
    name = answers_of(sweep)[label].name
    add_line(
        figure,
        sweep.layers,
        part["mean"].tolist(),
        name,
        style,
        band=(part["lower"].tolist(), part["upper"].tolist()) if known else None,
        label="" if legend else name.replace(", ", ",<br>"),
        row=row,
        legend=legend,
    )
    set_layer_axis(figure, sweep.layers, row)
    before = float(sweep.baseline[label].double().mean())
    if before > FLOOR:
        thin, line = {"color": style["color"], "dash": "dot"}, [before] * len(sweep.layers)
        _add_thin(figure, sweep, line, f"{name}, without a change", thin, row)


def _add_thin(
    figure: go.Figure,
    sweep: Sweep,
    values: list[float],
    name: str,
    style: dict,
    row: int,
    legend: bool = False,
) -> None:
    """Add a thin line without marks, for what the curves are compared with."""
    figure.add_scatter(
        x=sweep.layers,
        y=values,
        name=name,
        mode="lines",
        opacity=0.6,
        line={**style, "width": 1.25},
        showlegend=legend,
        hovertemplate=f"%{{y:{SHARE_FORMAT}}}",
        row=row,
        col=1,
    )


def _add_controls(figure: go.Figure, sweep: Sweep, label: str, row: int) -> None:
    """Add the curve of one label under each control; the legend names them."""
    for n, (name, control) in enumerate(sweep.controls.items()):
        values = mean_curve(control[label]).tolist()
        kind, space, code = name.partition(" (")
        said = f"control: {_CONTROLS.get(kind, escape(kind))}{space}{escape(code)}"
        dash = _DASHES[n % len(_DASHES)]
        style = {"color": MUTED_COLOR, "dash": dash}
        _add_thin(figure, sweep, values, said, style, row, legend=True)


def _effect(sweep: Sweep) -> str:
    """Return the label that the change raises most, or lowers most if it raises none."""
    change = {
        label: mean_curve(values) - float(sweep.baseline[label].double().mean())
        for label, values in sweep.probability.items()
    }
    raised = max(change, key=lambda label: float(change[label].max()))
    if change[raised].max() > FLOOR:
        return raised
    return min(change, key=lambda label: float(change[label].min()))


def _baselines(sweep: Sweep) -> list[float]:
    return [float(values.double().mean()) for values in sweep.baseline.values()]


def _add_fluency(figure: go.Figure, sweep: Sweep) -> None:
    """Add a strip: the share of continuations that close the quotation mark, with its band."""
    mean, lower, upper = mean_ci(sweep.closed.float(), "bootstrap", clusters=sweep.clusters)
    band = None if lower.isnan().any() else (lower.tolist(), upper.tolist())
    style = {"color": MUTED_COLOR, "dash": "solid", "symbol": "circle"}
    add_line(figure, sweep.layers, mean.tolist(), "close the quotation mark", style, band=band)
    set_layer_axis(figure, sweep.layers)
    set_scale(figure, [1.0])
    figure.update_yaxes(
        title_text="close the<br>quotation", tickformat=".0%", nticks=3, row=1, col=1
    )
