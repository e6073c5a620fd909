"""Figures: readings in, ``plotly.graph_objects.Figure`` out. Nothing here shows a figure."""

from .curves import bars, energy, language_probability, phases
from .heatmap import heatmap
from .sphere import sphere

__all__ = ["bars", "energy", "heatmap", "language_probability", "phases", "sphere"]
