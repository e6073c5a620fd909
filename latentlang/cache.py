"""Results on disk: a shared, possibly read-only place in front of the user's own.

An entry is one safetensors file (``Decoded.save``), found by a key of everything that changes
its numbers. It is written to a temporary file and renamed, so no reader ever sees half of one;
a lock makes several kernels with the same question compute it once; parts that were finished
before an interruption are used again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock
from safetensors import SafetensorError

from .decoded import Decoded
from .errors import DataError
from .files import cache_places, make_readable, user_cache

FORMAT = 2  # raised when the numbers, or what is kept beside them, change for an unchanged question


def key(facts: dict) -> str:
    """Return the name of the entry that answers a question, from everything that changes its numbers.

    >>> key({"seed": 0}) == key({"seed": 0}) != key({"seed": 1})
    True
    """
    text = json.dumps({"format": FORMAT, **facts}, sort_keys=True, ensure_ascii=False, default=sorted)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def find(name: str) -> Decoded | None:
    """Return the entry called ``name`` from the first place that has it whole, or None.

    A damaged entry is reported, set aside as ``*.damaged`` where that is allowed, and not returned.
    """
    for path in cache_places("results", f"{name}.safetensors"):
        if path.exists():
            try:
                return Decoded.load(path)
            except DataError:
                warnings.warn(f"The stored result {path} is damaged; it is computed again.", stacklevel=3)
                _set_aside(path)
            except OSError as error:
                warnings.warn(f"The stored result {path} cannot be read ({error.strerror}); it is computed again.", stacklevel=3)
    return None


def answer(facts: dict, count: int, compute: Callable[[slice], Decoded], *, part: int, refresh: bool = False) -> Decoded:
    """Return the stored answer to a question, or compute it, a part at a time, and store it.

    ``compute(rows)`` reads some of the ``count`` prompts. Each part of ``part`` prompts is stored as soon as it
    is done, so an interrupted run goes on where it was, with the same numbers. ``refresh`` computes anew.
    """
    name = key(facts)
    if not refresh and (found := find(name)) is not None:
        return found
    folder = user_cache() / "results"
    if not _writable(folder):
        warnings.warn(f"Results cannot be kept in {folder}: free space there, or set XDG_CACHE_HOME to a folder of yours.", stacklevel=3)
        return compute(slice(0, count))
    with FileLock(folder / f"{name}.lock"):
        if not refresh and (found := find(name)) is not None:  # another kernel was faster
            return found
        parts = folder / f"{name}.parts"
        if refresh:
            shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(exist_ok=True)
        done = [_part(parts / f"{start:06d}.safetensors", slice(start, start + part), compute) for start in range(0, count, part)]
        result = Decoded.concatenate(done)
        _keep(result, folder / f"{name}.safetensors")
        shutil.rmtree(parts)
    return result


def store(result: Decoded, path: Path) -> None:
    """Write an entry so that it appears at once and whole."""
    scratch = _scratch(path)
    result.save(scratch)
    make_readable(scratch)
    os.replace(scratch, path)


def _part(path: Path, rows: slice, compute: Callable[[slice], Decoded]) -> Decoded:
    if path.exists():
        try:
            return Decoded.load(path)
        except DataError:
            _set_aside(path)
    result = compute(rows)
    _keep(result, path)
    return result


def _keep(result: Decoded, path: Path) -> None:
    """Store a result, or say why that was not possible: a full disk must not cost what was computed."""
    try:
        store(result, path)
    except (OSError, SafetensorError) as error:
        warnings.warn(f"The result could not be kept in {path.parent} ({error}): free space there.", stacklevel=4)
        with suppress(OSError):
            _scratch(path).unlink()


def _scratch(path: Path) -> Path:
    return path.with_suffix(f".{os.getpid()}.tmp")


def _set_aside(path: Path) -> None:
    with suppress(OSError):  # a shared place may be read-only; the user's own copy will stand behind it
        os.replace(path, path.with_suffix(".damaged"))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
