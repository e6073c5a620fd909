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
    "load_model": "models.load",
    "load_words": "prompts.words",
    "load_cloze": "prompts.words",
    "languages": "prompts.words",
    "build_prompts": "prompts.build",
    "start_ids": "prompts.tokens",
    "decode": "lens.decode",
    "Run": "lens.run",
    "run_experiment": "runs.experiments",
    "sphere_path": "analysis.sphere",
    "predict": "course.quiz",
    "summarize": "analysis.summary",
    "find_phases": "analysis.phases",
    "headlines": "analysis.phases",
}
_MODULES = ("metrics", "geometry", "plots", "explore", "checks", "data", "errors")

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'latentlang' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
