"""Connections that end: no message and no download is longer than what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import websocket

from .reply import MESSAGE


class Line(websocket.WebSocket):
    """A connection that takes no message of more than ``most`` bytes."""

    most, taken = MESSAGE, 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.frame_buffer.recv = self._counting(self.frame_buffer.recv)

    def recv(self) -> str | bytes:
        message = super().recv()
        self.taken = 0
        return message

    def _counting(self, take: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def counted(count: int) -> bytes:
            data = take(count)
            self.taken += len(data)
            if self.taken > self.most:
                raise ValueError("a message that is too long")
            return data

        return counted


def bounded(chunks: Iterable[bytes], most: int, still_wanted: Callable[[], None]) -> bytes:
    """Return a download, and raise ``ValueError`` if it is longer than ``most`` bytes.

    ``still_wanted``: called at every chunk; it may raise.
    """
    content = bytearray()
    for chunk in chunks:
        still_wanted()
        content += chunk
        if len(content) > most:
            raise ValueError("an answer that is too long")
    return bytes(content)
