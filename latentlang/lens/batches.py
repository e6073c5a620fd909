"""How prompts are read together: in batches of like length, halved where memory ends."""

from __future__ import annotations

import torch

from ..errors import TraceError
from ..models.model import Model

_BATCH_TOKENS = 2048


def batches_of(encoded: list[list[int]], batch_size: int | None) -> list[list[int]]:
    """Group prompts of similar length, so that little is padded.

    The longest come first, so that a lack of memory shows early.
    """
    order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
    size = batch_size or max(1, _BATCH_TOKENS // max(1, len(encoded[order[0]])))
    return [order[start : start + size] for start in range(0, len(order), size)]


def halves(rows: list[int], model: Model) -> list[list[int]]:
    """Return a batch that was too large for the GPU as two batches."""
    if len(rows) == 1:
        raise TraceError(
            "One prompt alone does not fit in the memory of the GPU: "
            f"{model.session.memory_advice}."
        ) from None
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
