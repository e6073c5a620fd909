"""An NDIF server: how a trace gets there and its result back.

nnsight packs the trace; what comes back is taken by our own client, because nnsight's waits without
limit, takes what has no end, and unpickles it (``reply.py``).
"""

from __future__ import annotations

import base64
import json
import os
import queue
import threading
from collections.abc import Callable
from contextlib import closing
from types import CodeType
from typing import Any
from urllib.parse import unquote, urlsplit

import nnsight
import websocket
from nnsight.intervention.backends.remote import RemoteBackend, RemoteError
from nnsight.schema.config import CONFIG
from nnsight.schema.request import RequestModel
from nnsight.schema.response import ResponseModel, Status

from ..errors import TraceError
from .failures import KEY, RefusedError, SilentError
from .loading_failures import to_model_error
from .reply import MESSAGE, Shapes, message_of, result_of, size_of
from .wire import Line, bounded

SILENCE = 20.0  # seconds without a word before a server has taken the job
PATIENCE = 900.0  # seconds without a word while the job waits for its turn, or runs
_LOOK_UP = 0.1  # seconds after which the client looks whether anybody still waits
_PUBLIC = "https://api.ndif.us"
_TAKEN = {
    Status.QUEUED,
    Status.PROVISIONING,
    Status.DEPLOYING,
    Status.DISPATCHED,
    Status.RUNNING,
    Status.COMPLETED,
}


class Connection:
    """The connection to one server.

    ``host``: its address, without the login that may stand in it. ``secrets``: what must not be
    shown. ``received``: how many bytes of results it has sent.
    """

    def __init__(self) -> None:
        address = (os.environ.get("NDIF_HOST") or CONFIG.API.HOST).rstrip("/")
        scheme, slashes, rest = address.rpartition("://")
        login, _, place = rest.rpartition("@")
        self.host = f"{scheme}{slashes}{place}"
        self.key = os.environ.get("NDIF_API_KEY") or CONFIG.API.APIKEY or ""
        self.headers = {"ndif-api-key": self.key} if self.key else {}
        self.secrets = {self.key}
        if login:
            basic = base64.b64encode(unquote(login).encode()).decode()
            self.headers["Authorization"] = f"Basic {basic}"
            password = login.partition(":")[2]
            self.secrets |= {basic, login, password, unquote(password)}
        self.received = 0

    def backend(self, name: str, traced: Any, expected: Shapes | None) -> RemoteBackend:
        """Return what nnsight needs to send one trace of the model ``traced``.

        ``expected``: the shapes that the trace saves, by name, or None if they are not known.

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
            raise TraceError(KEY.format(host=self.host))
        try:
            key = traced.to_model_key()  # asks the hub how the repository is spelled
        except Exception as error:  # the hub's client has many ways to fail
            raise to_model_error(error, name, traced.repo_id) from error
        return _Waiting(self, traced, key, expected)


class _Waiting(RemoteBackend):
    """Our client in its own thread, and a clock that restarts at every message."""

    def __init__(
        self, connection: Connection, traced: Any, key: str, expected: Shapes | None
    ) -> None:
        environment = traced._remoteable_get_env()
        super().__init__(key, host=connection.host, api_key=connection.key, env=environment)
        self._connection, self._expected = connection, expected
        self._events: queue.Queue = queue.Queue()
        self._abandoned = threading.Event()

    def request(self, request: RequestModel, tracer: Any) -> dict[str, Any]:
        """Send a trace and return what it saved. The waiting thread may be interrupted."""
        answer: list = []

        def ask() -> None:
            try:
                answer.append(self._ask(request, tracer))
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
                    raise SilentError(f"{patience:.0f} seconds") from None
                if event is None:
                    return answer[0]
                if isinstance(event, BaseException):
                    raise event
                if event in _TAKEN:
                    patience = PATIENCE
        finally:
            self._abandoned.set()

    def _ask(self, request: RequestModel, tracer: Any) -> dict[str, Any]:
        """Follow nnsight's protocol: listen, send the trace, and wait for its result."""
        names = None if self._expected else names_in(tracer.info.code)
        blob = RequestModel.serialize(tracer, self.compress)
        address = "ws" + self.host.removeprefix("http") + "/subscribe"
        line = Line()
        line.connect(address, header=self._connection.headers, redirect_limit=0)
        with closing(line):
            greeting = _read(json.loads, line.recv())
            if not isinstance(greeting, dict) or not isinstance(greeting.get("session_id"), str):
                raise ValueError("a greeting without a session")
            request.session_id = greeting["session_id"]
            content = self._content(self._sent(request, blob))
            line.most = MESSAGE + size_of(self._expected)
            line.settimeout(_LOOK_UP)
            while content is None:
                self._still_wanted()
                try:
                    frame = line.recv()
                except websocket.WebSocketTimeoutException:
                    continue
                content = self._content(_read(message_of, frame))
        self._connection.received += len(content)
        result = _read(result_of, content, self.compress, self._expected)
        return {name: value for name, value in result.items() if names is None or name in names}

    def _still_wanted(self) -> None:
        """Stop once nobody waits for the answer."""
        if self._abandoned.is_set():
            raise SilentError("abandoned")

    def _sent(self, request: RequestModel, blob: bytes) -> ResponseModel:
        """Send the trace, and return the server's first word."""
        import httpx

        with (
            httpx.Client(timeout=httpx.Timeout(10.0, read=600.0)) as client,
            client.stream(
                "POST",
                f"{self.host}/request",
                data={"data": request.metadata()},
                files={"blob": ("request", blob, "application/octet-stream")},
                headers=self._connection.headers | {"Accept-Encoding": "identity"},
            ) as answer,
        ):
            body = bounded(answer.iter_bytes(), MESSAGE, self._still_wanted)
            if not answer.is_success:
                raise RefusedError(answer.status_code, _detail(body))
        return _read(message_of, body.decode())

    def _content(self, message: ResponseModel) -> bytes | None:
        """Note a message, and return the bytes of the result once there is one."""
        self._events.put(message.status)
        if message.status == Status.ERROR:
            raise RemoteError(message.description)
        if message.status != Status.COMPLETED:
            return None
        if isinstance(message.data, bytes):
            return message.data
        if not isinstance(message.data, str) or not message.data.startswith("http"):
            raise ValueError("a result that is not there")
        import httpx

        with (
            httpx.Client(timeout=httpx.Timeout(10.0, read=600.0)) as client,
            client.stream("GET", message.data, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if not answer.is_success:
                raise RefusedError(answer.status_code, "its result cannot be fetched")
            return bounded(answer.iter_bytes(), size_of(self._expected), self._still_wanted)


def _read(reader: Callable[..., Any], *what: Any) -> Any:
    """Read what a server sent; whatever is wrong with it is one kind of error."""
    try:
        return reader(*what)
    except Exception as error:  # hostile bytes have many ways to fail
        raise ValueError(type(error).__name__) from None


def _detail(body: bytes) -> str:
    """Return what a server says of a refusal: FastAPI's detail, or the whole text."""
    text = body.decode(errors="replace")
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return text


def names_in(code: CodeType) -> set[str]:
    """Return the names in the body of a trace: a server may give values to no others."""
    names = {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return names.union(*map(names_in, inner))
