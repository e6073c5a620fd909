"""Prepare a model before a class: convert what packages carry, or download it from the hub."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError
from . import packaged
from .catalogue import CATALOGUE, PACKAGED
from .downloads import download
from .load import source_of


def prefetch(name: str | None = None, to: Path | None = None) -> Path:
    """Bring a model onto this machine, so that loading it takes seconds; return its folder.

    Args:
        name: of the catalogue, or the hub's repository id; None for the demo model.
        to: a shared cache folder, for ``LATENTLANG_CACHE``; None for the user's own cache.

    Raises:
        ModelError: The model cannot be brought here, or not to that place.
    """
    name = name or PACKAGED
    entry = CATALOGUE.get(name)
    if entry and entry.package:
        return packaged.convert(to, name) if to else packaged.folder(name)
    if to:
        raise ModelError(
            f"{name} comes from the hub, whose files have a place of their own: "
            "set HF_HOME to a shared folder, and leave --to out."
        )
    source = source_of(name)
    return Path(source) if Path(source).is_dir() else download(name, source)
