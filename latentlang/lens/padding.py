"""Prompts of different lengths as one input: padded on the left, with a mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.model import Model


def padded(rows: Sequence[Sequence[int]], model: Model) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``attention_mask``, each ``[row, longest]``, on the model's device.

    The mask does not come from the tokenizer, and the padding token only if the model has it: the
    mask hides it, so any token can pad.

    Args:
        rows: token ids.
        model: which reads them.
    """
    pad = model.tokenizer.pad_token_id
    if pad is None or not 0 <= pad < model.vocab_size:
        pad = 0
    longest = max(map(len, rows))
    gaps = [longest - len(row) for row in rows]
    ids = [[pad] * gap + list(row) for gap, row in zip(gaps, rows)]
    mask = [[0] * gap + [1] * len(row) for gap, row in zip(gaps, rows)]
    return {
        "input_ids": torch.tensor(ids).to(model.device),
        "attention_mask": torch.tensor(mask).to(model.device),
    }
