"""A lens grid as a page holds it: plain values, and arrays in one stretch of bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ..lens.reduce import NO_TOKEN
from .grid_data import GridData


class Packer:
    """Collects arrays as one stretch of bytes, in the byte order of browsers."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def __call__(self, array: np.ndarray, kind: str) -> list:
        """Keep an array; return where it is: ``[kind, first byte, shape]``."""
        with np.errstate(over="ignore"):
            data = np.ascontiguousarray(array).astype(f"<{kind}").tobytes()
        data += b"\0" * (-len(data) % 4)  # the next array may have numbers of four bytes
        place = [kind, self._size, list(array.shape)]
        self._parts.append(data)
        self._size += len(data)
        return place

    @property
    def base64(self) -> str:
        """Everything that was kept, as text."""
        return base64.b64encode(b"".join(self._parts)).decode()


def packed(data: GridData, pack: Packer) -> dict[str, Any]:
    """Return all that a page needs of one run; ``pack`` keeps the arrays.

    Tokens are numbers of their place in ``ids``. Probabilities are natural logarithms in half
    precision: the error of one is 0.0002 at most, and 0.4 % of it above 10⁻⁶. Arrays are by column,
    then by layer; those of languages by language first.
    """
    run, tokens = data.run, data.tokens
    place = {token: n for n, token in enumerate(tokens)}
    codes = [code for code in run.languages if code in run.probability]
    kind = "u2" if len(tokens) < 2**16 else "u4"
    trace_ids, trace = (tensor.numpy() for tensor in data.traces)
    trace_places = np.searchsorted(tokens, trace_ids)
    trace_places[trace_ids == NO_TOKEN] = np.iinfo(kind).max  # no token

    def by_language(values: Mapping[str, Tensor]) -> np.ndarray:
        parts = [data.by_column(values[code]).numpy() for code in codes]
        return np.array(parts).reshape(len(codes), len(data.labels), len(run.layers))

    return {
        "name": data.name,
        "model": run.model,
        "prompts": not run.position_tokens,
        "layers": list(run.layers),
        "columns": [{"label": a, "after": b} for a, b in zip(data.labels, data.after)],
        "languages": [
            {"code": code, "name": data.language_name(code), "role": data.role(code)}
            for code in codes
        ],
        "sets": [
            [sorted(place[t] for t in data.words[code][n] if t in place) for code in codes]
            for n in range(len(data.labels))
        ],
        "ids": tokens,
        "texts": [data.text(token) for token in tokens],
        "arrays": {
            "topIds": pack(np.searchsorted(tokens, data.ids.numpy()), kind),
            "chance": pack(_log(data.chances.numpy()), "f2"),
            "probability": pack(_log(by_language(run.probability)), "f2"),
            "rank": pack(by_language(run.rank), "u4"),
            "entropy": pack(data.by_column(run.entropy).numpy(), "f2"),
            "traceIds": pack(trace_places, kind),
            "trace": pack(trace, "f2"),
        },
    }


def _log(shares: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # the logarithm of 0 is kept: it becomes 0 again
        return np.log(shares)
