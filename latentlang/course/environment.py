"""The environment report: versions, device, memory, and the problems they cause."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from ..files import printable
from .outcome import PROBLEM, Outcome

_PACKAGES = (
    "latentlang",
    "torch",
    "transformers",
    "nnsight",
    "bitsandbytes",
    "plotly",
    "ipywidgets",
    "anywidget",
)
_WORDS = "fleur цветок 花"
# In JupyterLab's dark themes, figures on white paper have their lightness turned round: white is
# the theme's #111 then. Hues stay, so orange is English there too.
_DARK_FIGURES = """
[data-jp-theme-light="false"] .js-plotly-plot:has(
  > .plot-container .main-svg:is(
    [style*="background: white"], [style*="background: rgb(255, 255, 255)"]
  )
) { filter: invert(0.933) hue-rotate(180deg); }
"""


def check_environment() -> Outcome:
    """Prepare the notebook and report versions, device, memory, default model and cache.

    On Colab it enables the widget manager. In JupyterLab it lets figures follow a dark theme.

    Returns:
        A report with one line per problem, each with its remedy.
    """
    _enable_colab_widgets()
    import torch

    from ..files import shared_cache, user_cache
    from ..models.hardware import best_device, cpu_limit, memory
    from ..models.load import default_name

    installed = {package: _installed(package) for package in _PACKAGES}
    versions = [f"{package} {number}" for package, number in installed.items() if number]
    device = best_device()
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        where = f"{torch.cuda.get_device_name()} with {free / 1e9:.0f} of {total / 1e9:.0f} GB free"
    else:
        where = f"CPU, {cpu_limit()} processors"
    if (gigabytes := memory()) is not None:
        where += f", {gigabytes[0]:.0f} of {gigabytes[1]:.0f} GB of memory free"
    lines = [f"Python {platform.python_version()}, {', '.join(versions)}", where]
    lines.append(
        f"Model unless you name one: {default_name()}. Results are kept in {_short(user_cache())}."
    )
    problems = [*_unfit_packages(), *_unfit_places(user_cache(), shared_cache()), *_unfit_output()]
    if gigabytes is not None and gigabytes[0] < 3:
        problems.append(
            "Less than 3 GB of memory are free, and the demo model needs about that: "
            "close other notebooks first."
        )
    lines += [f"{PROBLEM} {problem}" for problem in problems]
    return Outcome("report", "\n".join(lines), style=_DARK_FIGURES)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _unfit_packages() -> list[str]:
    """Return a sentence with its remedy for each missing package and each unfit version."""
    from packaging.requirements import Requirement

    problems = []
    if _installed("latentlang") is None:
        return ["latentlang is read from a folder and not installed: run `pip install -e .` there."]
    for requirement in map(Requirement, requires("latentlang") or ()):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        present = _installed(requirement.name)
        if present is None or not requirement.specifier.contains(present, prereleases=True):
            state = f"{present} is installed" if present else "is missing"
            fit = f"{requirement.name}{requirement.specifier}"
            problems.append(
                f"{requirement.name} {state}, and latentlang needs {fit}: "
                f"run `pip install '{fit}'` and restart the kernel."
            )
    return problems


def _unfit_places(own: Path, shared: Path | None) -> list[str]:
    """Return a sentence with its remedy for a cache that cannot be used."""
    from ..files import unreadable

    problems = []
    if shared is not None and not os.path.isdir(shared):
        problems.append(
            f"LATENTLANG_CACHE names {shared}, which is not a folder: correct it, or unset it."
        )
    elif shared is not None and (closed := unreadable(shared)):
        problems.append(f"{closed} cannot be read: its owner can run `chmod -R a+rX {shared}`.")
    nearest = next(folder for folder in (own, *own.parents) if os.path.exists(folder))
    if not os.access(nearest, os.W_OK) or not os.path.isdir(nearest):
        problems.append(
            f"latentlang cannot keep results in {_short(own)}: "
            "set XDG_CACHE_HOME to a folder that you may write to."
        )
    return problems


def _unfit_output() -> list[str]:
    """Return a sentence with its remedy where figures or printed words cannot be shown."""
    import plotly.io

    problems = []
    try:
        list(plotly.io.renderers)  # reads PLOTLY_RENDERER
    except ValueError:
        problems.append(
            f"PLOTLY_RENDERER={os.environ.get('PLOTLY_RENDERER')} names no way in which plotly "
            "shows figures: unset it, and restart the kernel."
        )
    if printable(_WORDS) != _WORDS:
        problems.append(
            f"This output shows letters of {sys.stdout.encoding} only, and prints words of other "
            "scripts as codes or not at all: set PYTHONUTF8=1, and start Python again."
        )
    return problems


def _short(path: Path) -> str:
    """Return a path with ~ for the home folder."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _enable_colab_widgets() -> None:
    """Let Colab show plotly's widgets; elsewhere do nothing."""
    if "google.colab" in sys.modules:
        from google.colab import output

        output.enable_custom_widget_manager()
