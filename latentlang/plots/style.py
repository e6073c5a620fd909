"""The colours, fonts and titles that all figures share."""

from __future__ import annotations

import plotly.graph_objects as go

# Okabe and Ito's colour-blind safe palette; English orange and target blue as in the paper.
PIVOT_COLOR, TARGET_COLOR, SOURCE_COLOR, OTHER_COLOR = "#D55E00", "#0072B2", "#009E73", "#CC79A7"
MUTED_COLOR = "#5F6B7A"
FONT = (
    "Noto Sans, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Hiragino Sans', "
    "'Noto Naskh Arabic', 'Noto Sans Devanagari', Arial, sans-serif"
)
GRID_COLOR = "#E6E9ED"


def heading(text: str, height: int) -> dict:
    """Return a title whose first line is 24 pixels below the top edge.

    A second line (``<br>``) follows below it.
    """
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "font": {"size": 15},
        "y": 1 - 24 / height,
        "yanchor": "bottom",
    }


def subtitle(text: str) -> str:
    """Return the second line of a title, smaller than the first; a projector still shows it."""
    return f"<span style='font-size: 12px'>{text}</span>"


def apply_style(figure: go.Figure, title: str, height: int) -> go.Figure:
    """Apply the look that all figures share."""
    figure.update_layout(
        title=heading(title, height),
        template="plotly_white",
        font={"family": FONT, "size": 13},
        height=height,
        margin={"l": 70, "r": 30, "t": 92, "b": 56},
        hovermode="x unified",
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "yanchor": "bottom",
            "bgcolor": "rgba(255,255,255,0)",
        },
    )
    return figure


def language_style(code: str, target: str, pivot: str, source: str = "") -> dict:
    """Return the colour, dash and marker of a language's curve.

    Three marks tell curves apart, so that no reader depends on colour alone.
    """
    if code == pivot:
        return {"color": PIVOT_COLOR, "dash": "solid", "symbol": "circle"}
    if code == target:
        return {"color": TARGET_COLOR, "dash": "dash", "symbol": "square"}
    if code == source:
        return {"color": SOURCE_COLOR, "dash": "dot", "symbol": "diamond"}
    return {"color": OTHER_COLOR, "dash": "dashdot", "symbol": "x"}
