"""Figures: readings in, ``plotly.graph_objects.Figure`` out. Nothing here shows a figure.

Each figure is a function in a file of its name. A new file is found without an edit here; the
imports tell editors and type checkers what there is.
"""

from importlib import import_module as _import_module
from inspect import isfunction as _isfunction
from pkgutil import iter_modules as _iter_modules

from .bars import bars
from .describe import describe, table
from .difference import difference
from .energy import energy
from .heatmap import heatmap
from .language_probability import SCALES, language_probability
from .latent_map import latent_map
from .pair_grid import pair_grid
from .phases import phases
from .reading import reading
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

for _name in [module.name for module in _iter_modules(__path__)]:
    _figure = vars(_import_module(f".{_name}", __name__)).get(_name)
    if _isfunction(_figure):
        globals()[_name] = _figure
        if _name not in __all__:
            __all__.append(_name)
