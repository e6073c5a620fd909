"""Energy, sphere, map and rotation, under their public name: the functions live in ``analysis``."""

from .analysis.axes import SphereAxes, sphere_axes, sphere_coordinates
from .analysis.energy import gram, token_energy
from .analysis.mds import LatentMap, latent_mds
from .analysis.rotation import procrustes, token_ranks
from .analysis.sphere import SpherePath
from .lens.energy import Gram

__all__ = [
    "Gram",
    "LatentMap",
    "SphereAxes",
    "SpherePath",
    "gram",
    "latent_mds",
    "procrustes",
    "sphere_axes",
    "sphere_coordinates",
    "token_energy",
    "token_ranks",
]
