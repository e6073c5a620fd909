"""Every failure on the way to an NDIF server and back, in one sentence.

What the server says is shown through ``reply.shown``, and the errors on the way are not chained:
they may hold keys, passwords and markup.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from nnsight.intervention.backends.remote import RemoteError

from ..errors import LatentLangError, TraceError
from .reply import shown

_NO_MODEL = ("not deployed", "not running", "no deployment", "not available", "not hosted")
KEY = (
    "The server {host} wants an API key: set NDIF_API_KEY to yours (for NDIF from "
    "https://login.ndif.us; in Colab a secret of that name, then restart the session), "
    "and load the model again."
)


class ServerMemoryError(TraceError, torch.OutOfMemoryError):
    """A server is out of memory: ``decode`` halves its batch; elsewhere it is one sentence."""


class SilentError(Exception):
    """A server has sent nothing for longer than we wait."""


class RefusedError(Exception):
    """A server refuses a request: ``status`` is that of HTTP, and the text says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@contextmanager
def server_failures(name: str, host: str, secrets: Collection[str]) -> Iterator[None]:
    """Turn every failure on the way to the server and back into one ``TraceError``.

    A server out of memory raises ``ServerMemoryError``, which is also a ``torch.OutOfMemoryError``.

    Args:
        name: of the model.
        host: the server's address, as it may be shown.
        secrets: what no text of the server may show.
    """
    import httpx
    from websocket import WebSocketException

    try:
        yield
    except LatentLangError:
        raise
    except RefusedError as error:
        raise _refusal(name, host, secrets, error.status, str(error)) from None
    except RemoteError as error:
        raise _failure(name, host, secrets, str(error)) from None
    except SilentError as error:
        raise TraceError(
            f"The server {host} has said nothing for {error}: it may be down or busy; "
            "run the cell again later, or load a model here."
        ) from None
    except (WebSocketException, OSError, httpx.HTTPError) as error:
        status = getattr(error, "status_code", None)
        text = str(error).strip() or type(error).__name__
        if status is not None:
            raise _refusal(name, host, secrets, status, "") from None
        reason = shown(text.splitlines()[0], secrets)[:100]
        raise TraceError(
            f"The server {host} cannot be reached ({reason}): check NDIF_HOST and the network."
        ) from None
    except ValueError:  # the answer does not follow nnsight's protocol, or is not what was asked
        raise TraceError(
            f"The server {host} ended the connection, or is not an NDIF server: "
            "check NDIF_HOST, and run the cell again."
        ) from None


def _refusal(name: str, host: str, secrets: Collection[str], status: int, text: str) -> TraceError:
    """Return the sentence for a server that does not take the request."""
    if status in (401, 403) or "api key" in text.lower():
        return TraceError(KEY.format(host=host))
    if _no_model(text):
        return _other_model(name, host)
    if status == 404 or not text.strip():
        return TraceError(
            f"The server {host} answers with status {status}, which an NDIF server does not do: "
            "check NDIF_HOST."
        )
    return TraceError(
        f"The server {host} refused the request ({shown(text, secrets)}): "
        "ask the people who run it."
    )


def _failure(name: str, host: str, secrets: Collection[str], text: str) -> Exception:
    """Return the exception for a job that failed on a server: a reason, or a traceback."""
    lines = [line for line in text.strip().splitlines() if line.strip()] or ["no reason given"]
    if "outofmemory" in text.lower().replace(" ", ""):
        return ServerMemoryError(
            f"The server {host} has no memory left for this question: "
            "use energy=False, or a smaller model."
        )
    if len(lines) < 3 and "api key" in text.lower():
        return TraceError(KEY.format(host=host))
    if len(lines) < 3 and _no_model(text):
        return _other_model(name, host)
    last = shown(lines[-1], secrets)[:200]
    return TraceError(
        f"The trace of {name} failed on the server {host} ({last}): run it here with "
        "load_model(..., remote='local') to see where, and report it if it works here."
    )


def _no_model(text: str) -> bool:
    return any(sign in text.lower() for sign in _NO_MODEL)


def _other_model(name: str, host: str) -> TraceError:
    return TraceError(
        f"The server {host} does not run {name}: choose a model that it runs "
        "(nnsight.ndif_status() lists NDIF's), or load one here."
    )
