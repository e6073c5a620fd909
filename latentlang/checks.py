"""Exercise checks and the environment report: messages in the notebook, never an exception."""

from __future__ import annotations

import html
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from .errors import near
from .exercises import CHECKS, WrongAnswerError

_SIGN = {"right": "✔", "wrong": "✘", "not tried yet": "✎", "report": ""}
_PACKAGES = ("latentlang", "torch", "transformers", "nnsight", "bitsandbytes", "plotly", "ipywidgets", "anywidget")


@dataclass(frozen=True)
class Outcome:
    """What a check found: ``status`` (right, wrong, not tried yet, report) and a message; true when right."""

    status: str
    message: str

    def __bool__(self) -> bool:
        return self.status == "right"

    def __repr__(self) -> str:
        lead = "" if self.status == "report" else f"{self.status}: "
        return f"{_SIGN[self.status]} {lead}{self.message}".lstrip()

    def _repr_html_(self) -> str:
        lead = "" if self.status == "report" else f"<b>{self.status.capitalize()}.</b> "
        return f"<div>{_SIGN[self.status]} {lead}{html.escape(self.message).replace(chr(10), '<br>')}</div>"


def exercise(number: str, answer: object = ...) -> Outcome:
    """Check an answer to exercise ``number`` (such as ``"02.1"``) and say right, wrong with a hint, or not tried yet.

    An untouched stub (``...`` or None) is "not tried yet". A mistake inside the answer, such as a
    function that raises, is a wrong answer with the error's text; nothing stops "Run all".
    """
    if number not in CHECKS:
        return Outcome("wrong", f"There is no exercise {number}.{near(number, CHECKS)} Known: {', '.join(sorted(CHECKS))}.")
    if answer is ... or answer is None:
        return Outcome("not tried yet", f"Replace the ... in exercise {number} and run the cell again.")
    try:
        return Outcome("right", CHECKS[number](answer))
    except WrongAnswerError as hint:
        return Outcome("wrong", str(hint))
    except Exception as error:  # a student's function may raise anything; the notebook must go on
        return Outcome("wrong", f"Your answer raised {type(error).__name__}: {error}")


def check_environment() -> Outcome:
    """Prepare the notebook (Colab's widget manager) and report versions, device, memory, default model and cache."""
    _enable_colab_widgets()
    import torch

    from . import files, models
    from .hardware import best_device, cpu_limit, memory

    versions = [f"{package} {found}" for package in _PACKAGES if (found := _installed(package))]
    device = best_device()
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        where = f"{torch.cuda.get_device_name()} with {free / 1e9:.0f} of {total / 1e9:.0f} GB free"
    else:
        where = f"CPU, {cpu_limit()} processors"
    if (gigabytes := memory()) is not None:
        where += f", {gigabytes[0]:.0f} of {gigabytes[1]:.0f} GB of memory free"
    lines = [f"Python {platform.python_version()}, {', '.join(versions)}", where]
    lines.append(f"Model unless you name one: {models.default_name()}. Results are kept in {_short(files.user_cache())}.")
    problems = [*_unfit_packages(), *_unfit_places(files.user_cache(), files.shared_cache())]
    if gigabytes is not None and gigabytes[0] < 3:
        problems.append("Less than 3 GB of memory are free, and the demo model needs about that: close other notebooks first.")
    return Outcome("report", "\n".join([*lines, *(f"⚠ {problem}" for problem in problems)]))


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _unfit_packages() -> list[str]:
    """Return a sentence with its remedy for each package that is missing or of a version that latentlang was not made for."""
    from packaging.requirements import Requirement

    problems = []
    if _installed("latentlang") is None:
        return ["latentlang is read from a folder and not installed: run `pip install -e .` there."]
    for needed in map(Requirement, requires("latentlang") or ()):
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        found = _installed(needed.name)
        if found is None or not needed.specifier.contains(found, prereleases=True):
            has = f"{needed.name} {found} is installed" if found else f"{needed.name} is missing"
            wanted = f"{needed.name}{needed.specifier}"
            problems.append(f"{has}, and latentlang needs {wanted}: run `pip install '{wanted}'` and restart the kernel.")
    return problems


def _unfit_places(own: Path, shared: Path | None) -> list[str]:
    """Return a sentence with its remedy for a cache that cannot be used."""
    problems = []
    if shared is not None and not os.path.isdir(shared):
        problems.append(f"LATENTLANG_CACHE names {shared}, which is no folder: correct it, or unset it.")
    there = next(place for place in (own, *own.parents) if os.path.exists(place))
    if not os.access(there, os.W_OK) or not os.path.isdir(there):
        problems.append(f"Nothing can be kept in {_short(own)}: set XDG_CACHE_HOME to a folder that you may write to.")
    return problems


def _short(path: Path) -> str:
    """Return a path with ~ for the home folder."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)


def _enable_colab_widgets() -> None:
    """Let Colab show plotly's widgets; elsewhere there is nothing to do."""
    if "google.colab" in sys.modules:
        from google.colab import output

        output.enable_custom_widget_manager()
