"""One worker thread for all explorers of the process: the latest request of each is computed, what came before is dropped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ..display import escape
from ..errors import LatentLangError

_changed = threading.Condition()
_waiting: deque[Latest] = deque()
_thread: threading.Thread | None = None


class StoppedError(Exception):
    """Raised inside a computation whose result nobody waits for any more."""


class Latest:
    """The most recent request of one explorer.

    ``compute(report, **request)`` runs on the worker thread; it may call ``report(done, total)``, which ends it when it is out
    of date. ``show(result)`` draws and returns what to say. ``say(message, busy)`` shows a message.
    """

    def __init__(self, compute: Callable, show: Callable, say: Callable[[str, bool], None]) -> None:
        self._compute, self._show, self._say = compute, show, say
        self._request: dict | None = None
        self._stopped = False

    def ask(self, **request) -> None:
        """Ask for a new picture; returns at once."""
        with _changed:
            self._request, self._stopped = request, False
            if self not in _waiting:
                _waiting.append(self)
            self._say("Reading the layers …", True)
            _start()
            _changed.notify()

    def stop(self) -> None:
        """Give up what is being computed; what is on screen stays, and finished parts are kept for the next time."""
        with _changed:
            self._request, self._stopped = None, True

    def run(self, request: dict) -> None:
        """Compute one request here and now, and show it unless a newer one has come."""
        try:
            result = self._compute(self._report, **request)
            self._report(1, 1)
            message = self._show(result)
        except StoppedError:
            message = "Stopped. The figure is the one from before." if self._stopped else None
        except LatentLangError as error:
            message = f"⚠ {escape(str(error))}"
        except Exception as error:  # an explorer must outlive any failure, and must not hide it
            message = f"⚠ {escape(f'{type(error).__name__}: {error}')}"
        with _changed:
            if self._request is None and message is not None:
                self._say(message, False)

    def _report(self, done: int, total: int) -> None:
        if self._stopped or self._request is not None:
            raise StoppedError
        if done < total:
            self._say(f"Reading the layers: {done} of {total} prompts …", True)


def _start() -> None:
    """Start the worker when it is first needed; it ends with the kernel."""
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_work, daemon=True, name="latentlang-explorers")
        _thread.start()


def _work() -> None:
    while True:
        with _changed:
            _changed.wait_for(lambda: _waiting)
            explorer = _waiting.popleft()
            request, explorer._request = explorer._request, None
        if request is not None:
            explorer.run(request)
