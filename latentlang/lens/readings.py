"""Travels to a server as source: imports torch and the standard library only.

The readings: the numbers that are kept of every layer. A reading is a plain function of a
``Readout``, and a row of ``READINGS``. The lens runs these functions, and ``Run`` keeps every
reading of the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from .energy import Gram, energy_of

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor


@dataclass(frozen=True)
class TokenSets:
    """One set of token ids per row and language.

    ``ids`` ``[row, language, longest]``; ``real``, of the same shape, marks the ids and not the
    padding.

    >>> TokenSets.of([{"en": [5, 7], "zh": [3]}], ["zh", "en"]).ids
    tensor([[[3, 0],
             [5, 7]]])
    """

    ids: Int[Tensor, "row language longest"]
    real: Bool[Tensor, "row language longest"]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Iterable[int]]], languages: Sequence[str]) -> TokenSets:
        """Return the sets of several rows, with their languages in the order of ``languages``."""
        longest = max([1, *(len(set(row[code])) for row in rows for code in languages)])
        ids = torch.zeros(len(rows), len(languages), longest, dtype=torch.long)
        real = torch.zeros(ids.shape, dtype=torch.bool)
        for r, row in enumerate(rows):
            for n, code in enumerate(languages):
                tokens = sorted({int(token) for token in row[code]})
                ids[r, n, : len(tokens)] = torch.tensor(tokens)
                real[r, n, : len(tokens)] = True
        return cls(ids, real)

    def at(self, rows: Int[Tensor, " row"]) -> TokenSets:
        """Return the sets of some rows, on the device of ``rows``."""
        return TokenSets(self.ids.to(rows.device)[rows], self.real.to(rows.device)[rows])


class Readout:
    """What a lens shows of some latents: the logits, and sums that several readings need.

    ``logits`` ``[row, V]``: minus the largest of their row, so that they are 0 or below. ``total``
    ``[row, 1]``: the sum of their exponentials. ``expected_logit`` ``[row, 1]``: their mean under
    the distribution. ``top_ids``, ``top_probs`` ``[row, top_k]``: the most probable tokens.
    ``latents`` ``[row, d_model]`` and ``gram`` (of the unembedding) serve readings of the latent.

    ``scratch`` ``[row, V]``: memory to work in. If it is passed, ``logits`` are changed in place.
    """

    def __init__(
        self,
        logits: Float[Tensor, "row vocab"],
        *,
        latents: Float[Tensor, "row d_model"] | None = None,
        gram: Gram | None = None,
        top_k: int = 1,
        scratch: Float[Tensor, "row vocab"] | None = None,
    ) -> None:
        top, self.top_ids = logits.topk(top_k, dim=-1)
        peak = top[:, :1].clone()
        self.logits = logits - peak if scratch is None else logits.sub_(peak)
        self.latents, self.gram = latents, gram
        # One exponential over the vocabulary serves every reading.
        powers = torch.exp(self.logits, out=scratch)
        self.total = powers.sum(-1, keepdim=True)
        # A logit of -inf gives 0·inf, which is not part of the sum; a NaN would show in the total.
        self.expected_logit = powers.mul_(self.logits).nansum(-1, keepdim=True) / self.total
        self.top_probs = (top - peak).exp() / self.total

    def logits_of(self, tokens: TokenSets) -> Float[Tensor, "row language longest"]:
        """Return the logits of the sets' tokens, ``[row, language, longest]``; -inf for padding."""
        own = self.logits.gather(1, tokens.ids.flatten(1)).reshape(tokens.ids.shape)
        return own.masked_fill(~tokens.real, -torch.inf)

    def log_probs(self, ids: Int[Tensor, " token"]) -> Float[Tensor, "row token"]:
        """Return the natural log-probabilities of some tokens, ``[row, n]``."""
        return self.logits[:, ids] - self.total.log()


