"""Results on disk: a shared folder, possibly read-only, before the user's own.

An entry is one safetensors file (``Run.save``), named by the key of its ``Experiment``. It is
written to a temporary file and renamed, so no reader sees half of one. A lock makes several kernels
with the same question compute it once. Parts that were finished before an interruption are used
again.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock
from safetensors import SafetensorError

from ..errors import DataError
from ..files import cache_places, make_readable, user_cache
from ..lens.run import Run
from ..lens.run_file import save_run


def find(name: str) -> Run | None:
    """Return the entry called ``name`` from the first folder that has it whole, or None.

    A damaged entry is reported, renamed to ``*.damaged`` if that is allowed, and not returned.
    """
    for path in cache_places("results", f"{name}.safetensors"):
        if path.exists():
            try:
                return Run.load(path)
            except DataError:
                warnings.warn(
                    f"The stored result {path} is damaged; it will be computed again.", stacklevel=3
                )
                _set_aside(path)
            except OSError as error:
                warnings.warn(
                    f"The stored result {path} cannot be read ({error.strerror}); "
                    "it will be computed again.",
                    stacklevel=3,
                )
    return None


def answer(
    name: str, count: int, compute: Callable[[slice], Run], *, part: int, refresh: bool = False
) -> Run:
    """Return the stored entry called ``name``, or compute and store it, one part at a time.

    Each part is stored as soon as it is done, so an interrupted run continues where it stopped,
    with the same numbers.

    Args:
        name: of the entry.
        count: how many prompts there are.
        compute: called as ``compute(rows)``; it reads some of the prompts.
        part: how many prompts are stored at a time.
        refresh: compute the entry again, even if it is stored.
    """
    if not refresh and (entry := find(name)) is not None:
        return entry
    folder = user_cache() / "results"
    if not _writable(folder):
        warnings.warn(
            f"Results cannot be kept in {folder}: free space there, "
            "or set XDG_CACHE_HOME to a folder of yours.",
            stacklevel=3,
        )
        return compute(slice(0, count))
    with FileLock(folder / f"{name}.lock"):
        if not refresh and (entry := find(name)) is not None:  # another kernel was faster
            return entry
        parts = folder / f"{name}.parts"
        if refresh:
            shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(exist_ok=True)
        done = [
            _part(parts / f"{start:06d}.safetensors", slice(start, start + part), compute)
            for start in range(0, count, part)
        ]
        result = Run.concatenate(done)
        _keep(result, folder / f"{name}.safetensors")
        shutil.rmtree(parts)
    return result


def store(result: Run, path: Path) -> None:
    """Write an entry so that it appears whole or not at all."""
    scratch = _scratch(path)
    save_run(vars(result), scratch)
    make_readable(scratch)
    os.replace(scratch, path)


def _part(path: Path, rows: slice, compute: Callable[[slice], Run]) -> Run:
    if path.exists():
        try:
            return Run.load(path)
        except DataError:
            _set_aside(path)
    result = compute(rows)
    _keep(result, path)
    return result


def _keep(result: Run, path: Path) -> None:
    """Store a result, or warn: a full disk must not cost the computed numbers."""
    try:
        store(result, path)
    except (OSError, SafetensorError) as error:
        warnings.warn(
            f"The result could not be kept in {path.parent} ({error}): free space there.",
            stacklevel=4,
        )
        with suppress(OSError):
            _scratch(path).unlink()


def _scratch(path: Path) -> Path:
    return path.with_suffix(f".{os.getpid()}.tmp")


def _set_aside(path: Path) -> None:
    # A shared folder may be read-only; the user's own copy then replaces the entry.
    with suppress(OSError):
        os.replace(path, path.with_suffix(".damaged"))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
