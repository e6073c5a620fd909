"""The exercises of notebook 5: the sphere."""

from __future__ import annotations

import math

import torch

from ..paths import SpherePath
from .answers import WrongAnswerError, close, register


@register("05.1")
def degrees_from_the_pole(answer: object) -> str:
    """Degrees between the pole and a latent with x = -0.012, y = 0.016."""
    typical = {
        "That is in radians: math.degrees turns them into degrees.": 0.02,
        "That is the angle to the equator: 0.02 is the distance from the pole's axis, so take the arcsine.": math.degrees(math.acos(0.02)),
        "Both coordinates count, not y alone: √(x² + y²).": math.degrees(math.asin(0.016)),
        "Both coordinates count, not x alone: √(x² + y²).": math.degrees(math.asin(0.012)),
        "Square x and y before adding them: the minus of x brings nothing nearer to the pole.": math.degrees(math.asin(0.004)),
    }
    praise = "A little over one degree: without magnification the whole path would be a dot at the pole."
    return close(answer, math.degrees(math.asin(0.02)), praise, typical, "√(x² + y²) first, then math.asin, then math.degrees.", 0.01)


@register("05.2")
def own_rotation(answer: object) -> str:
    """A function rotation(E, U) -> the orthogonal R that minimises ‖E R − U‖."""
    if not callable(answer):
        raise WrongAnswerError("The answer is a function: define rotation(E, U) and pass rotation.")
    generator = torch.Generator().manual_seed(0)
    E, U = torch.randn(30, 6, generator=generator), torch.randn(30, 6, generator=generator)
    given = torch.as_tensor(answer(E.clone(), U.clone())).float()
    left, _, right = torch.linalg.svd(E.T @ U)
    if given.shape == (6, 6) and torch.allclose(given, left @ right, atol=1e-4):
        return "Rotations and reflections only: no direction is stretched."
    typical = {
        "That is its transpose, which turns U into E: mind the order, A first, then Bᵀ.": (left @ right).T,
        "EᵀU also stretches. Keep A and Bᵀ of its singular value decomposition and leave the singular values out.": E.T @ U,
        "That is the least-squares solution, which may stretch: a rotation may not.": torch.linalg.lstsq(E, U).solution,
        "torch.linalg.svd returns Bᵀ already: do not transpose it once more.": left @ right.T,
    }
    for hint, wrong in typical.items():
        if given.shape == wrong.shape and torch.allclose(given, wrong, atol=1e-4):
            raise WrongAnswerError(hint)
    raise WrongAnswerError("The steps are: M = EᵀU, its singular value decomposition A Σ Bᵀ, and R = A Bᵀ, a matrix [d_model, d_model].")


@register("05.3")
def lean_by_hand(answer: object) -> str:
    """x of the latent (0.6, 0.8) on the language axis from English (0, 1) to the target (1, 0)."""
    typical = {
        "The language axis must have length 1: divide (1, −1) by √2.": 0.6 - 0.8,
        "Mind the sign: the axis runs from English to the target, so a lean to English is below 0.": (0.8 - 0.6) / math.sqrt(2),
        "That is the cosine with the sum, which the two words share: take their difference.": 1.4 / math.sqrt(2),
        "That is the cosine with the target's token alone: the axis is the difference of the two.": 0.6,
    }
    praise = "Below 0: a little nearer to the English token than to the target's."
    return close(answer, -0.2 / math.sqrt(2), praise, typical, "(target − English), scaled to length 1, times the latent.", 0.002)


@register("05.4")
def leaning_word(answer: object) -> str:
    """The path of one word that leans to English in the layer where its concept is largest."""
    if not isinstance(answer, SpherePath):
        raise WrongAnswerError("The answer is a path: path['...'] with a concept of this run.")
    if len(answer) != 1:
        raise WrongAnswerError(f"One word, please: this has {len(answer)} paths; write path['...'] with one concept.")
    x, y, _ = answer.coordinates[0].unbind(-1)
    layer = int(y.argmax())
    if y[layer] < 0.01:
        raise WrongAnswerError(
            f"The concept of this word hardly appears (y is {y[layer]:.3f} at most): take one with y above 0.01 somewhere."
        )
    if x[layer] >= 0:
        raise WrongAnswerError(
            f"At layer {answer.layers[layer]}, where its concept is largest, this word leans to the target (x = {x[layer]:.4f})."
        )
    concept = answer.prompts["concept"].iloc[0]
    return (
        f"'{concept}' leans to English (x = {x[layer]:.4f}) at layer {answer.layers[layer]}, where y = {y[layer]:.3f}. The mean does not."
    )
