"""The tokens that all prompts begin with, read once; each batch continues from their cache."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING

import torch

from ..models.model import Model
from ..models.sessions import TRACE_LOCK, Local

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel


class Prefix:
    """The common beginning of some prompts.

    A prefix is used when the prompts share their demonstrations. If they share only a few tokens,
    these are read with each batch as usual, and the prefix is empty.
    """

    def __init__(self, length: int = 0, cache: Cache | None = None, name: str = "") -> None:
        self.length, self._cache, self._name = length, cache, name

    @classmethod
    def of(cls, model: Model, encoded: list[list[int]], read: int) -> Prefix:
        """Find the common beginning, and read it if it is the larger part of the prompts.

        ``read``: how many positions at the end the lens reads. They stay outside the prefix.
        """
        session = model.session
        if not isinstance(session, Local) or not session.direct:
            return cls()  # the keys and values would have to travel
        shortest, longest = min(map(len, encoded)), max(map(len, encoded))
        common = (n for n, tokens in enumerate(zip(*encoded)) if len(set(tokens)) > 1)
        length = min(next(common, shortest), shortest - read)
        worth_it = len(encoded) > 1 and 2 * length >= sum(map(len, encoded)) / len(encoded)
        if not worth_it or _padding_counts(session.module, model.window, longest):
            return cls()
        with TRACE_LOCK, torch.no_grad():
            ids = torch.tensor([encoded[0][:length]], device=model.device)
            outputs = session.module(input_ids=ids, use_cache=True, logits_to_keep=1)
        name = _cache_name(session.module)
        return cls(length, getattr(outputs, name), name)

    def continued_by(self, encoded: list[list[int]], model: Model) -> dict:
        """Return the model's inputs for the tokens after the prefix, padded on the left."""
        rest = {"input_ids": [ids[self.length :] for ids in encoded]}
        padded = model.tokenizer.pad(rest, padding_side="left", return_tensors="pt")
        inputs = dict(padded.to(model.device))
        if self._cache is None:
            return {**inputs, "use_cache": False}
        mask = inputs["attention_mask"]
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(len(mask))
        positions = self.length + (mask.cumsum(-1) - 1).clamp_min(0)
        whole = torch.cat([mask.new_ones(len(mask), self.length), mask], -1)
        return {
            "input_ids": inputs["input_ids"],
            "attention_mask": whole,
            "position_ids": positions,
            self._name: cache,
            "use_cache": True,
        }


def _cache_name(module: PreTrainedModel) -> str:
    """Return what a model calls its cache: ``cache`` from transformers 5.24 on."""
    parameters = inspect.signature(module.forward).parameters
    return "cache" if "cache" in parameters else "past_key_values"


def _padding_counts(module: PreTrainedModel, window: float, longest: int) -> bool:
    """Return whether padding between a prefix and the rest would change numbers.

    It does if positions are counted by index (ALiBi), and if attention has a narrow window.
    """
    takes_positions = "position_ids" in inspect.signature(module.forward).parameters
    return longest > window or not takes_positions
