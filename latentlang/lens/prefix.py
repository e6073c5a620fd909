"""Beginnings of prompts, read once; the rest of each prompt continues from their cache."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch

from ..models.model import Model
from .padding import padded

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel


class Prefix:
    """The beginnings of some prompts: one that all share, or one for each.

    ``lengths``: of each beginning. Without a beginning the prompts are read as a whole.
    """

    def __init__(
        self, lengths: Sequence[int] = (), cache: Cache | None = None, name: str = ""
    ) -> None:
        self.lengths, self._cache, self._name = tuple(lengths), cache, name

    @property
    def row_bytes(self) -> int:
        """How much memory the keys and values of one row take; 0 without a beginning."""
        if self._cache is None:
            return 0
        kept = [getattr(x, name, None) for x in self._cache.layers for name in ("keys", "values")]
        return sum(tensor.nbytes for tensor in kept if tensor is not None) // len(self.lengths)

    @classmethod
    def read(cls, model: Model, beginnings: list[list[int]]) -> Prefix:
        """Read the tokens of some beginnings, padded on the left.

        They are read with each batch instead if the GPU has no memory to keep them.
        """
        inputs = padded(beginnings, model)
        positions = (inputs["attention_mask"].cumsum(-1) - 1).clamp_min(0)
        if len(beginnings) > 1:
            inputs["position_ids"] = positions
        try:
            outputs = model.forward(**inputs, use_cache=True, logits_to_keep=1)
        except torch.OutOfMemoryError:
            return cls()
        name = _cache_name(cast("PreTrainedModel", model.module))
        return cls([len(ids) for ids in beginnings], getattr(outputs, name), name)

    def continued_by(
        self, encoded: list[list[int]], model: Model, of: Sequence[int] | None = None
    ) -> dict:
        """Return the model's inputs for the tokens after the beginnings, padded on the left.

        Args:
            encoded: the token ids of whole prompts.
            model: which reads them.
            of: which beginning each of them has, counted from 0; None for the first.
        """
        if self._cache is None:
            return {**padded(encoded, model), "use_cache": False}
        rows = torch.tensor([0] * len(encoded) if of is None else of, device=model.device)
        lengths = torch.tensor(self.lengths, device=model.device)
        starts = [self.lengths[row] for row in rows.tolist()]
        inputs = padded([ids[start:] for ids, start in zip(encoded, starts)], model)
        mask = inputs["attention_mask"]
        # Its tensors are not copied: the rows are picked into new ones.
        cache = copy.copy(self._cache)
        cache.layers = [copy.copy(layer) for layer in self._cache.layers]
        cache.batch_select_indices(rows)
        positions = lengths[rows, None] + (mask.cumsum(-1) - 1).clamp_min(0)
        # The beginnings are padded on the left too.
        longest = max(self.lengths)
        read = torch.arange(longest, device=model.device) >= longest - lengths[rows, None]
        return {
            "input_ids": inputs["input_ids"],
            "attention_mask": torch.cat([read.to(mask), mask], -1),
            "position_ids": positions,
            self._name: cache,
            "use_cache": True,
        }


def common_length(encoded: list[list[int]], read: int) -> int:
    """Return how many tokens all prompts begin with.

    Args:
        encoded: the token ids of the prompts.
        read: how many positions at the end the lens reads or changes. They are not counted.

    >>> common_length([[5, 6, 7, 8], [5, 6, 9]], read=1)
    2
    """
    shortest = min(map(len, encoded))
    differing = (n for n, tokens in enumerate(zip(*encoded)) if len(set(tokens)) > 1)
    return min(next(differing, shortest), max(0, shortest - read))


def _cache_name(module: PreTrainedModel) -> str:
    """Return what a model calls its cache: ``cache`` from transformers 5.24 on."""
    parameters = inspect.signature(module.forward).parameters
    return "cache" if "cache" in parameters else "past_key_values"