def probability(x: Readout, tokens: TokenSets) -> Float[Tensor, "row language"]:
    """Return P(language), the summed probability of the tokens that begin a word.

    The shape is ``[row, language]``.

    >>> x = Readout(torch.tensor([[0.5, 0.25, 0.25]]).log())
    >>> probability(x, TokenSets.of([{"en": [0, 1], "zh": [2]}], ["en", "zh"]))
    tensor([[0.7500, 0.2500]])
    """
    return (x.logits_of(tokens).exp() / x.total[..., None]).sum(-1)


def rank(x: Readout, tokens: TokenSets) -> Int[Tensor, "row language"]:
    """Return the rank of the most probable token of each set, ``[row, language]``; 1 is the best.

    >>> x = Readout(torch.tensor([[0.5, 0.2, 0.3]]).log())
    >>> rank(x, TokenSets.of([{"en": [1], "zh": [1, 2]}], ["en", "zh"]))
    tensor([[3, 2]], dtype=torch.int32)
    """
    if not tokens.ids.shape[1]:
        return x.logits.new_zeros(len(x.logits), 0, dtype=torch.int32)
    best = x.logits_of(tokens).amax(-1)
    # Counting row by row, into one buffer, is far faster on a CPU than along a dimension. A NaN is
    # not beaten by anything: its rank is behind all tokens, never the first.
    vocab_size = x.logits.shape[-1]
    beaten = torch.empty(vocab_size, dtype=torch.bool, device=x.logits.device)
    counts = []
    for row, limits in zip(x.logits, best):
        for limit in limits:
            torch.le(row, limit, out=beaten)
            counts.append(torch.count_nonzero(beaten))
    return 1 + vocab_size - torch.stack(counts).reshape(best.shape).int()


def entropy(x: Readout) -> Float[Tensor, " row"]:
    """Return the entropy of the next-token distribution in bits, ``[row]``.

    >>> entropy(Readout(torch.tensor([[0.5, 0.25, 0.25, 0.0]]).log()))
    tensor([1.5000])
    """
    return ((x.total.log() - x.expected_logit) / math.log(2)).squeeze(-1)


def energy(x: Readout) -> Float[Tensor, " row"]:
    """Return the token energy of each latent, ``[row]`` (paper, Eq. 2; see ``token_energy``).

    >>> tokens = Gram(torch.diag(torch.tensor([2.0, 2.0, 0.0])).double(), n_tokens=4)
    >>> latents = torch.tensor([[0.0, 0, 5], [3.0, 0, 0]])
    >>> energy(Readout(torch.zeros(2, 4), latents=latents, gram=tokens))
    tensor([0., 1.])
    """
    if x.latents is None or x.gram is None:
        raise ValueError("The token energy needs a Readout with latents and gram.")
    return energy_of(x.latents, x.gram)


@dataclass(frozen=True)
class Reading:
    """A row of ``READINGS``.

    ``compute``: takes a ``Readout`` (and ``TokenSets``, per language) and returns ``[row]`` or
    ``[row, language]``. ``label``: the title of its axis, with the unit. ``version``: raise it when
    the numbers change for the same question; it is part of every key of the cache.
    ``needs_gram``: whether it reads ``Readout.gram``, which ``energy=False`` leaves out.
    ``in_log``: whether stored answers hold its logarithm, because it may be tiny.
    ``yardstick``: whether a reading per language is also kept for the words of another concept.
    """

    compute: Callable[..., torch.Tensor]
    per: Literal["prompt", "language"]
    label: str
    version: int = 1
    needs_gram: bool = False
    in_log: bool = False
    yardstick: bool = False

    def __post_init__(self) -> None:
        if self.per not in ("prompt", "language"):
            raise ValueError(f"A Reading per '{self.per}' is not possible: use prompt or language.")
        if self.yardstick and self.per != "language":
            raise ValueError("Only a Reading per language has a yardstick: leave yardstick out.")


READINGS = {
    "probability": Reading(probability, "language", "probability", in_log=True, yardstick=True),
    "rank": Reading(rank, "language", "rank of the best token"),
    "entropy": Reading(entropy, "prompt", "entropy (bits)"),
    "energy": Reading(energy, "prompt", "token energy", needs_gram=True),
}
