"""One worker thread for all explorers of the process.

It computes the latest request of each explorer and drops the older ones.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import LatentLangError
from ..plots.text import escape

_changed = threading.RLock()
_work_to_do = threading.Condition(_changed)
_waiting: deque[Latest] = deque()
_thread: threading.Thread | None = None
_STOPPED = "Stopped. The figures show the last result; finished parts are kept for the next time."


class StoppedError(Exception):
    """Raised inside a computation when its result is no longer wanted."""


class Latest:
    """The most recent request of one explorer.

    Args:
        compute: called as ``compute(report, **request)`` on the worker thread. It may call
            ``report(done, total)``, which ends it when the request is stopped, or replaced by one
            whose ``work(request)`` differs.
        show: called as ``show(result)``; it draws and returns a message.
        say: called as ``say(message, busy)``; it shows a message.
        work: returns the part of a request that needs a computation.
    """

    def __init__(
        self,
        compute: Callable,
        show: Callable,
        say: Callable[[str, bool], None],
        work: Callable[[dict], object],
    ) -> None:
        self._compute, self._show, self._say, self._work = compute, show, say, work
        self._request: dict | None = None  # waiting
        self._running: dict | None = None
        self._stopped = False

    def ask(self, **request: Any) -> None:
        """Ask for a new picture, and return at once."""
        with _changed:
            self._request, self._stopped = request, False
            if self not in _waiting:
                _waiting.append(self)
            _start()
            _work_to_do.notify()
            free = self._running or len(_waiting) == 1
            message = "Reading the layers …" if free else "Waiting for another explorer …"
            self._say(message, True)

    def stop(self) -> None:
        """Stop the computation or the waiting request; the figures on screen stay."""
        with _changed:
            waited, self._request = self._request is not None, None
            if self in _waiting:
                _waiting.remove(self)
            if self._running is not None:
                self._stopped = True
                self._say("Stopping …", True)
            elif waited:
                self._say(_STOPPED, False)

    def close(self) -> None:
        """Stop for good, and let go of what the computation holds: a model with its weights."""
        self.stop()
        self._compute = self._show = _refuse

    def take(self) -> dict | None:
        """Return the waiting request, which then waits no longer, or None after a stop."""
        with _changed:
            request, self._request = self._request, None
        return request

    def run(self, request: dict) -> None:
        """Compute one request now, and show the result unless a newer request has come."""
        with _changed:
            self._running = request
        try:
            result = self._compute(self._report, **request)
            message = self._show(result) if self._request is None and not self._stopped else None
        except StoppedError:
            message = None
        except LatentLangError as error:
            message = f"⚠ {escape(str(error))}"
        except Exception as error:  # an explorer must survive any failure, and must show it
            message = f"⚠ {escape(f'{type(error).__name__}: {error}')}"
        with _changed:
            self._running = None
            if self._stopped:
                message, self._stopped = _STOPPED, False
            if self._request is None and message is not None:
                self._say(message, False)

    def _report(self, done: int, total: int) -> None:
        with _changed:
            newer, current = self._request, self._running
            replaced = (
                newer is not None
                and current is not None
                and self._work(newer) != self._work(current)
            )
            if self._stopped or replaced:
                raise StoppedError
            self._say(f"Reading the layers: {done} of {total} prompts …", True)


def _refuse(*_: Any, **__: Any) -> None:
    """Stand in for the computation of an explorer that has been closed."""
    raise StoppedError


def _start() -> None:
    """Start the worker when it is first needed; it ends with the kernel."""
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_serve, daemon=True, name="latentlang-explorers")
        _thread.start()


def _serve() -> None:
    while True:
        with _changed:
            _work_to_do.wait_for(lambda: _waiting)
            explorer = _waiting.popleft()
            request = explorer.take()
        if request is not None:
            # A message that cannot be sent must not end the thread that serves all explorers.
            with suppress(BaseException):
                explorer.run(request)
