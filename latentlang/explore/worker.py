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
_running: Latest | None = None  # whose request the worker computes
_DOING = "Reading the layers"
_READING = f"{_DOING} …"
_WAITING = "Waiting for another explorer …"
_STOPPED = "Stopped. The figures show the last result; finished parts are kept for the next time."


class StoppedError(Exception):
    """Raised inside a computation when its result is no longer wanted."""


class Latest:
    """The most recent request of one explorer.

    Args:
        compute: called as ``compute(report, **request)`` on the worker thread. It may call
            ``report(done, total)``, which ends it when the request is stopped, or replaced by one
            whose ``work(request)`` differs. Two more arguments may say what is done, and to what.
        show: called as ``show(result)``; it draws and returns a message.
        say: called as ``say(message, busy)``; it shows a message.
        work: returns the part of a request that needs a computation.
        failed: called when a request has failed, before its message is shown.
    """

    def __init__(
        self,
        compute: Callable,
        show: Callable,
        say: Callable[[str, bool], None],
        work: Callable[[dict], object],
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._compute, self._show, self._say, self._work = compute, show, say, work
        self._failed = failed
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
            next_one = _running is self or (_running is None and _waiting[0] is self)
            self._say(_READING if next_one else _WAITING, True)

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
        """Return the waiting request, which is the running one from now on, or None after a stop.

        A stop that comes later ends it.
        """
        with _changed:
            self._running, self._request = self._request, None
        return self._running

    def run(self, request: dict) -> None:
        """Compute one request now, and show the result unless a newer request or a stop has come.

        A result that is shown has its own message, even if a stop came while it was drawn.
        """
        message: str | None = None
        failure: str | None = None
        with _changed:
            self._running = request
        try:
            with _changed:
                self._check()
                self._say(_READING, True)
            result = self._compute(self._report, **request)
            with _changed:
                self._check()
                wanted = self._request is None
            message = self._show(result) if wanted else None
        except StoppedError:
            pass
        except LatentLangError as error:
            failure = f"⚠ {escape(str(error))}"
        except Exception as error:  # an explorer must survive any failure, and must show it
            failure = f"⚠ {escape(f'{type(error).__name__}: {error}')}"
        with _changed:
            stopped, self._stopped, self._running = self._stopped, False, None
            if self._request is not None:
                return
            if message is None and stopped:
                message = _STOPPED
            elif failure is not None:
                self._failed()
                message = failure
            if message is not None:
                self._say(message, False)

    def _check(self) -> None:
        """End the running request if a stop has come."""
        if self._stopped:
            raise StoppedError

    def _report(self, done: int, total: int, doing: str = _DOING, unit: str = "prompts") -> None:
        with _changed:
            newer, current = self._request, self._running
            replaced = (
                newer is not None
                and current is not None
                and self._work(newer) != self._work(current)
            )
            self._check()
            if replaced:
                raise StoppedError
            self._say(f"{doing}: {done} of {total} {unit} …", True)


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
    global _running
    while True:
        with _changed:
            _work_to_do.wait_for(lambda: _waiting)
            explorer = _running = _waiting.popleft()
            request = explorer.take()
        if request is not None:
            # A message that cannot be sent must not end the thread that serves all explorers.
            with suppress(BaseException):
                explorer.run(request)
        with _changed:
            _running = None
