"""Latents and tokens of a model with three dimensions: what token energy sees of a direction."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from ..analysis.energy import token_energy
from ..errors import DataError
from .fit import finish
from .style import MUTED_COLOR, PIVOT_COLOR, QUIET_FILL, TARGET_COLOR

# Where one step along each dimension leads on the page: a view from above, at an angle.
_PAGE = torch.tensor([[1.0, -0.1], [0.5, 0.34], [0.0, 1.0]])
_CORNERS = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * 1.15
_QUESTION = "How near do latents point to the tokens?"


def vectors(
    latents: Sequence[Sequence[float]],
    tokens: Float[Tensor, "token 3"],
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw latents and tokens as arrows of length 1, each latent with its token energy.

    The shaded plane is that of the first two dimensions.

    Args:
        latents: points of three numbers each, in any length but 0.
        tokens: the rows of the unembedding, ``[token, 3]``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for vectors of other than three dimensions, or an unknown theme.

    >>> figure = vectors([(0, 0, 5), (3, 0, 0)], torch.eye(3)[:2])
    >>> [note.text for note in figure.layout.annotations if note.text.startswith("E")]
    ['E = 0.00', 'E = 1.00']
    """
    points = torch.as_tensor(latents, dtype=torch.float)
    if points.ndim != 2 or points.shape[1] != 3 or tokens.ndim != 2 or tokens.shape[1] != 3:
        raise DataError("Only vectors with three dimensions can be drawn: give three numbers each.")
    energies = token_energy(points, tokens)
    figure = go.Figure()
    corners = (_CORNERS @ _PAGE).tolist()
    figure.add_scatter(
        x=[x for x, _ in corners],
        y=[y for _, y in corners],
        mode="none",
        fill="toself",
        fillcolor=QUIET_FILL,
        hoverinfo="skip",
    )
    for token in tokens:
        _arrow(figure, token, TARGET_COLOR, "token")
    for latent, energy in zip(points, energies.tolist()):
        _arrow(figure, latent, PIVOT_COLOR, f"E = {energy:.2f}")
    figure.update_xaxes(visible=False, range=[-1.9, 1.9])
    figure.update_yaxes(visible=False, range=[-0.6, 1.3])
    figure.update_layout(showlegend=False)
    low, high = energies.min().item(), energies.max().item()
    message = f"Energy runs from {low:.2f} to {high:.2f}: it depends on the direction alone"
    facts = [_QUESTION, "blue: tokens", "orange: latents, drawn at length 1"]
    return finish(figure, message, facts, theme=theme, width=width)


def _arrow(figure: go.Figure, vector: Float[Tensor, " 3"], color: str, label: str) -> None:
    """Draw an arrow from the origin, and its label beyond the tip."""
    x, y = (vector / vector.norm() @ _PAGE).tolist()
    place = {"xref": "x", "yref": "y", "axref": "x", "ayref": "y"}
    figure.add_annotation(
        x=x, y=y, ax=0, ay=0, **place, text="", arrowcolor=color, arrowwidth=2, arrowhead=2
    )
    font = {"color": MUTED_COLOR if label == "token" else color, "size": 12}
    figure.add_annotation(
        x=1.18 * x, y=1.18 * y, text=label, showarrow=False, font=font, xanchor="center"
    )
