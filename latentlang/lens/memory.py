"""What happens where the memory of a GPU ends: smaller pieces, and one sentence at the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import torch

from ..errors import TraceError
from ..models.model import Model
from ..models.view import folded
from .energy import CHUNK_ROWS, Gram, gram_of_blocks

if TYPE_CHECKING:
    from ..models.sessions import Local

PROMPT = "One prompt alone does"
_ENERGY = "The token energy, which energy=False leaves out, does"


def fewer(n: int, subject: str, model: Model) -> int:
    """Return half of a number of things that were too many for the GPU.

    Raises:
        TraceError: It was one thing; ``subject`` begins the sentence.
    """
    if n == 1:
        raise TraceError(
            f"{subject} not fit in the memory of the GPU: {model.session.memory_advice}."
        ) from None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return n // 2


@contextmanager
def one_sentence(subject: str, model: Model) -> Iterator[None]:
    """Turn a lack of memory into one ``TraceError``; ``subject`` begins the sentence."""
    try:
        yield
    except TraceError:
        raise
    except torch.OutOfMemoryError:
        fewer(1, subject, model)


def gram_of(model: Model) -> Gram:
    """Return the Gram matrix of a model in this process, made in smaller blocks if memory ends."""
    session, size = cast("Local", model.session), CHUNK_ROWS
    while True:
        blocks = (slice(start, start + size) for start in range(0, model.vocab_size, size))
        try:
            return gram_of_blocks(folded(session.lm_head, session.final_norm, b) for b in blocks)
        except torch.OutOfMemoryError:
            size = fewer(size, _ENERGY, model)
