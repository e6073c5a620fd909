"""The options of one ``decode``, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from keyword import iskeyword

from ..errors import TraceError
from ..models.model import Model
from .readings import READINGS
from .reduce import FINITE, Request
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


def shapes_of(
    request: Request, shape: tuple[int, int, int], model: Model
) -> dict[str, tuple[int, ...]]:
    """Return the shape of everything that a request keeps, by name.

    Args:
        request: what to keep.
        shape: how many prompts, positions and layers are read.
        model: that is read.
    """
    languages, yardsticks = request.tokens.ids.shape[1], request.yardstick.ids.shape[1]
    shapes: dict[str, tuple[int, ...]] = {FINITE: shape}
    for name in request.readings:
        reading = READINGS[name]
        labels = languages + yardsticks * reading.yardstick
        shapes[name] = (*shape, labels) if reading.per == "language" else shape
    shapes |= {name: (*shape, request.top_k) for name in ("top_ids", "top_probs")}
    if len(request.watch):
        shapes["watched"] = (*shape, len(request.watch))
    if request.keep_latents:
        shapes["latents"] = (*shape, model.d_model)
    if request.follow:  # as wide as the union can be, for a server's answer is checked by its shape
        shapes["followed"] = (*shape, min(shape[-1] * request.top_k, model.vocab_size))
    return shapes
