"""A figure in words and numbers, for readers who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from .fit import quiet_note
from .measure import plain
from .text import percent

_MOST = 6  # curves that a description lists one by one


def table(figure: go.Figure) -> pd.DataFrame:
    """Return the numbers of a figure as a table.

    Bands are left out. A sphere gives the cosines of its path.

    Args:
        figure: any figure of ``plots``.

    Returns:
        One row per x and one column per named curve or group of bars; for a heatmap its cells.

    >>> table(go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.7], name="English"))).loc[2, "English"]
    np.float64(0.7)
    """
    curves = []
    for trace in figure.data:
        if trace.visible is False:  # another choice of a menu
            continue
        if trace.type == "heatmap":
            return _cells(figure)
        if trace.type == "scatter3d" and trace.mode == "markers" and trace.name:
            points = [row[:4] for row in trace.customdata]
            cosines = ["language", "concept", "rest"]
            return pd.DataFrame(points, columns=["layer", *cosines]).set_index("layer")
        curve = trace.type == "scatter" and trace.fill != "toself" and trace.mode != "text"
        if (curve or trace.type == "bar") and trace.x is not None and len(trace.x):
            axis = figure.layout[_axis("yaxis", trace.yaxis)]
            x, y = trace.x, trace.y
            if trace.orientation == "h" or any(isinstance(name, str) for name in y):
                x, y = [_plain(str(name)) for name in y], x
            name = _plain(trace.name) or _plain(axis.title.text) or "value"
            if trace.meta:  # the panel of a grid
                name = f"{trace.meta}: {name}"
            curves.append((name, pd.Series(np.asarray(y), index=np.asarray(x))))
    columns = dict(zip(_numbered([name for name, _ in curves]), (curve for _, curve in curves)))
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
    title = _title(figure).rstrip(".")
    kinds = [trace.type for trace in figure.data]
    if "heatmap" in kinds:
        top = table(figure).iloc[0, -1]
        cells = dict(figure.layout.meta or {}).get("cells", "layers and positions")
        return f"Table of {cells}. {title}. The top row of the last column reads {top}."
    if "scatter3d" in kinds or "surface" in kinds:
        names = [trace.name for trace in figure.data if trace.type == "scatter3d" and trace.name]
        listed = ", ".join(dict.fromkeys(map(_plain, names)))
        return f"A sphere in three dimensions. {title}. It shows: {listed}."
    numbers = table(figure)
    if numbers.shape[1] > _MOST:  # the faint lines can be read in the table
        faint = [_plain(trace.name) for trace in figure.data if trace.opacity is not None]
        numbers = numbers.drop(columns=faint, errors="ignore")
    if numbers.empty or numbers.shape[1] > _MOST:
        return f"Figure with {len(figure.data)} parts. {title}."
    if "bar" in kinds or pd.api.types.is_string_dtype(numbers.index):
        groups = [
            f"{name}: highest {column.max():.3g} ({column.idxmax()}), "
            f"lowest {column.min():.3g} ({column.idxmin()})"
            for name, column in numbers.items()
        ]
        chart = "Bar chart" if "bar" in kinds else "Dot chart"
        return f"{chart}. {title}. {'; '.join(groups)}."
    curves = []
    for name, column in numbers.dropna(axis=1, how="all").items():
        column = column.dropna()
        curves.append(
            f"{name}: highest {column.max():.3g} at {column.idxmax()}, "
            f"at the end {column.iloc[-1]:.3g}"
        )
    return f"Line chart over {numbers.index.name}. {title}. {'; '.join(curves)}."


def _title(figure: go.Figure) -> str:
    """Return the message of a figure, its facts and notes: the words of its title, unbroken."""
    meta = figure.layout.meta
    if not isinstance(meta, Mapping) or "message" not in meta:
        return _plain(figure.layout.title.text)
    parts = [meta["message"], " · ".join(meta["facts"]), *meta["notes"], *quiet_note(meta)]
    return " ".join(_ended(_plain(part)) for part in parts if part)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _cells(figure: go.Figure) -> pd.DataFrame:
    """Return the texts in the cells of a table with their values, the top row first.

    Each language has a trace of its own, which fills some of the cells. A cell without a text is
    left out.
    """
    traces = [trace for trace in figure.data if trace.type == "heatmap"]
    labels = [
        _plain(str(t).replace("<br>", "")) for t in figure.layout.xaxis.ticktext or traces[0].x
    ]
    columns = _numbered(labels)  # a token may be at several positions
    cells = [["" for _ in columns] for _ in traces[0].y]
    for trace in traces:
        for row, texts, values in zip(cells, trace.text, trace.z):
            for n, (text, value) in enumerate(zip(texts, values)):
                if text:
                    whole = text.replace("<br>", "")
                    row[n] = f"{_plain(whole)} {percent(value)}"
    names = figure.layout.yaxis.ticktext
    rows = list(traces[0].y) if names is None else [_plain(name) for name in names]
    title = "layer" if names is None else "prompt"
    return pd.DataFrame(cells, index=rows, columns=columns).iloc[::-1].rename_axis(title)


def _numbered(names: list[str]) -> list[str]:
    """Return names of which each is used once: a second ``x`` is ``x (2)``."""
    numbered: dict[str, None] = {}
    for name in names:
        copies = (name, *(f"{name} ({n})" for n in range(2, len(names) + 1)))
        numbered[next(copy for copy in copies if copy not in numbered)] = None
    return list(numbered)


def _axis(kind: str, name: str | None) -> str:
    return kind + (name or "y")[1:]


def _plain(text: str | None) -> str:
    """Return text without the tags that Plotly reads, on one line."""
    return plain(re.sub(r"<br\s*/?>", " ", text or "")).strip()
