"""Small multiples: the curves of many pairs, sources down and targets across."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..decoded import Decoded
from ..display import escape, language_label
from ..errors import DataError
from ..summaries import summarize
from .layers import add_curve
from .look import finish, small

_PANEL = 150  # pixels


def grid(runs: Mapping[tuple[str, str], Decoded], ci: str = "gaussian") -> go.Figure:
    """Draw P(pivot) and P(target) by layer for every ``(source, target)`` in ``runs``, each with its 95 % band and its n.

    Every panel has its own scale of probability, because the height differs much between pairs. A pair that is not in
    ``runs`` stays empty.
    """
    if not runs:
        raise DataError("The grid needs at least one run: pass {(source, target): decoded, …}.")
    order = list(dict.fromkeys(code for pair in runs for code in pair))
    sources, targets = ([code for code in order if any(pair[n] == code for pair in runs)] for n in (0, 1))
    figure = make_subplots(
        rows=len(sources), cols=len(targets), shared_xaxes="all",
        horizontal_spacing=min(0.05, 0.4 / len(targets)), vertical_spacing=min(0.06, 0.4 / len(sources)),
        subplot_titles=[f"{s} → {t} · n = {len(runs[s, t])}" if (s, t) in runs else "" for s in sources for t in targets],
    )  # fmt: skip
    figure.update_annotations(font_size=12)
    for (source, target), decoded in runs.items():
        summary = summarize(decoded, ci)
        row, col = sources.index(source) + 1, targets.index(target) + 1
        for code in dict.fromkeys(decoded.pivot_and_target):
            add_curve(figure, summary, decoded, "probability", code, row, col, legend=False)
    figure.update_xaxes(dtick=max(1, len(next(iter(runs.values())).layers) // 3))
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=4)
    pivots = ", ".join(dict.fromkeys(language_label(d.pivot_and_target[0]) for d in runs.values()))
    models = ", ".join(dict.fromkeys(escape(d.model) for d in runs.values()))
    note = f"circles, solid: pivot ({pivots}) · squares, dashed: target · across: layer · mean and 95 % interval · {models}"
    finish(figure, f"Every pair: which language leads at which layer?<br>{small(note)}", 110 + _PANEL * len(sources))
    return figure.update_layout(hovermode="closest")
