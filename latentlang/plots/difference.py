"""P(target) − P(pivot) by layer, with a band that holds at all layers at once."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.paired import paired_difference
from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .evidence import lead_note
from .fit import finish
from .layer_curves import add_curve, set_scale
from .marks import mark_quiet
from .messages import sentence
from .naming import facts, given, said_name
from .style import INK, MUTED_COLOR

_QUESTION = "Who leads, prompt by prompt?"


def difference(run: Run, *, theme: str | None = None, width: int | None = None) -> go.Figure:
    """Draw P(target) − P(pivot) by layer, with its paired 95 % band and a line at 0.

    The band holds at all layers at once (``metrics.paired_difference``). A vertical line marks the
    first layer at which it leaves zero out, and the title says which language leads there.

    Args:
        run: readings at one position.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: if pivot and target are one language, the run has no means, or the theme is
            unknown.
    """
    pivot, target = (said_name(run, code) for code in require_run(run).pair)
    if pivot == target:
        raise DataError(
            f"{target} is both pivot and target here, so there is no difference to draw: "
            "choose another target."
        )
    table = paired_difference(run, run.target, run.pivot)
    figure = make_subplots(rows=1, cols=1)
    curve = table.rename(columns={"difference": "mean"}).reset_index()
    curve = curve.assign(quantity="difference", language=run.target)
    add_curve(figure, curve, run, "difference", run.target, 1, label=False)
    bounds = [*table["lower"].dropna(), *table["upper"].dropna(), *table["difference"]]
    reach = max(map(abs, bounds))
    set_scale(figure, [*bounds, 0.3 * reach, -0.3 * reach])  # room for both names
    figure.add_hline(y=0, line={"color": INK, "width": 1.5, "dash": "dot"})
    for height, anchor, side, name in (
        (0.99, "top", "above", target),
        (0.01, "bottom", "below", pivot),
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
    clear = table[table["survives"]]
    if len(clear):
        figure.add_vline(x=clear.index[0], line={"color": MUTED_COLOR, "width": 1.5})
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(title_text="P(target) − P(pivot)")
    mark_quiet(figure, run.layers)
    message = difference_message(table, {"first": target, "second": pivot}, given(run))
    return finish(
        figure,
        message,
        facts(run, _QUESTION),
        notes=lead_note(run, message),
        theme=theme,
        width=width,
    )


def difference_message(table: pd.DataFrame, names: dict[str, str], given: str = "") -> str:
    """Return which curve leads first and which at the end, if the band says so.

    Args:
        table: what ``paired_difference`` returns.
        names: of the ``first`` and the ``second`` curve.
        given: see ``sentence``.
    """
    if table["lower"].isna().any():
        last = table["difference"].iloc[-1]
        lead = names["first"] if last > 0 else names["second"]
        parts = [f"{lead} is ahead at the end", "one concept says nothing of the spread"]
        return sentence(parts, given)
    leads = table.loc[table["survives"], "leads"]
    if leads.empty:
        clear = "no language clearly leads: the band includes zero at every layer"
        return sentence([clear], given)
    name, layer = names[leads.iloc[0]], leads.index[0]
    later = leads[leads != leads.iloc[0]]
    if later.empty:
        (other,) = {*names.values()} - {name}
        parts = [f"{name} clearly leads, first at layer {layer}", f"{other} at no layer"]
        return sentence(parts, given)
    later_part = f"{names[later.iloc[0]]} from layer {later.index[0]}"
    return sentence([f"{name} leads first, at layer {layer}", later_part], given)
