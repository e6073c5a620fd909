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

import nnsight
import torch
from nnsight.intervention.backends.remote import RemoteBackend, RemoteError
from nnsight.schema.config import CONFIG
from nnsight.schema.response import Status

from .errors import TraceError

# Two nnsight traces at once in one process give wrong numbers without an error.
TRACE_LOCK = threading.RLock()
SILENCE = 20.0  # seconds without a word before a server has taken the job
PATIENCE = 900.0  # seconds without a word while the job waits for its turn, or runs
_PUBLIC = "https://api.ndif.us"
_NO_KEY = ("api key", "api-key", "apikey", "401", "403", "unauthor", "forbidden", "credential")
_NO_MODEL = ("not deployed", "404", "not running", "no deployment", "not available", "not hosted")
_TAKEN = {Status.QUEUED, Status.PROVISIONING, Status.DEPLOYING, Status.DISPATCHED, Status.RUNNING, Status.COMPLETED}

# The functions that reduce inside the trace travel with it as source: a server has nnsight, not latentlang.
nnsight.register("latentlang")


class Server:
    """The server that runs a model's traces: ``host``, and how many bytes of results it has sent (``received``)."""

    def __init__(self) -> None:
        self.host = (os.environ.get("NDIF_HOST") or CONFIG.API.HOST).rstrip("/")
        self.key = os.environ.get("NDIF_API_KEY") or CONFIG.API.APIKEY
        self.received = 0

    def backend(self, traced) -> RemoteBackend:
        """Return what nnsight needs to send one trace of ``traced``. Raises ``TraceError`` where a key is missing for certain."""
        if self.host == _PUBLIC and not self.key:
            raise TraceError(_KEY.format(host=self.host))
        return _Waiting(self, traced)


@contextmanager
def tracing(model) -> Iterator[dict]:
    """Hold the lock of all traces, without gradients, and yield where nnsight is to run this model's trace.

    Used as ``with tracing(model) as where, model.traced.trace(..., **where):``. Every failure of a server becomes a ``TraceError``;
    a server out of memory raises ``torch.OutOfMemoryError``, as a GPU here would.
    """
    with TRACE_LOCK, torch.no_grad():
        if not model.remote:
            yield {}
        elif model.remote == "local":
            yield {"remote": "local"}
        else:
            with _explained(model):
                yield {"backend": model.server.backend(model.traced)}


class _SilentError(Exception):
    """A server has said nothing for so long."""


class _Waiting(RemoteBackend):
    """nnsight's client in a thread of its own, and a clock that starts again at every word of the server."""

    def __init__(self, server: Server, traced) -> None:
        super().__init__(traced.to_model_key(), host=server.host, api_key=server.key, env=traced._remoteable_get_env())
        self._server, self._events = server, queue.Queue()
        self.display = self  # nnsight tells its display of every word of the server

    enabled = False

    def update(self, response) -> None:
        """Hear a word of the server."""
        self._events.put(response.status)

    def finalize(self, content: bytes):
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

        threading.Thread(target=ask, daemon=True, name="latentlang-remote").start()
        patience = SILENCE
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


_KEY = (
    "The server {host} wants an API key: set NDIF_API_KEY to yours (for NDIF from https://login.ndif.us; in Colab a secret of that name), "
    "and load the model again."
)


@contextmanager
def _explained(model) -> Iterator[None]:
    """Turn every failure of the way to the server and back into one sentence."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from websocket import WebSocketException

    from .hub import explain

    host = model.server.host
    try:
        yield
    except RemoteError as error:
        raise _failure(model.name, host, str(error)) from error
    except _SilentError as error:
        raise TraceError(
            f"The server {host} has said nothing for {error}: it may be down or busy; run the cell again later, or load a model here."
        ) from error
    except (HfHubHTTPError, OfflineModeIsEnabled) as error:
        raise explain(error, model.name, model.name) from error
    except WebSocketException as error:
        if getattr(error, "status_code", None) in (401, 403):
            raise TraceError(_KEY.format(host=host)) from error
        raise TraceError(_unreachable(host, error)) from error
    except (OSError, httpx.HTTPError) as error:
        raise TraceError(_unreachable(host, error)) from error
    except ValueError as error:
        if "host" not in str(error).lower():
            raise
        raise TraceError(f"'{host}' is not the address of a server: set NDIF_HOST to one that begins with http:// or https://.") from error


def _unreachable(host: str, error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return f"The server {host} cannot be reached ({said[0] if said else type(error).__name__}): check NDIF_HOST and the network."


def _failure(name: str, host: str, said: str) -> Exception:
    """Return the exception for what a server says of a job that failed: its reason, or a traceback."""
    lines = [line for line in said.strip().splitlines() if line.strip()] or ["no reason given"]
    last, low = lines[-1].strip(), said.lower()
    refused = low.startswith("failed to send request")
    if "outofmemory" in low.replace(" ", "") or "cuda out of memory" in low:
        return torch.OutOfMemoryError(last)
    if refused and any(sign in low for sign in _NO_KEY):
        return TraceError(_KEY.format(host=host))
    if len(lines) < 3 and any(sign in low for sign in _NO_MODEL):
        return TraceError(
            f"The server {host} does not run {name}: choose a model that it runs (nnsight.ndif_status() lists NDIF's), or load one here."
        )
    if refused:
        return TraceError(f"The server {host} refused the request ({last.removeprefix('Failed to send request: ')}): ask whoever runs it.")
    return TraceError(
        f"The trace of {name} failed on the server {host} ({last}): run it here with load_model(..., remote='local') to see where, "
        "and report it if it works here."
    )
