"""The look that all flat figures share."""

from __future__ import annotations

import plotly.graph_objects as go

from ..display import FONT

GRID = "#E6E9ED"


def finish(figure: go.Figure, title: str, height: int) -> go.Figure:
    """Apply the look that all figures share."""
    figure.update_layout(
        title={"text": title, "x": 0, "xref": "paper", "font": {"size": 15}, "y": 0.99, "yanchor": "top"},
        template="plotly_white", font={"family": FONT, "size": 13}, height=height,
        margin={"l": 70, "r": 30, "t": 92, "b": 56}, hovermode="x unified",
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "bgcolor": "rgba(255,255,255,0)"},
    )  # fmt: skip
    return figure
