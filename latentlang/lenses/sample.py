"""Batches for the training of a lens: latents, and the tokens that are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .descent import Batch

# A distribution over the whole vocabulary costs some hundred times what the map costs. A step
# compares this many tokens instead: those that are likely at the tokens of its batch, where most of
# the divergence is, and a random sample of all others, each of which stands for many. Each step
# has a sample of its own: with one for all, a lens could hide probability in tokens that are never
# compared.
CANDIDATES = 4096
TOP = 32  # likely tokens of each output


@dataclass(frozen=True)
class Sample:
    """Latents of all layers at some tokens, the likely tokens of the outputs, and what draws them.

    ``latents`` ``[token, layer, d_model]``; ``tops`` ``[token, top]``.
    """

    latents: Float[Tensor, "token layer d_model"]
    tops: Int[Tensor, "token top"]
    vocab_size: int
    generator: torch.Generator

    def __len__(self) -> int:
        return len(self.latents)

    def __getitem__(self, rows: slice) -> Sample:
        return replace(self, latents=self.latents[rows], tops=self.tops[rows])

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield batches without end; each token comes once before any of them comes again.

        A smaller batch is yielded only if there are too few tokens for one.
        """
        while True:
            rows = self._order(len(self))
            for start in range(0, max(len(self) - size, 0) + 1, size):
                yield self._batch(rows[start : start + size])

    def some(self, n: int, size: int) -> list[Batch]:
        """Return n tokens, or all of them, in batches."""
        return [self._batch(rows) for rows in self._order(len(self))[:n].split(size)]

    def _batch(self, rows: Int[Tensor, " token"]) -> Batch:
        likely = torch.zeros(self.vocab_size, dtype=torch.bool)
        likely[self.tops[rows].flatten()] = True
        (first,) = likely.nonzero(as_tuple=True)
        order = self._order(self.vocab_size)
        others = order[~likely[order]][: max(CANDIDATES - len(first), 0)]
        counts = torch.ones(len(first) + len(others))
        counts[len(first) :] = (self.vocab_size - len(first)) / max(len(others), 1)
        return Batch(self.latents[rows], torch.cat([first, others]), counts)

    def _order(self, n: int) -> Int[Tensor, " n"]:
        return torch.randperm(n, generator=self.generator)
