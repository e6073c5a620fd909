"""Locks between processes: one computes, the others wait for a while, and say for whom."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor, unlock_descriptor

from .files import say

PATIENCE = 300.0  # seconds that a process waits for another one
_PAUSE = 0.1  # seconds between two tries


@contextmanager
def locked(path: Path, what: str, still_waiting: Callable[[], None]) -> Iterator[str]:
    """Hold the lock at ``path``, or do without it, and yield why it is not held.

    The text is empty if the lock is held. It is not where the file system offers no locks, and
    where another process has not finished after ``PATIENCE`` seconds. The holder writes into the
    file who it is.

    Args:
        path: of the file to lock; it is made, and it stays.
        what: the work that one process does at a time, for the sentence that says what it waits
            for.
        still_waiting: called again and again while another process holds the lock; it may raise.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        yield f"{path} cannot be opened ({error.strerror})"
        return
    try:
        reason = _taken(file, path, what, still_waiting)
        try:
            yield reason
        finally:
            if not reason:
                unlock_descriptor(file)
    finally:
        os.close(file)


def is_held(path: Path) -> bool:
    """Return whether a process may hold the lock at ``path``: also where that cannot be found out.

    Nothing is made or written.
    """
    try:
        file = os.open(path, os.O_RDWR)
    except OSError as error:
        return not isinstance(error, FileNotFoundError)
    try:
        if lock_descriptor(file, blocking=False):
            unlock_descriptor(file)
            return False
    except OSError:
        pass
    finally:
        os.close(file)
    return True


def _taken(file: int, path: Path, what: str, still_waiting: Callable[[], None]) -> str:
    """Take the lock of an open file; return why that is not possible, or an empty text."""
    limit = time.monotonic() + PATIENCE
    told = False
    try:
        while not lock_descriptor(file, blocking=False):
            if time.monotonic() > limit:
                return f"{_holder(path)} has held {path} for {PATIENCE:.0f} seconds"
            if not told:
                say(
                    f"{_holder(path)} is at work on {what}: waiting for it, "
                    f"for {PATIENCE:.0f} seconds at most."
                )
                told = True
            still_waiting()
            time.sleep(_PAUSE)
    except OSError as error:
        return f"the file system of {path.parent} offers no locks ({error.strerror})"
    with suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, f"Process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    return ""


def _holder(path: Path) -> str:
    """Return who holds a lock, as the holder wrote it."""
    with suppress(OSError, ValueError):
        if text := path.read_text(encoding="utf-8")[:200].strip():
            return text
    return "Another process"
