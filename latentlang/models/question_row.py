"""What all questions share in an index of stored answers: checked values, and names of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any


def file_of(words: Iterable[str], row: Mapping[str, Any]) -> str:
    """Return the name of the file with the answer to a question.

    Args:
        words: begin the name, for people.
        row: the question as the index holds it, whose hash makes the name the only one.

    >>> file_of(("patch", "fr-en", "de-zh"), {"every": 4})
    'patch-fr-en-de-zh-d78eaa42.safetensors.gz'
    """
    digest = hashlib.sha256(json.dumps(row).encode()).hexdigest()[:8]
    return f"{'-'.join(words)}-{digest}.safetensors.gz".replace("+", "_")


def require_kinds(values: Any, kinds: Mapping[str, type | UnionType]) -> dict[str, Any]:
    """Return values of just these names and kinds; raises for anything else."""
    if values.keys() != kinds.keys():
        raise ValueError("other names")
    for name, kind in kinds.items():
        is_flag = isinstance(values[name], bool)  # which is a whole number to Python
        if not isinstance(values[name], kind) or is_flag != (kind is bool):
            raise ValueError(f"{name} is of another kind")
    return values
