"""What a server sends is not trusted: it is bounded, read as data, and cleaned before it is shown.

nnsight unpickles what comes back, and so would run code of the server here. This module stands in
its place: a message is read by ``message_of``, a result by ``result_of``, and text by ``shown``.
Each raises ``ValueError`` for what an NDIF server does not send.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from nnsight.schema.response import ResponseModel, Status

Shapes = Mapping[str, tuple[int, ...] | Mapping[str, tuple[int, ...]]]

MESSAGE = 1 << 20  # bytes of a message without a result
UNKNOWN = 1 << 30  # bytes of a result of which nothing is known: that of a reader's own trace
_LONGEST = 300  # characters of a server's text that are shown
_PER_NUMBER = 8  # bytes of the widest number
_PER_TENSOR = 4096  # bytes around a tensor in a file
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
_PLAIN = (str, int, float, bool, type(None))


def size_of(expected: Shapes | None) -> int:
    """Return how many bytes a result may have, from the shapes that were asked for."""
    if expected is None:
        return UNKNOWN
    shapes = list(_flat(expected))
    return MESSAGE + sum(_PER_TENSOR + _PER_NUMBER * math.prod(shape) for _, shape in shapes)


def message_of(frame: bytes | str) -> ResponseModel:
    """Return a message from a frame: JSON, or a file of ``torch.save`` that holds plain values."""
    if isinstance(frame, str):
        return ResponseModel.model_validate_json(frame)
    with zipfile.ZipFile(io.BytesIO(frame)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if archive.getinfo(name).file_size > len(frame):
            raise ValueError("a message that grows when it is unpacked")
        values = plain_values(archive.read(name))
    if not isinstance(values, dict):
        raise ValueError("a message that is not a table")
    known = {key: values[key] for key in ("id", "status", "description", "data") if key in values}
    return ResponseModel.model_validate(known)


def result_of(content: bytes, compressed: bool, expected: Shapes | None) -> dict[str, Any]:
    """Return the saved values from a result of ``torch.save``, without unpickling any object.

    Args:
        content: the bytes.
        compressed: whether they are compressed with zstd.
        expected: the shapes of the tensors by name, if they are known.
    """
    limit = size_of(expected)
    if compressed:
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)) as reader:
            content = reader.read(limit + 1)
    if len(content) > limit:
        raise ValueError("a result that is larger than what was asked for")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
            raise ValueError("a result with compressed parts")
    values = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if type(values) is not dict or not all(isinstance(name, str) for name in values):
        raise ValueError("a result without names")
    _check(values, limit)
    if expected is not None and dict(_flat(_shapes(values))) != dict(_flat(expected)):
        raise ValueError("a result of other shapes")
    return values


def shown(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a server's text as it may be shown: without secrets, short, and without markup.

    >>> shown("no key 's3cret'\\n<b>at http://me:pw@host</b>", ["s3cret"])
    "no key '***' ‹b›at http://***@host‹/b›"
    """
    text = text[: 100 * _LONGEST]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _CREDENTIALS.sub("***@", text).replace("<", "‹").replace(">", "›")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def plain_values(data: bytes) -> Any:
    """Return plain values from a pickle: tables, lists, texts, bytes and numbers.

    The instructions are read one by one, and nothing is ever imported or called; nnsight's
    ``Status`` becomes its text.
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        values = stack[start:]
        del stack[start:]
        return values

    for operation, argument, _ in pickletools.genops(data):
        name = operation.name
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return stack.pop()
        if name == "MARK":
            marks.append(len(stack))
        elif name.removeprefix("SHORT_").startswith(_LITERALS):
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
            memo[len(memo) if argument is None else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument or 0])
        elif name in ("SETITEM", "SETITEMS"):
            values = since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(values[::2], values[1::2]))
        elif name in ("APPEND", "APPENDS"):
            values = since_mark() if name == "APPENDS" else [stack.pop()]
            stack[-1].extend(values)
        elif name in ("STACK_GLOBAL", "GLOBAL"):
            path = argument.split(" ") if argument else [stack.pop(-2), stack.pop()]
            if path != [Status.__module__, Status.__qualname__]:
                raise ValueError("a message that holds an object")
            stack.append(Status)
        elif name == "TUPLE1":
            stack.append((stack.pop(),))
        elif name == "REDUCE" and stack[-2] is Status:
            stack[-2:] = stack[-1]
        else:
            raise ValueError(f"a message with the instruction {name}")
    raise ValueError("a message that does not end")


_LITERALS = ("BINUNICODE", "BINBYTES", "BININT", "LONG1", "BINFLOAT")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def _check(values: Any, limit: int) -> None:
    """Refuse all but tensors that hold their numbers and plain values, up to a limit of bytes."""
    waiting, size = [values], 0
    while waiting:
        value = waiting.pop()
        size += 8
        if type(value) in (torch.Tensor, torch.nn.Parameter):
            size += value.numel() * value.element_size()
            if value.layout != torch.strided or value.device.type != "cpu":
                raise ValueError("a tensor that does not hold its numbers")
        elif type(value) is dict:
            waiting += [*value.keys(), *value.values()]
        elif type(value) in (list, tuple, torch.Size):
            waiting += value
        elif type(value) not in _PLAIN:
            raise ValueError(f"a {type(value).__name__} in a result")
        if size > limit:
            raise ValueError("a result that is larger than what was asked for")


def _shapes(values: Mapping[str, Any]) -> Shapes:
    """Return the shapes of a result's tensors; anything else has none."""
    shapes: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            shapes[name] = _shapes(value)
        else:
            shapes[name] = tuple(value.shape) if isinstance(value, torch.Tensor) else None
    return shapes


def _flat(shapes: Shapes) -> Iterable[tuple[str, tuple[int, ...]]]:
    for name, shape in shapes.items():
        if isinstance(shape, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in shape.items())
        else:
            yield name, shape
