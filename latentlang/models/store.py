"""A folder of stored answers of one model, which need neither its weights nor its tokenizer.

Such folders ship with latentlang, and ``python -m latentlang precompute`` writes them. Each holds
``model.json`` (the facts of the model), ``index.json`` (the questions, and the SHA-256 of the file
with the answer), a safetensors file per question in the gzip format, and sometimes the tokenizer.
What another machine has written is not trusted: every fact is checked when it is read.
"""

from __future__ import annotations

import errno
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np

from ..errors import ModelError
from ..prompts.token_texts import TokenText, texts_of
from .inquiry import Inquiry, inquiry_of
from .question_row import require_kinds
from .whole_inquiry import PivotInquiry, RetrievalInquiry, SweepInquiry

FORMAT = 2
FACTS, INDEX = "model.json", "index.json"
Asked = Inquiry | SweepInquiry | PivotInquiry | RetrievalInquiry
Kind = TypeVar("Kind", Inquiry, SweepInquiry, PivotInquiry, RetrievalInquiry)
# What reading something else than expected may raise.
DAMAGE = (ValueError, TypeError, LookupError, AttributeError, RecursionError, zlib.error)
LARGEST = 100_000_000  # bytes of an answer; the largest that ships has 1 % of it
_GZIP = 31  # the name that zlib has for the gzip format with its largest window


@dataclass(frozen=True)
class ModelFacts:
    """What is kept of a model; ``mode``: that of its tokenizer's ``Starts``."""

    name: str
    n_layers: int
    d_model: int
    vocab_size: int
    number_format: str
    quantization: str | None
    revision: str
    mode: str | None


@dataclass(frozen=True)
class Store:
    """A folder of stored answers: the facts of the model, and the SHA-256 of each answer's file.

    ``remedy``: what mends a damaged file.
    """

    folder: Path
    facts: ModelFacts
    answers: Mapping[Asked, str]
    remedy: str

    @classmethod
    def open(cls, folder: Path, remedy: str) -> Store | None:
        """Read the facts and the index of a folder; None if there is none.

        Raises:
            ModelError: They cannot be read or used.
        """
        try:
            facts = (folder / FACTS).read_bytes()
            index = (folder / INDEX).read_bytes()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL names no folder
            return None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None
            raise ModelError(
                f"The stored answers in {folder} cannot be read ({error.strerror}): "
                "ask their owner to let you read them."
            ) from error
        try:
            model = ModelFacts(**require_kinds(json.loads(facts), get_type_hints(ModelFacts)))
            if folder_name(model.name) != folder.name:
                raise ValueError("another model")
            return cls(folder, model, answers_in(json.loads(index)), remedy)
        except DAMAGE as error:
            raise ModelError(_damaged(folder, remedy)) from error

    def holder_of(self, inquiry: Kind) -> Kind | None:
        """Return the stored question whose answer holds that to ``inquiry``, or None."""
        same = [stored for stored in self.answers if isinstance(stored, type(inquiry))]
        fitting = [stored for stored in same if inquiry.is_part_of(stored)]
        return max(fitting, key=lambda stored: stored.every, default=None)

    def read(self, inquiry: Asked) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what the file of a stored question holds: its facts, and its arrays.

        Raises:
            ModelError: The file is missing, damaged or not that of the index.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        path = self.folder / inquiry.file
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != self.answers[inquiry]:
                raise ValueError("another file")
            data = unpacked(content)
            arrays = load(data)
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            return json.loads(header["__metadata__"]["latentlang"]), arrays
        except (OSError, SafetensorError, *DAMAGE) as error:
            raise self.damaged(inquiry) from error

    def texts(self, inquiry: Asked) -> dict[int, TokenText]:
        """Return the texts of the tokens that an answer names; none if its file is damaged."""
        try:
            facts, arrays = self.read(inquiry)
            return texts_of(arrays, facts)
        except (ModelError, *DAMAGE):
            return {}

    def damaged(self, inquiry: Asked) -> ModelError:
        """Return the error that says that the file of a stored question cannot be used."""
        return ModelError(_damaged(self.folder / inquiry.file, self.remedy))


def packed(data: bytes) -> bytes:
    """Return what the file of an answer holds, in the gzip format: the same from the same bytes."""
    return zlib.compress(data, 9, wbits=_GZIP)


def unpacked(content: bytes) -> bytes:
    """Return the bytes that ``packed`` took; raises for anything else, and for too many of them."""
    stream = zlib.decompressobj(wbits=_GZIP)
    data = stream.decompress(content, LARGEST)
    if not stream.eof or stream.unused_data:
        raise ValueError("cut, too large, or more than one stream")
    return data


def folder_name(model: str) -> str:
    """Return the name of the folder with the stored answers of a model."""
    return model.strip("/").replace("/", "--")


def answers_in(index: Any) -> dict[Asked, str]:
    """Return the questions of an index with the SHA-256 of each file; raises for anything else."""
    if index["format"] != FORMAT:
        raise ValueError("another format")
    answers: dict[Asked, str] = {}
    for row in index["answers"]:
        inquiry = inquiry_of(row["question"])
        if row["file"] != inquiry.file or not isinstance(row["sha256"], str):
            raise ValueError("not a row of an index")
        answers[inquiry] = row["sha256"]
    return answers


def _damaged(path: Path, remedy: str) -> str:
    return f"{path} is damaged, or comes from another version of latentlang: {remedy}."
