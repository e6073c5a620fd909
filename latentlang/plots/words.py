"""A figure in words and numbers, for readers who do not see it."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go

_MOST = 6  # curves told one by one


def table(figure: go.Figure) -> pd.DataFrame:
    """Return the numbers of a figure: a row for each x, a column for each named curve or group of bars; of a heatmap its cells.

    Bands, and what is drawn in three dimensions, are left out (``SpherePath.to_frame`` has the numbers of a path).

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
            name = trace.name or _plain(figure.layout[_axis("yaxis", trace.yaxis)].title.text) or "value"
            while name in columns:
                name += " "  # the same curve in another panel
            columns[name] = pd.Series(np.asarray(trace.y), index=np.asarray(trace.x))
    if not columns or any(not series.index.is_unique for series in columns.values()):
        return pd.DataFrame()
    joined = pd.DataFrame(columns).reindex(list(dict.fromkeys(x for series in columns.values() for x in series.index)))
    named = [_plain(axis.title.text) for axis in figure.select_xaxes() if axis.title.text]
    return joined.rename_axis(named[0] if named else "x")


def describe(figure: go.Figure) -> str:
    """Return a text in place of the figure: what it is, and where each curve is highest and where it ends."""
    title = _plain(figure.layout.title.text).replace("?.", "?").rstrip(".")
    kinds = [trace.type for trace in figure.data]
    if "heatmap" in kinds:
        cells = table(figure)
        return f"Table of layers and positions. {title}. The top row of the last column reads {cells.iloc[0, -1]}."
    if "scatter3d" in kinds or "surface" in kinds:
        named = [trace.name for trace in figure.data if trace.type == "scatter3d" and trace.name]
        return f"A sphere in three dimensions. {title}. It shows: {', '.join(dict.fromkeys(map(_plain, named)))}."
    numbers = table(figure)
    if numbers.empty or numbers.shape[1] > _MOST:
        return f"Figure with {len(figure.data)} parts. {title}."
    if "bar" in kinds:
        told = [f"{name.strip()}: highest {column.max():.3g} ({column.idxmax()}), lowest {column.min():.3g} ({column.idxmin()})"
                for name, column in numbers.items()]  # fmt: skip
        return f"Bar chart. {title}. {'; '.join(told)}."
    told = []
    for name, column in numbers.dropna(axis=1, how="all").items():
        column = column.dropna()
        told.append(f"{name.strip()}: highest {column.max():.3g} at {column.idxmax()}, at the end {column.iloc[-1]:.3g}")
    return f"Line chart over {numbers.index.name}. {title}. {'; '.join(told)}."


def _cells(trace, figure: go.Figure) -> pd.DataFrame:
    """Return what stands in the cells of a heatmap with their values, the top row first."""
    labels = [_plain(text) for text in figure.layout.xaxis.ticktext or trace.x]
    columns = list(labels)
    seen: dict[str, int] = {}
    for n, label in enumerate(labels):  # a token may stand at several positions
        seen[label] = seen.get(label, 0) + 1
        columns[n] = label if seen[label] == 1 else f"{label} ({seen[label]})"
    cells = [[f"{_plain(text)} {value:.0%}" for text, value in zip(row, values)] for row, values in zip(trace.text, trace.z)]
    return pd.DataFrame(cells, index=list(trace.y), columns=columns).iloc[::-1].rename_axis("layer")


def _axis(kind: str, name: str | None) -> str:
    return kind + (name or "y")[1:]


def _plain(text: str | None) -> str:
    """Return text without the tags that Plotly reads, on one line."""
    broken = re.sub(r"<br\s*/?>", ". ", text or "")
    return html.unescape(re.sub(r"<[^>]+>", "", broken)).strip()
