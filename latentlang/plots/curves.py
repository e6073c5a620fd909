"""Curves by layer: probability of languages, entropy, token energy, the three phases."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..decoded import Decoded
from ..display import MUTED, OTHER, escape, language_label, language_style
from ..errors import DataError
from ..summaries import Phases, find_phases, summarize
from .look import GRID, finish, small


def language_probability(decoded: Decoded, ci: str = "gaussian") -> go.Figure:
    """Draw P(language) by layer with its 95 % band, over a strip of the entropy (paper, Figure 2)."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.24, 0.76], vertical_spacing=0.06)
    summary = summarize(decoded, ci)
    _curve(figure, summary, decoded, "entropy", "", 1)
    _probabilities(figure, summary, decoded, 2)
    figure.update_xaxes(title_text="layer", row=2, col=1)
    return finish(figure, _title("Which language is the next token in?", decoded), 520)


def bars(table, x: str, y: str, title: str, group: str | None = None) -> go.Figure:
    """Draw the column ``y`` of a table as bars along ``x``, each with its number; side by side by ``group`` where one is given."""
    figure = go.Figure()
    parts = [("", table)] if group is None else table.groupby(group, sort=False)
    looks = ((MUTED, ""), ("#56B4E9", "/"), ("#E69F00", "x"), (OTHER, "."), ("#000000", "+"))  # not the colours of languages
    for (name, part), (color, shape) in zip(parts, looks):
        marker = {"color": color, "pattern": {"shape": shape, "fgcolor": "white", "fillmode": "overlay"}}
        figure.add_bar(x=part[x], y=part[y], name=str(name), text=part[y], textposition="outside", marker=marker, showlegend=bool(group))
    figure.update_yaxes(title_text=y, gridcolor=GRID, range=[0, 1.12 * table[y].max()])  # room for the numbers
    many = table[x].nunique() > 10
    figure.update_xaxes(tickangle=-45 if many else 0)
    return finish(figure, title, 500 if many else 380)


def energy(decoded: Decoded, ci: str = "gaussian") -> go.Figure:
    """Draw the mean token energy by layer with its 95 % band (paper, Eq. 2)."""
    if decoded.energy is None:
        raise DataError("This run has no token energy: decode with energy=True.")
    figure = make_subplots(rows=1, cols=1)
    _curve(figure, summarize(decoded, ci), decoded, "energy", "", 1)
    figure.update_xaxes(title_text="layer")
    return finish(figure, _title("How much of the latent can the output layer read?", decoded), 360)


def phases(decoded: Decoded, found: Phases | None = None, ci: str = "gaussian") -> go.Figure:
    """Draw entropy, token energy and P(language) over one layer axis, with the phases shaded, as in the paper's anatomy figure."""
    if decoded.energy is None:
        raise DataError("The three phases need the token energy: decode with energy=True.")
    found = found or find_phases(decoded)
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.27, 0.27, 0.46])
    summary = summarize(decoded, ci)
    _curve(figure, summary, decoded, "entropy", "", 1)
    _curve(figure, summary, decoded, "energy", "", 2)
    _probabilities(figure, summary, decoded, 3)
    figure.update_xaxes(title_text="layer", row=3, col=1)
    finish(figure, _title("Three phases", decoded), 680)
    figure.update_layout(legend={"y": 1.045}, margin={"t": 112})  # room for the names of the phases below the legend
    for start, end, name, fill in _spans(found, decoded.layers):
        figure.add_vrect(
            x0=start, x1=end, fillcolor=fill, opacity=0.16, line_width=0, layer="below",
            row="all", col=1, exclude_empty_subplots=False,
        )  # fmt: skip
        figure.add_annotation(
            x=(start + end) / 2, y=1.0, yref="y domain", yanchor="bottom", text=name, showarrow=False, font={"color": MUTED}
        )
    return figure


def _spans(found: Phases, layers) -> list[tuple[float, float, str, str]]:
    """Return (start, end, name, colour) of the phases that were found, along the layer axis."""
    first, last = layers[0] - 0.5, layers[-1] + 0.5
    target = last if found.target_start is None else found.target_start - 0.5
    concept = target if found.concept_start is None or found.concept_start - 0.5 > target else found.concept_start - 0.5
    spans = [(first, concept, "input", "#999999"), (concept, target, "concept", "#E69F00"), (target, last, "target", "#56B4E9")]
    return [span for span in spans if span[1] > span[0]]


def _title(question: str, decoded: Decoded) -> str:
    rows = decoded.prompts
    task = rows["task"].iloc[0]
    sources = "+".join(dict.fromkeys(rows["source"]))
    target = rows["target"].iloc[0]
    route = f"{task} {sources} → {target}" if task == "translation" else f"{task} {target}"
    band = " · mean and 95 % interval" if len(decoded) > 1 else ""
    note = f"{escape(route)} · n = {len(decoded)} · {escape(decoded.model)}{band}"
    return f"{question}<br>{small(note)}"


def _probabilities(figure: go.Figure, summary, decoded: Decoded, row: int) -> None:
    for code in decoded.languages:
        _curve(figure, summary, decoded, "probability", code, row)
    figure.update_yaxes(title_text="probability", rangemode="tozero", tickformat=".0%", row=row, col=1)


def _curve(figure: go.Figure, summary, decoded: Decoded, quantity: str, code: str, row: int) -> None:
    """Add one mean curve and its band; where one prompt gives no interval, the curve alone."""
    part = summary[(summary["quantity"] == quantity) & (summary["language"] == code)]
    source, target = decoded.prompts["source"].iloc[0], decoded.prompts["target"].iloc[0]
    style = language_style(code, target, decoded.languages[0] if decoded.languages else "", source)
    color, dash, symbol = (style[key] for key in ("color", "dash", "symbol")) if code else (MUTED, "solid", "circle")
    name = language_label(code) if code else {"entropy": "entropy (bits)", "energy": "token energy"}[quantity]
    if part["lower"].notna().all():
        figure.add_scatter(
            x=[*part["layer"], *part["layer"][::-1]], y=[*part["upper"], *part["lower"][::-1]], fill="toself", fillcolor=color,
            opacity=0.18, line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=name, row=row, col=1,
        )  # fmt: skip
    figure.add_scatter(
        x=part["layer"], y=part["mean"], name=name, legendgroup=name, mode="lines+markers", showlegend=bool(code),
        line={"color": color, "dash": dash, "width": 2}, marker={"symbol": symbol, "size": 6}, row=row, col=1,
        hovertemplate="%{y:.1%}" if code else "%{y:.2f}",
    )  # fmt: skip
    first, last = decoded.layers[0], decoded.layers[-1]
    step = 1 + (last - first) // 20  # at most about twenty layers are named
    figure.update_xaxes(gridcolor=GRID, range=[first - 0.5, last + 0.5], tick0=0, dtick=step, row=row, col=1)
    if not code:
        figure.update_yaxes(
            title_text={"entropy": "entropy<br>(bits)", "energy": "token<br>energy"}[quantity], rangemode="tozero", row=row, col=1
        )
