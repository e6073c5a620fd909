"""Figures: readings in, ``plotly.graph_objects.Figure`` out. Nothing here shows a figure."""

from .bars import bars
from .curves import SCALES, difference, energy, language_probability, phases, reading
from .describe import describe, table
from .heatmap import heatmap
from .mds_map import latent_map
from .pair_grid import pair_grid
from .sphere import sphere
from .text import language_label, token_text

__all__ = [
    "SCALES",
    "bars",
    "describe",
    "difference",
    "energy",
    "heatmap",
    "language_label",
    "language_probability",
    "latent_map",
    "pair_grid",
    "phases",
    "reading",
    "sphere",
    "table",
    "token_text",
]
