"""A figure in words and numbers, for readers who cannot see it."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

_MOST = 6  # curves that a description lists one by one


def table(figure: go.Figure) -> pd.DataFrame:
    """Return the numbers of a figure as a table.

    Bands and three-dimensional traces are left out (``SpherePath.to_frame`` has the numbers of a
    path).

    Args:
        figure: any figure of ``plots``.

    Returns:
        One row per x and one column per named curve or group of bars; for a heatmap its cells.

    >>> table(go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.7], name="English"))).loc[2, "English"]
    np.float64(0.7)
    """
    columns = {}
    for trace in figure.data:
        if trace.visible is False:  # another choice of a menu
            continue
        if trace.type == "heatmap":
            return _cells(trace, figure)
        curve = trace.type == "scatter" and trace.fill != "toself" and trace.mode != "text"
        if (curve or trace.type == "bar") and trace.x is not None and len(trace.x):
            axis = figure.layout[_axis("yaxis", trace.yaxis)]
            name = trace.name or _plain(axis.title.text) or "value"
            while name in columns:
                name += " "  # the same curve in another panel
            columns[name] = pd.Series(np.asarray(trace.y), index=np.asarray(trace.x))
    if not columns or any(not series.index.is_unique for series in columns.values()):
        return pd.DataFrame()
    rows = dict.fromkeys(x for series in columns.values() for x in series.index)
    joined = pd.DataFrame(columns).reindex(list(rows))
    titles = [_plain(axis.title.text) for axis in figure.select_xaxes() if axis.title.text]
    return joined.rename_axis(titles[0] if titles else "x")


def describe(figure: go.Figure) -> str:
    """Return a text that replaces the figure for readers who cannot see it.

    It names the figure, and says where each curve is highest and where it ends.

    >>> describe(go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.7], name="English"), {"title": "Peaks"}))
    'Line chart over x. Peaks. English: highest 0.7 at 2, at the end 0.7.'
    """
    title = _plain(figure.layout.title.text).replace("?.", "?").rstrip(".")
    kinds = [trace.type for trace in figure.data]
    if "heatmap" in kinds:
        top = table(figure).iloc[0, -1]
        return (
            f"Table of layers and positions. {title}. The top row of the last column reads {top}."
        )
    if "scatter3d" in kinds or "surface" in kinds:
        names = [trace.name for trace in figure.data if trace.type == "scatter3d" and trace.name]
        listed = ", ".join(dict.fromkeys(map(_plain, names)))
        return f"A sphere in three dimensions. {title}. It shows: {listed}."
    numbers = table(figure)
    if numbers.empty or numbers.shape[1] > _MOST:
        return f"Figure with {len(figure.data)} parts. {title}."
    if "bar" in kinds:
        groups = [
            f"{name.strip()}: highest {column.max():.3g} ({column.idxmax()}), "
            f"lowest {column.min():.3g} ({column.idxmin()})"
            for name, column in numbers.items()
        ]
        return f"Bar chart. {title}. {'; '.join(groups)}."
    curves = []
    for name, column in numbers.dropna(axis=1, how="all").items():
        column = column.dropna()
        curves.append(
            f"{name.strip()}: highest {column.max():.3g} at {column.idxmax()}, "
            f"at the end {column.iloc[-1]:.3g}"
        )
    return f"Line chart over {numbers.index.name}. {title}. {'; '.join(curves)}."


def _cells(trace: Any, figure: go.Figure) -> pd.DataFrame:
    """Return the texts in the cells of a heatmap with their values, the top row first."""
    labels = [_plain(text) for text in figure.layout.xaxis.ticktext or trace.x]
    columns = list(labels)
    counts: dict[str, int] = {}
    for n, label in enumerate(labels):  # a token may be at several positions
        counts[label] = counts.get(label, 0) + 1
        columns[n] = label if counts[label] == 1 else f"{label} ({counts[label]})"
    cells = [
        [f"{_plain(text)} {value:.0%}" for text, value in zip(row, values)]
        for row, values in zip(trace.text, trace.z)
    ]
    return pd.DataFrame(cells, index=list(trace.y), columns=columns).iloc[::-1].rename_axis("layer")


def _axis(kind: str, name: str | None) -> str:
    return kind + (name or "y")[1:]


def _plain(text: str | None) -> str:
    """Return text without the tags that Plotly reads, on one line."""
    broken = re.sub(r"<br\s*/?>", ". ", text or "")
    return html.unescape(re.sub(r"<[^>]+>", "", broken)).strip()
