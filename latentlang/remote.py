"""Traces on somebody else's machine: where a trace runs, how long we wait for it, and its failures in one sentence each.

nnsight's own client ships a trace to an NDIF server and waits for ever. Here it runs beside a clock, so that a server that
says nothing ends in a sentence, and what comes back is counted.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import nnsight
import torch
from nnsight.intervention.backends.remote import RemoteBackend, RemoteError
from nnsight.schema.config import CONFIG
from nnsight.schema.response import Status

from .errors import LatentLangError, TraceError
from .hub import explain

# Two nnsight traces at once in one process give wrong numbers without an error.
TRACE_LOCK = threading.RLock()
SILENCE = 20.0  # seconds without a word before a server has taken the job
PATIENCE = 900.0  # seconds without a word while the job waits for its turn, or runs
_PUBLIC = "https://api.ndif.us"
_NO_MODEL = ("not deployed", "not running", "no deployment", "not available", "not hosted")
_TAKEN = {Status.QUEUED, Status.PROVISIONING, Status.DEPLOYING, Status.DISPATCHED, Status.RUNNING, Status.COMPLETED}

# The functions that reduce inside the trace travel with it as source: a server has nnsight, not latentlang.
nnsight.register("latentlang")


class Server:
    """The server that runs a model's traces: ``host``, and how many bytes of results it has sent (``received``)."""

    def __init__(self) -> None:
        self.host = (os.environ.get("NDIF_HOST") or CONFIG.API.HOST).rstrip("/")
        self.key = os.environ.get("NDIF_API_KEY") or CONFIG.API.APIKEY
        self.received = 0

    def backend(self, model) -> RemoteBackend:
        """Return what nnsight needs to send one trace of ``model``. Raises ``TraceError`` for what is known to fail without asking."""
        parts = urlsplit(self.host)
        try:
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:  # a port that is none
            good = False
        if not good:
            raise TraceError(f"'{self.host}' is not the address of a server: set NDIF_HOST to one that begins with http:// or https://.")
        if self.host == _PUBLIC and not self.key:
            raise TraceError(_KEY.format(host=self.host))
        try:
            key = model.traced.to_model_key()  # asks the hub how the repository is spelled
        except Exception as error:  # the hub's client has many ways to fail
            raise explain(error, model.name, model.traced.repo_id) from error
        return _Waiting(self, model.traced, key)


@contextmanager
def tracing(model) -> Iterator[dict]:
    """Hold the lock of all traces, without gradients, and yield where nnsight is to run this model's trace.

    Used as ``with tracing(model) as where, model.traced.trace(..., **where):``. Every failure of a server becomes a ``TraceError``;
    a server out of memory raises ``ServerMemoryError``, which is a ``torch.OutOfMemoryError``, too.
    """
    with TRACE_LOCK, torch.no_grad():
        if not model.remote:
            yield {}
        elif model.remote == "local":
            yield {"remote": "local"}
        else:
            with _explained(model):
                yield {"backend": model.server.backend(model)}


class ServerMemoryError(TraceError, torch.OutOfMemoryError):
    """A server is out of memory: ``decode`` halves its batch, as it does here; elsewhere it is one sentence."""


class _SilentError(Exception):
    """A server has said nothing for so long."""


class _Waiting(RemoteBackend):
    """nnsight's client in a thread of its own, and a clock that starts again at every word of the server."""

    enabled = True  # nnsight looks up from the socket ten times a second, so that an abandoned thread ends

    def __init__(self, server: Server, traced, key: str) -> None:
        super().__init__(key, host=server.host, api_key=server.key, env=traced._remoteable_get_env())
        self._server, self._events, self._abandoned = server, queue.Queue(), threading.Event()
        self.display = self  # nnsight tells its display of every word of the server

    def update(self, response) -> None:
        """Hear a word of the server."""
        self.refresh()
        self._events.put(response.status)

    def refresh(self) -> None:
        """Stop listening once nobody waits for the answer."""
        if self._abandoned.is_set():
            raise _SilentError("abandoned")

    def finalize(self, content: bytes):
        self.refresh()
        self._server.received += len(content)
        return super().finalize(content)

    def request(self, request, tracer):
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


_KEY = (
    "The server {host} wants an API key: set NDIF_API_KEY to yours (for NDIF from https://login.ndif.us; in Colab a secret of that "
    "name, then restart the session), and load the model again."
)


@contextmanager
def _explained(model) -> Iterator[None]:
    """Turn every failure of the way to the server and back into one sentence."""
    import httpx
    from websocket import WebSocketException

    host = model.server.host
    try:
        yield
    except LatentLangError:
        raise
    except RemoteError as error:
        raise _failure(model.name, host, error) from error
    except _SilentError as error:
        raise TraceError(
            f"The server {host} has said nothing for {error}: it may be down or busy; run the cell again later, or load a model here."
        ) from error
    except (WebSocketException, OSError, httpx.HTTPError) as error:
        raise _refusal(host, getattr(error, "status_code", None), error) from error
    except ValueError as error:  # what is no message of nnsight's protocol, or none at all
        said = f"The server {host} ended the connection, or is no NDIF server"
        raise TraceError(f"{said}: check NDIF_HOST, and run the cell again.") from error


def _refusal(host: str, status: int | None, error: BaseException) -> TraceError:
    """Return the sentence for a server that does not take the question: by its HTTP status, else by what went wrong on the way."""
    if status in (401, 403):
        return TraceError(_KEY.format(host=host))
    if status is not None:
        return TraceError(f"The server {host} answers with status {status}, as no NDIF server does: check NDIF_HOST.")
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:100]
    return TraceError(f"The server {host} cannot be reached ({said}): check NDIF_HOST and the network.")


def _failure(name: str, host: str, error: RemoteError) -> Exception:
    """Return the exception for what a server says of a job that failed: a refusal with its reason, or a traceback."""
    import httpx

    lines = [line for line in str(error).strip().splitlines() if line.strip()] or ["no reason given"]
    last, low = lines[-1].strip()[:200], str(error).lower()
    if "outofmemory" in low.replace(" ", ""):
        return ServerMemoryError(f"The server {host} has no memory left for this question: ask with energy=False, or of a smaller model.")
    response = getattr(error.__cause__, "response", None) if isinstance(error.__cause__, httpx.HTTPStatusError) else None
    if response is None and low.startswith("failed to send request"):
        return _refusal(host, None, error.__cause__ or error)
    status = response.status_code if response is not None else None
    if status in (401, 403) or (len(lines) < 3 and "api key" in low):
        return TraceError(_KEY.format(host=host))
    if status == 404 or (len(lines) < 3 and any(sign in low for sign in _NO_MODEL)):
        return TraceError(
            f"The server {host} does not run {name}: choose a model that it runs (nnsight.ndif_status() lists NDIF's), or load one here."
        )
    if status is not None:
        return TraceError(f"The server {host} refused the request ({last.removeprefix('Failed to send request: ')}): ask whoever runs it.")
    return TraceError(
        f"The trace of {name} failed on the server {host} ({last}): run it here with load_model(..., remote='local') to see where, "
        "and report it if it works here."
    )
