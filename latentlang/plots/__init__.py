"""Figures: readings in, ``plotly.graph_objects.Figure`` out. Nothing here shows a figure.

Each figure is a function in a file of its name. A new file is found without an edit here; the
imports tell editors and type checkers what there is.
"""

from importlib import import_module as _import_module
from inspect import isfunction as _isfunction
from pkgutil import iter_modules as _iter_modules

from .anatomy import anatomy
from .atlas import atlas
from .bars import bars
from .describe import describe, table
from .difference import difference
from .energy import energy
from .fit import fit
from .grid import grid
from .heatmap import heatmap
from .language_probability import SCALES, language_probability
from .latent_map import latent_map
from .lens_panel import lens_panel
from .pair_grid import pair_grid
from .phases import phases
from .pivot_test import pivot_test
from .reading import reading
from .retrieval import retrieval
from .slide import slide
from .sphere import sphere
from .style import THEMES, themed
from .sweep import sweep
from .sweep_grid import sweep_grid
from .sweep_layer import sweep_layer
from .text import language_label, token_text
from .vectors import vectors
from .words import words

__all__ = [
    "SCALES",
    "THEMES",
    "anatomy",
    "atlas",
    "bars",
    "describe",
    "difference",
    "energy",
    "fit",
    "grid",
    "heatmap",
    "language_label",
    "language_probability",
    "latent_map",
    "lens_panel",
    "pair_grid",
    "phases",
    "pivot_test",
    "reading",
    "retrieval",
    "slide",
    "sphere",
    "sweep",
    "sweep_grid",
    "sweep_layer",
    "table",
    "themed",
    "token_text",
    "vectors",
    "words",
]

for _name in [module.name for module in _iter_modules(__path__)]:
    _figure = vars(_import_module(f".{_name}", __name__)).get(_name)
    if _isfunction(_figure):
        globals()[_name] = _figure
        if _name not in __all__:
            __all__.append(_name)
