"""Small multiples: the curves of many pairs, sources down and targets across."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.require import require_means
from ..lens.run import Run
from .layer_curves import add_curve, described_model
from .style import apply_style, subtitle
from .text import language_label

_PANEL = 150  # pixels


def pair_grid(runs: Mapping[tuple[str, str], Run], ci: str = "gaussian") -> go.Figure:
    """Draw P(pivot) and P(target) by layer for many pairs, each with its 95 % band and its n.

    Every panel has its own scale of probability, because the height differs much between pairs.

    Args:
        runs: ``{(source, target): run}``. A pair that is not in it stays empty.
        ci: see ``summarize``.

    Raises:
        DataError: for no run.
    """
    if not runs or not isinstance(runs, Mapping):
        raise DataError("The grid needs at least one run: pass {(source, target): run, …}.")
    for run in runs.values():
        require_means(run)
    order = list(dict.fromkeys(code for pair in runs for code in pair))
    sources, targets = (
        [code for code in order if any(pair[n] == code for pair in runs)] for n in (0, 1)
    )
    titles = []
    for source in sources:
        for target in targets:
            here = runs.get((source, target))
            titles.append("" if here is None else f"{source} → {target} · n = {len(here)}")
    figure = make_subplots(
        rows=len(sources),
        cols=len(targets),
        shared_xaxes="all",
        horizontal_spacing=min(0.05, 0.4 / len(targets)),
        vertical_spacing=min(0.06, 0.4 / len(sources)),
        subplot_titles=titles,
    )
    figure.update_annotations(font_size=12)
    for (source, target), run in runs.items():
        summary = summarize(run, ci)
        row, col = sources.index(source) + 1, targets.index(target) + 1
        for code in dict.fromkeys(run.pair):
            add_curve(figure, summary, run, "probability", code, row, col, legend=False)
    figure.update_xaxes(dtick=max(1, len(next(iter(runs.values())).layers) // 3))
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=4)
    pivots = ", ".join(dict.fromkeys(language_label(run.pivot) for run in runs.values()))
    models = ", ".join(dict.fromkeys(described_model(run) for run in runs.values()))
    choices = dict.fromkeys(choice for run in runs.values() for choice in run.setting.choices)
    models = " · ".join([models, *choices])
    note = (
        f"circles, solid: pivot ({pivots}) · squares, dashed: target · across: layer"
        f" · mean and 95 % interval · {models}"
    )
    apply_style(
        figure,
        f"Every pair: which language leads at which layer?<br>{subtitle(note)}",
        110 + _PANEL * len(sources),
    )
    return figure.update_layout(hovermode="closest")
