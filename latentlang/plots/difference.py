"""P(target) − P(pivot) by layer."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from .layer_curves import add_curve, curve_name, title
from .style import MUTED_COLOR, apply_style


def difference(run: Run, ci: str = "gaussian") -> go.Figure:
    """Draw P(target) − P(pivot) by layer, with its paired 95 % interval and a line at 0.

    The difference is taken inside every prompt before averaging.

    Args:
        run: readings at one position.
        ci: see ``summarize``.

    Raises:
        DataError: if pivot and target are one language, or the run has no means.
    """
    pivot, target = (curve_name(run, code) for code in require_run(run).pair)
    if pivot == target:
        raise DataError(
            f"{target} is both pivot and target here, so there is no difference to draw: "
            "choose another target."
        )
    figure = make_subplots(rows=1, cols=1)
    add_curve(figure, summarize(run, ci), run, "difference", run.pair[1], 1)
    figure.add_hline(y=0, line={"color": "#000000", "width": 1.5, "dash": "dot"})
    for height, anchor, side, name in (
        (1, "top", "above", target),
        (0, "bottom", "below", pivot),
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
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(tickformat="+.0%", title_text="P(target) − P(pivot)")
    return apply_style(figure, title("Who leads, prompt by prompt?", run), 420)
