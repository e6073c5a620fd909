"""Results on disk: the user's own, and those of a shared folder that may be read-only.

An entry is one safetensors file, which ``save`` of a result writes (a run, a sweep, a pivot test,
a retrieval or a lens), named by the key of its question. It is written to a temporary file and
renamed, so no reader sees half of one. A lock makes several kernels with the same question compute
it once. Parts that were finished before an interruption are used again.

Several entries may answer one question. The newest one does, and none that is older than the last
refresh of its subject.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ..analysis.retrieval_result import Retrieval
from ..errors import DataError
from ..files import cache_places, cache_roots, make_readable, unwritable, user_cache
from ..lens.lens import Lens
from ..lens.run import Run
from ..lens.sweep_result import Sweep
from ..locks import locked
from .pivot_result import PivotTest

_FOLDER = "results"
Result = TypeVar("Result", Run, Sweep, PivotTest, Retrieval, Lens)


@dataclass(frozen=True)
class Entry(Generic[Result]):
    """The place of an answer.

    ``name``: the key of the question. ``subject``: what a refresh makes outdated as a whole.
    ``fits``: whether a result is about some rows of the question; a file may hold anything.
    ``load``: reads a file. ``join``: makes one result of those of all parts.
    """

    name: str
    subject: str
    fits: Callable[[Result, slice], bool]
    load: Callable[[Path], Result]
    join: Callable[[list[Result]], Result]


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """A stored result, the entry that it answers, and when it was written (ns since 1970)."""

    result: Result
    entry: Entry[Result]
    written: int


def find(entries: Iterable[Entry[Result]]) -> Answer[Result] | None:
    """Return the newest of several entries, from all cache folders, or None.

    An entry that is damaged, or about something else, is reported, renamed to ``*.damaged`` if that
    is allowed, and not returned. Of two of the same age the user's own goes first.
    """
    candidates = [(written, path, entry) for entry in entries for written, path in _files(entry)]
    for written, path, entry in sorted(candidates, key=lambda each: -each[0]):
        if (result := _read(path, entry, slice(None))) is not None:
            return Answer(result, entry, written)
    return None


def answer(
    entry: Entry[Result],
    count: int,
    compute: Callable[[slice], Result],
    *,
    part: int,
    refresh: bool,
    still_waiting: Callable[[], None],
) -> Answer[Result]:
    """Compute and store an entry, one part at a time, unless another process does it now.

    Each part is stored as soon as it is done, so an interrupted run continues where it stopped,
    with the same numbers.

    Args:
        entry: its place.
        count: how many prompts there are.
        compute: called as ``compute(rows)``; it reads some of the prompts.
        part: how many prompts are stored at a time.
        refresh: let go of everything that was stored about the subject.
        still_waiting: called while another process computes; it may raise to stop.
    """
    folder = user_cache() / _FOLDER
    if reason := unwritable(folder, "XDG_CACHE_HOME"):
        return _unkept(reason, entry, count, compute)
    with locked(folder / f"{entry.name}.lock", "the same question", still_waiting) as reason:
        if reason:
            return _unkept(reason, entry, count, compute)
        if refresh:
            _marker(entry.subject).touch()
        elif (stored := find([entry])) is not None:  # another process was faster
            return stored
        parts = folder / f"{entry.name}.parts"
        if refresh:
            shutil.rmtree(parts, ignore_errors=True)
        parts.mkdir(exist_ok=True)
        done = []
        for start in range(0, count, part):
            rows = slice(start, min(start + part, count))
            done.append(_part(parts / f"{start:06d}.safetensors", rows, entry, compute))
        result = entry.join(done)
        _keep(result, folder / f"{entry.name}.safetensors")
        shutil.rmtree(parts, ignore_errors=True)
    return Answer(result, entry, time.time_ns())


def holds(entry: Entry) -> bool:
    """Return whether there is a file of an entry in one of the cache folders; it is not read."""
    return any(_files(entry))


def store(result: Result, path: Path, written: int | None = None) -> None:
    """Write an entry so that it appears whole or not at all.

    Args:
        result: of a run or another question.
        path: of the entry.
        written: when the numbers were computed (ns since 1970), if that was not now.
    """
    scratch = _scratch(path)
    result.save(scratch)
    make_readable(scratch)
    if written is not None:
        os.utime(scratch, ns=(written, written))
    os.replace(scratch, path)


def stamp() -> tuple[int | None, ...]:
    """Return what differs as soon as a result was stored in one of the cache folders."""
    return tuple(_written(root / _FOLDER) for root in cache_roots())


def _files(entry: Entry) -> Iterator[tuple[int, Path]]:
    """Yield when a file of an entry was written, and its path: the user's own first."""
    for path in reversed(cache_places(_FOLDER, f"{entry.name}.safetensors")):
        written = _written(path)
        if written is not None and written >= _refreshed(entry.subject):
            yield written, path


def _unkept(
    reason: str, entry: Entry[Result], count: int, compute: Callable[[slice], Result]
) -> Answer[Result]:
    """Compute without keeping anything, and say why."""
    warnings.warn(f"Results are not kept: {reason}.", stacklevel=6)
    return Answer(compute(slice(0, count)), entry, time.time_ns())


def _part(
    path: Path, rows: slice, entry: Entry[Result], compute: Callable[[slice], Result]
) -> Result:
    written = _written(path)
    kept = written is not None and written >= _refreshed(entry.subject)
    if kept and (stored := _read(path, entry, rows)) is not None:
        return stored
    result = compute(rows)
    _keep(result, path)
    return result


def _read(path: Path, entry: Entry[Result], rows: slice) -> Result | None:
    """Return the result in a file, or report why it cannot be used."""
    useless = True
    try:
        path.open("rb").close()  # safetensors does not say that a file may not be read
        result = entry.load(path)
        if entry.fits(result, rows):
            return result
        reason = "is about something else"
    except DataError:
        reason = "is damaged"
    except OSError as error:
        useless, reason = False, f"cannot be read ({error.strerror or error})"
    warnings.warn(f"The stored result {path} {reason}; it will be computed again.", stacklevel=6)
    if useless:
        _set_aside(path)
    return None


def _keep(result: Result, path: Path) -> None:
    """Store a result, or warn: a full disk must not cost the computed numbers."""
    try:
        store(result, path)
    except (OSError, DataError) as error:
        reason = error.__cause__ or error
        warnings.warn(
            f"The result could not be kept in {path.parent} ({reason}): free space there.",
            stacklevel=5,
        )
        with suppress(OSError):
            _scratch(path).unlink()


def _marker(subject: str) -> Path:
    """Return the file whose date is that of the last refresh of a subject."""
    return user_cache() / _FOLDER / f"{subject}.refreshed"


def _refreshed(subject: str) -> int:
    return _written(_marker(subject)) or 0


def _written(path: Path) -> int | None:
    """Return when a file was written (ns since 1970); None if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        warnings.warn(
            f"{path} cannot be read ({error.strerror}): ask its owner to let you read it.",
            stacklevel=6,
        )
        return None


def _scratch(path: Path) -> Path:
    return path.with_suffix(f".{os.getpid()}.tmp")


def _set_aside(path: Path) -> None:
    # A shared folder may be read-only; the newer entry of the user's own then answers.
    with suppress(OSError):
        os.replace(path, path.with_suffix(".damaged"))
