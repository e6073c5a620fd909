"""Answers that are computed as a whole: their controls are drawn among all prompts."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

from ..models.model import Model
from . import cache
from .cache import Answer, Entry, Result


def whole_answer(
    model: Model, entry: Entry[Result], compute: Callable[[], Result], refresh: bool
) -> Answer[Result]:
    """Return the answer of an entry from the cache, or compute it.

    Args:
        model: which is asked. If its weights have changed, nothing is kept.
        entry: the place of the answer.
        compute: computes it.
        refresh: compute it again.
    """
    if model.session.changed:
        warnings.warn(
            f"The weights of {model.name} have changed since they were loaded: "
            "this result is computed, and it is not kept.",
            stacklevel=5,
        )
        return Answer(compute(), entry, time.time_ns())
    stored = None if refresh else cache.find([entry])
    if stored is not None:
        return stored
    if model.traced is None:
        model.trace()  # raises the reason
    return cache.answer(
        entry,
        1,
        lambda _: compute(),
        part=1,
        refresh=refresh,
        still_waiting=lambda: None,
    )


def alone(parts: list[Result]) -> Result:
    """Return the only part."""
    (result,) = parts
    return result
