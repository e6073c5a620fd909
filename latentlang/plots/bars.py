"""Bars: one column of a table along another."""

from __future__ import annotations

from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from .style import GRID_COLOR, MUTED_COLOR, OTHER_COLOR, apply_style


def bars(table: pd.DataFrame, x: str, y: str, title: str, group: str | None = None) -> go.Figure:
    """Draw a column of a table as bars, each with its number.

    Args:
        table: a DataFrame.
        x: the column along the axis.
        y: the column that the bars show.
        title: of the figure.
        group: the column that splits the bars, side by side; None for one bar per ``x``.
    """
    figure = go.Figure()
    parts = [("", table)] if group is None else table.groupby(group, sort=False)
    # These are not the colours of languages.
    looks = (
        (MUTED_COLOR, ""),
        ("#56B4E9", "/"),
        ("#E69F00", "x"),
        (OTHER_COLOR, "."),
        ("#000000", "+"),
    )
    for (name, part), (color, shape) in zip(parts, cycle(looks)):
        marker = {
            "color": color,
            "pattern": {"shape": shape, "fgcolor": "white", "fillmode": "overlay"},
        }
        figure.add_bar(
            x=part[x],
            y=part[y],
            name=str(name),
            text=part[y],
            textposition="outside",
            marker=marker,
            showlegend=bool(group),
        )
    top = 1.12 * table[y].max()  # room for the numbers
    figure.update_yaxes(title_text=y, gridcolor=GRID_COLOR, range=[0, top])
    many = table[x].nunique() > 10
    figure.update_xaxes(tickangle=-45 if many else 0)
    return apply_style(figure, title, 500 if many else 380)
