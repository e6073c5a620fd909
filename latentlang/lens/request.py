"""The options of one ``decode``, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from keyword import iskeyword

from ..errors import TraceError
from ..models.model import Model
from .run import Run


def check_request(
    model: Model, n_texts: int, positions: str | int, top_k: int, batch_size: int | None
) -> None:
    """Raise ``TraceError`` for a request that cannot be met."""
    if model.traced is None:
        model.trace()  # raises the reason
    if positions not in ("last", "all") and not (isinstance(positions, int) and positions > 0):
        raise TraceError(
            f"Unknown positions '{positions}': use 'last', 'all' or how many of the last ones."
        )
    if positions != "last" and n_texts != 1:
        raise TraceError(
            f"Several positions are read of one prompt at a time, not of {n_texts}: "
            "pass one of them, prompts[0]."
        )
    for name, value in (("top_k", top_k), ("batch_size", batch_size)):
        if value is not None and not isinstance(value, int):
            raise TraceError(f"{name}={value!r} is not possible: use a whole number.")
    if not 1 <= top_k <= model.vocab_size:
        raise TraceError(
            f"top_k={top_k} is not possible: use a number from 1 to {model.vocab_size}."
        )
    if batch_size is not None and batch_size < 1:
        raise TraceError(
            f"batch_size={batch_size} is not possible: use 1 or more, or leave it out."
        )


def check_names(names: Iterable[str]) -> None:
    """Raise ``TraceError`` for a name of a reading that cannot be an attribute of a run."""
    own = {*dir(Run), *(field.name for field in fields(Run))}
    for name in names:
        if not name.isidentifier() or iskeyword(name):
            raise TraceError(
                f"The reading '{name}' in READINGS cannot be used as run.name: "
                "name it with letters, digits and _, such as 'my_reading'."
            )
        if name in own:
            raise TraceError(
                f"The reading '{name}' in READINGS has the name of something else that a run has: "
                "choose another name."
            )
