"""The look that all flat figures share."""

from __future__ import annotations

import plotly.graph_objects as go

from ..display import FONT

GRID = "#E6E9ED"


def heading(text: str, height: int) -> dict:
    """Return a title whose first line stands 24 pixels below the top edge; a second line (``<br>``) follows below it."""
    return {"text": text, "x": 0, "xref": "paper", "font": {"size": 15}, "y": 1 - 24 / height, "yanchor": "bottom"}


def small(text: str) -> str:
    """Return the second line of a title, smaller than the first and still readable on a projector."""
    return f"<span style='font-size: 12px'>{text}</span>"


def finish(figure: go.Figure, title: str, height: int) -> go.Figure:
    """Apply the look that all figures share."""
    figure.update_layout(
        title=heading(title, height), template="plotly_white", font={"family": FONT, "size": 13}, height=height,
        margin={"l": 70, "r": 30, "t": 92, "b": 56}, hovermode="x unified",
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "bgcolor": "rgba(255,255,255,0)"},
    )  # fmt: skip
    return figure
