"""A dot per row: one column of a table along another, sorted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from ..errors import DataError, near
from .fit import finish
from .messages import sentence
from .style import MUTED_COLOR, OTHER_COLOR, TARGET_COLOR
from .text import escape

_ROW = 22  # pixels
# These are not the colours of languages; shapes tell the groups apart as well.
_LOOKS = ((MUTED_COLOR, "circle"), (OTHER_COLOR, "square"), (TARGET_COLOR, "diamond-open"))


def bars(
    table: pd.DataFrame,
    x: str,
    y: str,
    title: str,
    group: str | None = None,
    *,
    meaning: Mapping[str, str] | None = None,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw a column of a table as dots, one line per ``x``, sorted, each with its number.

    Args:
        table: a DataFrame.
        x: the column that names the lines.
        y: the column of numbers.
        title: the question that the figure answers.
        group: the column that splits a line into several dots; None for one dot per ``x``.
        meaning: what each group is, in a few words, ``{group: words}``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a column that the table does not have, or an unknown theme.
    """
    for column in (x, y, group):
        if column is not None and column not in table:
            raise DataError(
                f"The table has no column '{column}'.{near(column, table)} "
                f"It has {', '.join(map(str, table))}."
            )
    highest = table.groupby(x, sort=False)[y].max().sort_values(na_position="first")
    figure = go.Figure()
    parts = [("", table)] if group is None else list(table.groupby(group, sort=False))
    for (name, part), (color, symbol) in zip(parts, cycle(_LOOKS)):
        by_line = part.set_index(x)[y].reindex(highest.index).dropna()
        figure.add_scatter(
            x=by_line.tolist(),
            y=[escape(str(line)) for line in by_line.index],
            name=escape(str(name)) or y,
            mode="markers+text" if group is None else "markers",
            text=[f"{value:.3g}" for value in by_line],
            textposition="middle right",
            textfont={"size": 11, "color": MUTED_COLOR},
            marker={"color": color, "symbol": symbol, "size": 9},
            hovertemplate="%{y}: %{x:.4~g}",
            cliponaxis=False,
        )
    low, high = table[y].min(), table[y].max()
    room = 0.08 * (high - low) if high > low else 1
    figure.update_xaxes(title_text=y, range=[low - room, high + room], zeroline=False)
    names = [escape(str(line)) for line in highest.index]
    figure.update_yaxes(ticktext=names, tickvals=names, categoryorder="array", categoryarray=names)
    figure.update_layout(hovermode="closest", showlegend=group is not None)
    notes = [f"{escape(name)}: {escape(words)}." for name, words in (meaning or {}).items()]
    said, size = _message(table, x, y, group), _ROW * max(4, len(names))
    return finish(figure, said, [title], notes=notes, area=size, theme=theme, width=width)


def _message(table: pd.DataFrame, x: str, y: str, group: str | None) -> str:
    """Return the lowest and the highest number, and whose they are."""

    def whose(row: pd.Series) -> str:
        named = row[x] if group is None else f"{row[x]}, {row[group]},"
        return f"{row[y]:.3g} for {escape(str(named))}"

    known = table.dropna(subset=[y])
    if known.empty:
        return sentence([f"{y}: no numbers"])
    low, high = known.loc[known[y].idxmin()], known.loc[known[y].idxmax()]
    if low[y] == high[y]:
        return sentence([f"{y}: {low[y]:.3g} everywhere"])
    return sentence([f"{y}: {whose(low)} is lowest, {whose(high)} highest"])
