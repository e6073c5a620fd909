"""latentlang: see, layer by layer, in which language a large language model thinks.

``import latentlang as ll`` loads nothing heavy; each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("latentlang")
except PackageNotFoundError:  # read from a folder without installing it
    __version__ = "0+unknown"

_HOMES = {
    "load_model": "models",
    "load_words": "data",
    "load_cloze": "data",
    "languages": "data",
    "build_prompts": "prompts",
    "start_ids": "tokens",
    "decode": "lens",
    "Decoded": "decoded",
    "run_experiment": "experiments",
    "sphere_path": "paths",
    "predict": "predictions",
    "summarize": "summaries",
    "find_phases": "summaries",
    "headlines": "summaries",
}
_MODULES = (
    "metrics",
    "geometry",
    "plots",
    "explore",
    "checks",
    "errors",
    "display",
    "data",
    "tokens",
    "prompts",
    "experiments",
    "lens",
    "paths",
    "registry",
)

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'latentlang' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
