"""Travels to a server as source: imports torch and the standard library only.

How affine maps are trained: the divergence of what the output layer reads through them from the
output itself, over some of the tokens, and the steps that make it smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..lens.maps import Maps
from ..models.view import LogitTransform

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

# Adam's own defaults, but for the last one: it must be small beside every gradient.
_MEAN, _SQUARE, _NONZERO = 0.9, 0.999, 1e-20


@dataclass(frozen=True)
class Batch:
    """Latents, and the tokens of the vocabulary over which distributions are compared.

    ``latents`` ``[token, layer, d_model]``: of all layers, the last one included. ``ids``
    ``[candidate]``: of the compared tokens. ``counts`` ``[candidate]``: how many tokens of the
    vocabulary each of them stands for.
    """

    latents: Float[Tensor, "token layer d_model"]
    ids: Int[Tensor, " candidate"]
    counts: Float[Tensor, " candidate"]


def maps_of(affine: Float[Tensor, "mapped d_model d_model_and_1"]) -> Maps:
    """Return the maps of matrices whose last column is the offset.

    >>> maps_of(torch.tensor([[[0.0, 2.0, 0.0], [1.0, 0.0, 5.0]]]))(torch.tensor([[3.0, 4.0]]))
    tensor([[8., 8.]])
    """
    return Maps(affine[..., :-1], affine[..., -1])


def candidate_divergences(
    affine: Float[Tensor, "mapped d_model d_model_and_1"],
    batch: Batch,
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
) -> Float[Tensor, "token mapped"]:
    """Return KL(output ‖ lens) of each layer with a map, over the candidates, in nats.

    A token that stands for n tokens counts as n tokens with its logit. With the whole vocabulary as
    candidates this is the divergence itself. It is NaN where a map overflows the number format.

    Args:
        affine: the maps of the first layers, each matrix with its offset as one more column.
        batch: latents and candidates.
        final_norm, lm_head, logit_transform: the model's output layer.
    """
    device = lm_head.weight.device
    ids = batch.ids.to(device)
    rows = lm_head.weight.detach()[ids]
    bias = None if lm_head.bias is None else lm_head.bias.detach()[ids]
    log_counts = batch.counts.log().to(device)

    def log_probs(latents: Float[Tensor, "*row d_model"]) -> Float[Tensor, "*row candidate"]:
        logits = torch.nn.functional.linear(final_norm(latents), rows, bias)
        return (logit_transform(logits.float()) + log_counts).log_softmax(-1)

    h = batch.latents.to(device)
    with torch.no_grad():
        output = log_probs(h[:, -1])[:, None]
        shares = output.exp()
    ones = h.new_ones(*h.shape[:2], 1)
    extended = torch.cat([h, ones], -1)[:, : len(affine)].float()
    mapped = torch.einsum("tld,led->tle", extended, affine.to(device))
    lens = log_probs(mapped.to(h).contiguous())  # see Maps: the next product is far slower without
    gaps = shares * (output - lens)  # of a masked entry 0 · (−∞ + ∞)
    return gaps.masked_fill(shares == 0, 0.0).sum(-1)


def descend(
    state: Float[Tensor, "3 mapped d_model d_model_and_1"],
    units: Float[Tensor, "mapped d_model d_model_and_1"],
    batches: Sequence[Batch],
    rates: Sequence[float],
    before: int,
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
) -> Float[Tensor, "3 mapped d_model d_model_and_1"]:
    """Take one step of Adam (Kingma and Ba 2015) per batch, and return the new state.

    Args:
        state: the maps, then the running means of their gradients and of the gradients' squares.
        units: the size of a step at a rate of 1, for each number.
        batches: what each step sees.
        rates: the learning rate of each step.
        before: how many steps have been taken already.
        final_norm, lm_head, logit_transform: the model's output layer.
    """
    device = lm_head.weight.device
    affine, mean, square = (part.to(device).clone() for part in state)
    units = units.to(device)
    for step, (batch, rate) in enumerate(zip(batches, rates), before + 1):
        with torch.enable_grad():  # a trace computes no gradients
            affine.requires_grad_()
            # The sum, because the gradient of a mean is lost in half precision.
            loss = candidate_divergences(affine, batch, final_norm, lm_head, logit_transform).sum()
            (gradient,) = torch.autograd.grad(loss, affine)
        affine = affine.detach()
        mean.lerp_(gradient, 1 - _MEAN)
        square.mul_(_SQUARE).addcmul_(gradient, gradient, value=1 - _SQUARE)
        sizes = square.sqrt().add_(_NONZERO)
        length = rate * (1 - _SQUARE**step) ** 0.5 / (1 - _MEAN**step)
        affine.addcdiv_(mean * units, sizes, value=-length)
    return torch.stack([affine, mean, square])


def mean_divergences(
    affine: Float[Tensor, "mapped d_model d_model_and_1"],
    batches: Sequence[Batch],
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
) -> Float[Tensor, " mapped"]:
    """Return the mean over all tokens of ``candidate_divergences``, without gradients."""
    with torch.no_grad():
        parts = [
            candidate_divergences(affine, batch, final_norm, lm_head, logit_transform)
            for batch in batches
        ]
    return torch.cat(parts).mean(0)


def top_tokens(
    h: Float[Tensor, "token d_model"],
    n: int,
    final_norm: torch.nn.Module,
    lm_head: torch.nn.Linear,
    logit_transform: LogitTransform,
) -> Int[Tensor, "token top"]:
    """Return the n most likely tokens of outputs, from the last layer's latents."""
    with torch.no_grad():
        logits = lm_head(final_norm(h.to(lm_head.weight.device))).float()
        return logit_transform(logits).topk(n).indices
