"""One safetensors file whose metadata holds everything that is not a tensor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import DataError
from ..files import path_of

_AGAIN = {
    "Run": "decode again",
    "Sweep": "sweep again",
    "PivotTest": "test again",
    "Retrieval": "retrieve again",
    "Lens": "fit it again",
    "SmallLens": "install latentlang again",
    "RunningSums": "start the fit again",
}


def _writer(kind: str) -> str:
    """Return what writes a kind of file, as a reader knows it."""
    return "make lenses" if kind == "SmallLens" else f"{kind}.save"


def write_tensors(
    facts: Mapping[str, Any], tensors: Mapping[str, Tensor], path: str | Path
) -> Path:
    """Write tensors, and facts that JSON can hold, to one file; return its path.

    Raises ``DataError`` where that is not possible.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    place = path_of(path)
    # Each in memory of its own: the format refuses two names of one memory, such as two readings
    # that share a tensor, or views of one.
    apart = {
        name: tensor.clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    try:
        save_file(apart, place, metadata={"latentlang": json.dumps(facts, ensure_ascii=False)})
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be written ({error}): choose another place.") from error
    return place


def read_tensors(
    path: str | Path, kind: str, version: int
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the facts and tensors of a file that ``write_tensors`` wrote.

    Args:
        path: the file.
        kind: the class whose ``save`` wrote it.
        version: the ``format`` that its facts must have.

    Raises:
        DataError: It is another file.
    """
    from safetensors import safe_open

    if path_of(path).is_dir():
        raise DataError(
            f"{path} is a folder, and not a file that {_writer(kind)} wrote: check the path."
        )
    with one_error(path, kind):
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["latentlang"])
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
        if facts.get("kind", "Run") != kind:
            raise ValueError("of another kind")
        if facts["format"] != version:
            raise DataError(
                f"{path} has format {facts['format']} and this version reads {version}: "
                f"{_AGAIN[kind]}."
            )
    return facts, tensors


@contextmanager
def one_error(path: str | Path, kind: str) -> Iterator[None]:
    """Turn the errors of Python about a damaged file into one ``DataError``."""
    from safetensors import SafetensorError

    try:
        yield
    except FileNotFoundError:
        raise DataError(f"There is no file {path}: check the path.") from None
    except (
        SafetensorError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise DataError(
            f"{path} is not a file that {_writer(kind)} wrote, or it is damaged: {_AGAIN[kind]}."
        ) from error
