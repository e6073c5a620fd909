"""What figures over the layer axis are made of: a mean curve with its band, and a title that says what was run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from ..decoded import Decoded
from ..display import MUTED, escape, language_label, language_style
from .look import GRID, small

_NAMES = {"entropy": "entropy<br>(bits)", "energy": "token<br>energy"}


def title(question: str, decoded: Decoded) -> str:
    """Return a question with a second line that says task, pair, how many prompts, and which model."""
    rows = decoded.prompts
    task = rows["task"].iloc[0]
    sources = "+".join(dict.fromkeys(rows["source"]))
    target = rows["target"].iloc[0]
    route = f"{task} {sources} → {target}" if task == "translation" else f"{task} {target}"
    band = " · mean and 95 % interval" if len(decoded) > 1 else ""
    n_concepts = rows["concept"].nunique()
    pooled = f" about {n_concepts} concepts" if 1 < n_concepts < len(rows) else ""
    note = f"{escape(route)} · n = {len(decoded)}{pooled} · {escape(decoded.model)}{band}"
    return f"{question}<br>{small(note)}"


def add_curve(
    figure: go.Figure, summary: pd.DataFrame, decoded: Decoded, quantity: str, code: str, row: int, col: int = 1, legend: bool | None = None
) -> None:
    """Add one mean curve and its band to a panel; where one prompt gives no interval, the curve alone.

    ``legend``: None lists the probabilities of languages, which share a panel, and nothing else.
    """
    part = summary[(summary["quantity"] == quantity) & (summary["language"] == code)]
    source, target = decoded.prompts["source"].iloc[0], decoded.prompts["target"].iloc[0]
    language = quantity == "probability"
    listed = language if legend is None else legend
    style = language_style(code, target, decoded.languages[0] if decoded.languages else "", source)
    color, dash, symbol = (style[key] for key in ("color", "dash", "symbol")) if language else (MUTED, "solid", "circle")
    name = language_label(code) if language else _NAMES.get(quantity, quantity).replace("<br>", " ")
    if part["lower"].notna().all():
        figure.add_scatter(
            x=[*part["layer"], *part["layer"][::-1]], y=[*part["upper"], *part["lower"][::-1]], fill="toself", fillcolor=color,
            opacity=0.18, line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=name, row=row, col=col,
        )  # fmt: skip
    figure.add_scatter(
        x=part["layer"], y=part["mean"], name=name, legendgroup=name, mode="lines+markers", showlegend=listed,
        line={"color": color, "dash": dash, "width": 2}, marker={"symbol": symbol, "size": 6}, row=row, col=col,
        hovertemplate="%{y:.2f}" if quantity in _NAMES else "%{y:.1%}",
    )  # fmt: skip
    first, last = decoded.layers[0], decoded.layers[-1]
    step = 1 + (last - first) // 20  # at most about twenty layers are named
    figure.update_xaxes(gridcolor=GRID, range=[first - 0.5, last + 0.5], tick0=0, dtick=step, row=row, col=col)
    if quantity in _NAMES:
        figure.update_yaxes(title_text=_NAMES[quantity], rangemode="tozero", row=row, col=col)
