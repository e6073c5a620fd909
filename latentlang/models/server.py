"""An NDIF server: how a trace gets there and back, and every failure in one sentence.

nnsight's own client sends a trace and waits without limit. Here it runs beside a clock, so that a
silent server ends in a sentence, and the bytes of its results are counted.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import nnsight
import torch
from nnsight.intervention.backends.remote import RemoteBackend, RemoteError
from nnsight.schema.config import CONFIG
from nnsight.schema.response import Status

from ..errors import LatentLangError, TraceError
from .hub import to_model_error

SILENCE = 20.0  # seconds without a word before a server has taken the job
PATIENCE = 900.0  # seconds without a word while the job waits for its turn, or runs
_PUBLIC = "https://api.ndif.us"
_NO_MODEL = ("not deployed", "not running", "no deployment", "not available", "not hosted")
_TAKEN = {
    Status.QUEUED,
    Status.PROVISIONING,
    Status.DEPLOYING,
    Status.DISPATCHED,
    Status.RUNNING,
    Status.COMPLETED,
}
_KEY = (
    "The server {host} wants an API key: set NDIF_API_KEY to yours (for NDIF from "
    "https://login.ndif.us; in Colab a secret of that name, then restart the session), "
    "and load the model again."
)


class Connection:
    """The connection to one server.

    ``host``: its address. ``received``: how many bytes of results it has sent.
    """

    def __init__(self) -> None:
        self.host = (os.environ.get("NDIF_HOST") or CONFIG.API.HOST).rstrip("/")
        self.key = os.environ.get("NDIF_API_KEY") or CONFIG.API.APIKEY
        self.received = 0

    def backend(self, name: str, traced: Any) -> RemoteBackend:
        """Return what nnsight needs to send one trace of the model ``traced``.

        Raises ``TraceError`` for requests that are known to fail without asking the server.
        """
        parts = urlsplit(self.host)
        try:
            has_port = parts.port is None or parts.port > 0
        except ValueError:  # not a number, or too large a one
            has_port = False
        if parts.scheme not in ("http", "https") or not parts.hostname or not has_port:
            raise TraceError(
                f"'{self.host}' is not the address of a server: "
                "set NDIF_HOST to one that begins with http:// or https://."
            )
        if self.host == _PUBLIC and not self.key:
            raise TraceError(_KEY.format(host=self.host))
        try:
            key = traced.to_model_key()  # asks the hub how the repository is spelled
        except Exception as error:  # the hub's client has many ways to fail
            raise to_model_error(error, name, traced.repo_id) from error
        return _Waiting(self, traced, key)


class ServerMemoryError(TraceError, torch.OutOfMemoryError):
    """A server is out of memory: ``decode`` halves its batch; elsewhere it is one sentence."""


class _SilentError(Exception):
    """A server has sent nothing for longer than we wait."""


class _Waiting(RemoteBackend):
    """nnsight's client in its own thread, and a clock that restarts at every message.

    nnsight looks up from the socket ten times a second if it is ``enabled``, so that an abandoned
    thread ends.
    """

    enabled = True

    def __init__(self, connection: Connection, traced: Any, key: str) -> None:
        environment = traced._remoteable_get_env()
        super().__init__(key, host=connection.host, api_key=connection.key, env=environment)
        self._connection = connection
        self._events: queue.Queue = queue.Queue()
        self._abandoned = threading.Event()
        self.display = self  # nnsight passes every message of the server to its display

    def update(self, response: Any) -> None:
        """Take note of a message from the server."""
        self.refresh()
        self._events.put(response.status)

    def refresh(self) -> None:
        """Stop listening once nobody waits for the answer."""
        if self._abandoned.is_set():
            raise _SilentError("abandoned")

    def finalize(self, content: bytes) -> Any:
        self.refresh()
        self._connection.received += len(content)
        return super().finalize(content)

    def request(self, request: Any, tracer: Any) -> Any:
        answer: list = []

        def ask() -> None:
            try:
                answer.append(super(_Waiting, self).request(request, tracer))
            except BaseException as error:
                self._events.put(error)
            else:
                self._events.put(None)

        nnsight.ndif.pull_env()  # reads what is installed here, once, before the clock starts
        threading.Thread(target=ask, daemon=True, name="latentlang-remote").start()
        patience = SILENCE
        try:
            while True:
                try:
                    event = self._events.get(timeout=patience)
                except queue.Empty:
                    raise _SilentError(f"{patience:.0f} seconds") from None
                if event is None:
                    return answer[0]
                if isinstance(event, BaseException):
                    raise event
                if event in _TAKEN:
                    patience = PATIENCE
        finally:
            self._abandoned.set()


@contextmanager
def server_failures(name: str, host: str) -> Iterator[None]:
    """Turn every failure on the way to the server and back into one ``TraceError``.

    A server out of memory raises ``ServerMemoryError``, which is also a ``torch.OutOfMemoryError``.
    """
    import httpx
    from websocket import WebSocketException

    try:
        yield
    except LatentLangError:
        raise
    except RemoteError as error:
        raise _failure(name, host, error) from error
    except _SilentError as error:
        raise TraceError(
            f"The server {host} has said nothing for {error}: it may be down or busy; "
            "run the cell again later, or load a model here."
        ) from error
    except (WebSocketException, OSError, httpx.HTTPError) as error:
        raise _refusal(host, getattr(error, "status_code", None), error) from error
    except ValueError as error:  # the answer does not follow nnsight's protocol, or is empty
        raise TraceError(
            f"The server {host} ended the connection, or is not an NDIF server: "
            "check NDIF_HOST, and run the cell again."
        ) from error


def _refusal(host: str, status: int | None, error: BaseException) -> TraceError:
    """Return the sentence for a server that does not take the request.

    The HTTP status decides if there is one, else the error on the way.
    """
    if status in (401, 403):
        return TraceError(_KEY.format(host=host))
    if status is not None:
        return TraceError(
            f"The server {host} answers with status {status}, which an NDIF server does not do: "
            "check NDIF_HOST."
        )
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:100]
    return TraceError(
        f"The server {host} cannot be reached ({reason}): check NDIF_HOST and the network."
    )


def _failure(name: str, host: str, error: RemoteError) -> Exception:
    """Return the exception for a job that failed on a server.

    The server gives a refusal with its reason, or a traceback.
    """
    import httpx

    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    lines = lines or ["no reason given"]
    last, low = lines[-1].strip()[:200], str(error).lower()
    if "outofmemory" in low.replace(" ", ""):
        return ServerMemoryError(
            f"The server {host} has no memory left for this question: "
            "use energy=False, or a smaller model."
        )
    response = None
    if isinstance(error.__cause__, httpx.HTTPStatusError):
        response = getattr(error.__cause__, "response", None)
    if response is None and low.startswith("failed to send request"):
        return _refusal(host, None, error.__cause__ or error)
    status = response.status_code if response is not None else None
    if status in (401, 403) or (len(lines) < 3 and "api key" in low):
        return TraceError(_KEY.format(host=host))
    if status == 404 or (len(lines) < 3 and any(sign in low for sign in _NO_MODEL)):
        return TraceError(
            f"The server {host} does not run {name}: choose a model that it runs "
            "(nnsight.ndif_status() lists NDIF's), or load one here."
        )
    if status is not None:
        reason = last.removeprefix("Failed to send request: ")
        return TraceError(
            f"The server {host} refused the request ({reason}): ask the people who run it."
        )
    return TraceError(
        f"The trace of {name} failed on the server {host} ({last}): run it here with "
        "load_model(..., remote='local') to see where, and report it if it works here."
    )
