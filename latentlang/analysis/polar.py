"""Radius and direction of a mean path around the pole of the sphere, with intervals."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .intervals import RESAMPLES, resample


def polar(plane: Float[Tensor, "*point 2"]) -> dict[str, Float[Tensor, "*point"]]:
    """Return radius and direction of (x, y): its length, and degrees from the y axis towards x.

    >>> polar(torch.tensor([[0.0, 0.5], [3.0, 0.0], [-1.0, 0.0]]))["direction"]
    tensor([  0.,  90., -90.])
    """
    x, y = plane.unbind(-1)
    return {"radius": plane.norm(dim=-1), "direction": torch.rad2deg(torch.atan2(x, y))}


def polar_ci(
    plane: Float[Tensor, "prompt layer 2"], codes: Int[Tensor, " prompt"]
) -> dict[str, tuple[Float[Tensor, " layer"], Float[Tensor, " layer"], Float[Tensor, " layer"]]]:
    """Return radius and direction of the mean path, each with the bounds of its 95 % interval.

    The interval comes from the mean paths of 2,000 resamples, and not from the radii of single
    paths: their mean is another quantity. Directions differ by the short way round, so a bound may
    pass ±180.

    Args:
        plane: x and y of every path, ``[n, n_layers, 2]``.
        codes: the cluster of each path (``cluster_codes``); whole clusters are drawn. With a single
            one the bounds are NaN.
    """
    found = polar(plane.mean(0))
    if not codes.any():
        unknown = torch.full_like(found["radius"], math.nan)
        return {name: (value, unknown, unknown) for name, value in found.items()}
    weights = resample(codes, RESAMPLES).to(plane)
    drawn = polar(torch.einsum("rp,plk->rlk", weights, plane))
    apart = {name: drawn[name] - value for name, value in found.items()}
    apart["direction"] = (apart["direction"] + 180) % 360 - 180
    ends = torch.tensor([0.025, 0.975])
    return {
        name: (value, *(value + torch.quantile(apart[name], ends, dim=0)))
        for name, value in found.items()
    }
