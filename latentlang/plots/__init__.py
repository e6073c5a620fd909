"""Figures: readings in, ``plotly.graph_objects.Figure`` out. Nothing here shows a figure."""

from .curves import SCALES, bars, difference, energy, language_probability, phases
from .grid import grid
from .heatmap import heatmap
from .maps import latent_map
from .sphere import sphere
from .words import describe, table

__all__ = [
    "SCALES",
    "bars",
    "describe",
    "difference",
    "energy",
    "grid",
    "heatmap",
    "language_probability",
    "latent_map",
    "phases",
    "sphere",
    "table",
]
