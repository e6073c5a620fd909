"""A path over the layers as it is drawn: on the globe and flat, whole or up to a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import torch
from jaxtyping import Float
from torch import Tensor

from ..analysis.polar import polar
from .globe import arcs, arrow_heads, magnify
from .plane import arrows
from .style import MUTED_COLOR, OTHER_COLOR, SOURCE_COLOR
from .text import escape

_HOVER = (
    "layer %{customdata[0]}<br>language %{customdata[1]:+.4f}<br>concept %{customdata[2]:+.4f}"
    "<br>rest %{customdata[3]:.4f}<br>%{customdata[4]:.2f}° from the pole, "
    "%{customdata[5]:.0f}° from the concept axis"
)


@dataclass(frozen=True)
class Walk:
    """A path as it is drawn: on the globe, and flat."""

    picture: Float[Tensor, "layer 3"]
    mean: Float[Tensor, "layer 3"]
    layers: tuple[int, ...]
    colors: list[str]
    copied: list[bool]  # a green rim around these points of the flat measure
    name: str
    ranges: list[list[float]]

    def ghosts(self) -> list[go.Scatter3d | go.Scatter]:
        """Return the whole path, thin: where the walk goes, and what a hover finds."""
        solid, flat = _pair(self.picture, self.mean, self.layers)
        solid.update(mode="markers", marker={"size": 2, "opacity": 0.5})
        flat.update(line={"width": 0.6, "color": MUTED_COLOR}, marker={"size": 4, "opacity": 0.5})
        return [each.update(marker_color=MUTED_COLOR) for each in (solid, flat)]

    def upto(self, layer: int) -> list[go.Scatter3d | go.Mesh3d | go.Scatter]:
        """Return the path up to a layer, with arrow heads, on the globe and flat."""
        n = max(1, sum(each <= layer for each in self.layers))
        rims = [2.5 * copied for copied in self.copied[:n]]
        colors, span = self.colors[:n], min(high - low for low, high in self.ranges)
        solid, flat = _pair(self.picture[:n], self.mean[:n], self.layers[:n])
        last = [0] * (n - 1) + [4 if n < len(self.layers) else 0]  # where the walk is now
        solid.update(
            name=escape(self.name),
            mode="markers",
            marker={"color": colors, "size": [4 + more for more in last]},
        )
        flat.update(
            line={"width": 1.2, "color": MUTED_COLOR},
            marker={
                "color": colors,
                "size": [8 + more for more in last],
                "line": {"color": SOURCE_COLOR, "width": rims},
            },
        )
        picture, plane = self.picture[:n], self.mean[:n, :2]
        globe = [arcs(picture, colors), solid, arrow_heads(picture, colors)]
        return [*globe, flat, arrows(plane, colors, span)]


def _pair(
    picture: Float[Tensor, "layer 3"], cosines: Float[Tensor, "layer 3"], layers: Sequence[int]
) -> tuple[go.Scatter3d, go.Scatter]:
    """Return a path on the globe and the same path flat, which say the same in a hover."""
    around = polar(cosines[:, :2])
    degrees = torch.rad2deg(around["radius"].clamp_max(1).asin())
    rows = torch.cat([cosines, degrees[:, None], around["direction"][:, None]], -1)
    said = {
        "customdata": [[layer, *row] for layer, row in zip(layers, rows.tolist())],
        "hovertemplate": _HOVER,
        "mode": "lines+markers",
        "showlegend": False,
    }
    x, y, z = picture.T.tolist()
    across, up, _ = cosines.T.tolist()
    return go.Scatter3d(x=x, y=y, z=z, **said), go.Scatter(x=across, y=up, **said)


def single(
    cosines: Float[Tensor, "layer 3"], k: float, layers: Sequence[int], concept: str, symbol: str
) -> tuple[go.Scatter3d, go.Scatter]:
    """Return the path of one concept, which waits in the legend."""
    pair = _pair(magnify(cosines, k)[0], cosines, layers)
    for trace, size in zip(pair, (4, 7)):
        trace.update(
            line={"color": OTHER_COLOR, "width": 2},
            marker={"color": OTHER_COLOR, "symbol": symbol, "size": size},
            visible="legendonly",
            legendgroup=concept,
            name=escape(concept),
        )
    return pair[0].update(showlegend=True), pair[1].update(name=None)
