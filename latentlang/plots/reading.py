"""Any reading by layer."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.summary import summarize
from ..errors import DataError, near
from ..lens.curves import MeanCurves
from ..lens.require import require_curves
from ..lens.run import Run
from .fit import finish
from .layer_curves import MOST_LABELS, SHARES, add_curve, set_scale
from .marks import mark_quiet
from .messages import sentence, share
from .naming import band_note, curve_name, facts, reading_name


def reading(
    run: Run | MeanCurves,
    name: str,
    ci: str = "gaussian",
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw the mean of any reading by layer with its 95 % band: one curve, or one per language.

    Args:
        run: readings at one position, or published means (``data.published``).
        name: a row of ``READINGS``. For ``"rank"`` the figure shows the share of prompts with
            rank 1.
        ci: see ``summarize``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a reading that the run does not have.
    """
    if name not in require_curves(run).readings:
        known = ", ".join(run.readings)
        raise DataError(
            f"This run has no reading '{name}'.{near(name, run.readings)} It has {known}."
        )
    quantity = "top1" if name == "rank" else name
    label = reading_name(quantity)
    return _panel(run, quantity, f"{label[0].upper()}{label[1:]} by layer", ci, theme, width)


def _panel(
    run: Run | MeanCurves,
    quantity: str,
    question: str,
    ci: str,
    theme: str | None,
    width: int | None,
) -> go.Figure:
    """Return a figure of one panel with every curve of a quantity."""
    figure = make_subplots(rows=1, cols=1)
    summary = summarize(run, ci)
    summary = summary[summary["quantity"] == quantity]
    codes = [code for code in summary["language"].unique() if not code or code in run.languages]
    summary = summary[summary["language"].isin(codes)]
    legend = len(codes) > MOST_LABELS
    for code in codes:
        add_curve(figure, summary, run, quantity, code, 1, legend=legend)
    highest = summary["upper"].fillna(summary["mean"])
    set_scale(figure, [*highest, *summary["lower"].dropna()])
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(title_text=reading_name(quantity))
    figure.update_layout(showlegend=legend)
    mark_quiet(figure, run.layers)
    said, notes = _curves_message(run, quantity, summary), band_note(summary)
    return finish(figure, said, facts(run, question), notes=notes, theme=theme, width=width)


def _curves_message(run: Run | MeanCurves, quantity: str, summary: pd.DataFrame) -> str:
    """Return where the curves of a quantity are highest and where they end, as they were found."""
    parts = []
    for code in summary["language"].unique():
        part = summary[summary["language"] == code]
        top, last = part.loc[part["mean"].idxmax()], part.iloc[-1]
        write = share if quantity in SHARES else "{:.3g}".format
        name = curve_name(run, code, short=True) if code else reading_name(quantity)
        if not top["mean"]:
            parts.append(f"{name} stays at {write(0)}")
            continue
        end = "" if top["layer"] == last["layer"] else f", and {write(last['mean'])} at the end"
        parts.append(f"{name} is highest at layer {top['layer']}: {write(top['mean'])}{end}")
    return sentence(parts[:3])
