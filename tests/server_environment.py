"""An environment as a server has it: nnsight and what that needs, without our other packages."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What an NDIF server runs on, and what our stand-in for one needs to listen.
SERVER_PACKAGES = ("nnsight", "torch", "transformers", "accelerate", "safetensors", "zstandard")
LISTENING = ("fastapi", "uvicorn", "websockets", "python-multipart")


def needed_by(packages: tuple[str, ...]) -> set[str]:
    """Return these packages and all that they require, of what is installed here."""
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = canonicalize_name(waiting.pop())
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        if name in found:
            continue
        found.add(name)
        for requirement in map(Requirement, required):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def make(folder: Path) -> Path:
    """Fill ``folder`` with links to a server's packages and return it; ``python`` starts there."""
    for name in needed_by(SERVER_PACKAGES + LISTENING):
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or () if file.parts[0] != ".."}:
            link, place = folder / top, installed.locate_file(top)
            if place.exists() and not link.exists() and top != "__pycache__":
                link.symlink_to(place)
    return folder


def python(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command and the variables that start Python in that environment alone."""
    return [sys.executable, "-S", "-P"], {**os.environ, "PYTHONPATH": str(folder)}
