"""Read a GGUF file: what it says about itself, and where each tensor lies in it.

Source: the format's specification, docs/gguf.md of github.com/ggml-org/ggml. The package ``gguf``
has a reader of its own. It makes objects of every entry of a vocabulary, which would take most of
the time and the memory of a conversion; here only what is needed is read.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q"}
_NUMBERS |= {12: "d"}
_STRING, _ARRAY = 8, 9
_HEADER = "4sIQQ"  # the letters GGUF, version, number of tensors and of values
_ALIGNMENT = 32  # where the file names none


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of the file: its shape in torch's order, its format, its bytes row by row."""

    shape: tuple[int, ...]
    kind: Any  # gguf.GGMLQuantizationType
    data: np.ndarray

    def rows(self, start: int, end: int) -> np.ndarray:
        """Return some rows in float32."""
        from gguf import dequantize

        return dequantize(self.data[start:end], self.kind)


@dataclass(frozen=True)
class GgufFile:
    """A GGUF file: its metadata without the arrays, and its tensors by name."""

    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]

    @classmethod
    def read(cls, path: Path) -> GgufFile:
        """Read metadata and the table of tensors; the tensors themselves are mapped.

        Raises:
            ValueError: The file is not GGUF of version 2 or 3.
        """
        if path.stat().st_size < struct.calcsize(_HEADER):
            raise ValueError(f"{path} is not a GGUF file")
        data = np.memmap(path, np.uint8, mode="r")
        cursor = _Cursor(data.data)
        magic, version, n_tensors, n_values = cursor.take(_HEADER)
        if magic != b"GGUF" or version not in (2, 3):
            raise ValueError(f"{path} is not a GGUF file of version 2 or 3")
        metadata: dict[str, Any] = {}
        for _ in range(n_values):
            key, kind = cursor.text(), cursor.number("I")
            if kind == _ARRAY:
                cursor.skip_array()
            else:
                metadata[key] = cursor.text() if kind == _STRING else cursor.number(_NUMBERS[kind])
        entries = [cursor.entry() for _ in range(n_tensors)]
        alignment = int(metadata.get("general.alignment", _ALIGNMENT))
        start = -(-cursor.position // alignment) * alignment
        tensors = {}
        for name, shape, kind, offset in entries:
            tensors[name] = _stored(data, start + offset, shape, kind)
        return cls(metadata, tensors)


class _Cursor:
    """A place in the bytes of a file, which moves on as values are taken."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.position = data, 0

    def take(self, form: str) -> tuple:
        """Return the next values, in ``struct``'s notation."""
        values = struct.unpack_from(f"<{form}", self.data, self.position)
        self.position += struct.calcsize(f"<{form}")
        return values

    def number(self, form: str) -> Any:
        """Return the next value."""
        return self.take(form)[0]

    def text(self) -> str:
        """Return the next string."""
        length = self.number("Q")
        start, self.position = self.position, self.position + length
        return bytes(self.data[start : self.position]).decode("utf-8")

    def skip_array(self) -> None:
        """Pass over an array of numbers or strings."""
        kind, length = self.take("IQ")
        if kind in _NUMBERS:
            self.position += length * struct.calcsize(f"<{_NUMBERS[kind]}")
        else:
            for _ in range(length):
                size = self.number("Q")
                self.position += size

    def entry(self) -> tuple[str, tuple[int, ...], int, int]:
        """Return a tensor's name, its shape in torch's order, its format and its offset."""
        name, n_axes = self.text(), self.number("I")
        axes = self.take(f"{n_axes}Q")
        kind, offset = self.take("IQ")
        return name, axes[::-1], kind, offset


def _stored(data: np.ndarray, first: int, shape: tuple[int, ...], kind: int) -> StoredTensor:
    """Return a tensor as a view of the file's bytes, which begin at ``first``."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    form = GGMLQuantizationType(kind)
    values_per_block, bytes_per_block = GGML_QUANT_SIZES[form]
    row = shape[-1] // values_per_block * bytes_per_block
    rows = data[first : first + math.prod(shape[:-1]) * row].reshape(*shape[:-1], row)
    plain = {GGMLQuantizationType.F32: np.float32, GGMLQuantizationType.F16: np.float16}
    return StoredTensor(shape, form, rows.view(plain[form]) if form in plain else rows)
