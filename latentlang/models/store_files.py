"""Write a folder of stored answers: the same bytes from the same answers, in any order."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..files import user_cache
from ..locks import locked
from .store import FACTS, FORMAT, INDEX, Asked, ModelFacts, Store, answers_in, packed


def write_facts(folder: Path, facts: ModelFacts) -> None:
    """Begin or go on with a folder of stored answers; a damaged one begins empty.

    Raises:
        ModelError: It holds answers of another model or version, or cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        try:
            store = Store.open(folder, "it is written again")
        except ModelError as error:
            if isinstance(error.__cause__, OSError):
                raise
            store = None
        if store is not None:
            if store.facts != facts:
                raise ModelError(
                    f"{folder} holds answers of another version of {store.facts.name}, which would "
                    "be lost: choose another --out, or remove that folder."
                )
            return
        for path in [folder / INDEX, *folder.glob("*.safetensors*")]:
            path.unlink(missing_ok=True)
        _write_index(folder, {})
        _write(folder / FACTS, _json(asdict(facts)).encode())


def write_answer(folder: Path, inquiry: Asked, data: bytes) -> int:
    """Write the file of an answer into a folder with facts, and its row in the index.

    An answer that is replaced leaves the index first: no index names a file that is another one.

    Returns:
        The size of the file in bytes.
    """
    content = packed(data)
    digest = hashlib.sha256(content).hexdigest()
    with _alone(folder):
        answers = answers_in(json.loads((folder / INDEX).read_text(encoding="utf-8")))
        if answers.pop(inquiry, digest) != digest:
            _write_index(folder, answers)
        _write(folder / inquiry.file, content)
        _write_index(folder, {**answers, inquiry: digest})
    return len(content)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a folder of stored answers."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    lock = user_cache() / f"stored-{digest}.lock"
    with suppress(OSError):
        lock.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock, f"the index of {folder}", lambda: None):
        yield


def _write_index(folder: Path, answers: dict[Asked, str]) -> None:
    rows = [{"file": each.file, "sha256": answers[each], "question": each.row} for each in answers]
    rows.sort(key=lambda row: str(row["file"]))
    _write(folder / INDEX, _json({"format": FORMAT, "answers": rows}).encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it appears whole or not at all."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    scratch.write_bytes(data)
    os.replace(scratch, path)
