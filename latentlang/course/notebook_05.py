"""The exercises of notebook 5: the sphere."""

from __future__ import annotations

import math

import torch

from ..analysis.sphere import SpherePath
from .answers import (
    WrongAnswerError,
    check,
    close,
    every_layer,
    finite,
    follows_english,
    function,
    tensor,
)


@check("05.1")
def degrees_from_the_pole(answer: object) -> str:
    """Degrees between the pole and a latent with x = -0.012, y = 0.016."""
    to_equator = math.degrees(math.acos(0.02))
    from_x, from_y = math.degrees(math.asin(0.012)), math.degrees(math.asin(0.016))
    from_sum = math.degrees(math.asin(0.004))
    typical = {
        "That is in radians: math.degrees turns them into degrees.": 0.02,
        "That is the angle to the equator: use the arcsine of 0.02 instead.": to_equator,
        "Both coordinates count, not y alone: √(x² + y²).": from_y,
        "Both coordinates count, not x alone: √(x² + y²).": from_x,
        "Square x and y before you add them: the sign of x does not matter.": from_sum,
    }
    praise = (
        "A little over one degree. Without magnification the whole path would be a dot at the pole."
    )
    return close(
        answer,
        math.degrees(math.asin(0.02)),
        praise,
        typical,
        "√(x² + y²) first, then math.asin, then math.degrees.",
        0.01,
    )


@check("05.2")
def own_rotation(answer: object) -> str:
    """A function rotation(E, U) -> the orthogonal R that minimises ‖E R − U‖."""
    rotation = function(answer, "rotation(E, U)")
    generator = torch.Generator().manual_seed(0)
    E, U = torch.randn(30, 6, generator=generator), torch.randn(30, 6, generator=generator)
    result = tensor(rotation(E, U), "rotation")
    left, _, right_transposed = torch.linalg.svd(E.T @ U)
    transposed_again = left @ right_transposed.T
    right = left @ right_transposed
    if result.shape == (6, 6) and torch.allclose(result, right, atol=1e-4):
        return "Rotations and reflections only: no direction is stretched."
    least_squares = torch.linalg.lstsq(E, U).solution
    typical = {
        "That is its transpose, which turns U into E: the order is A first, then Bᵀ.": right.T,
        "EᵀU also stretches: keep only A and Bᵀ of its singular value decomposition.": E.T @ U,
        "The least-squares solution may stretch, and a rotation may not.": least_squares,
        "torch.linalg.svd returns Bᵀ already: do not transpose it again.": transposed_again,
    }
    for hint, wrong in typical.items():
        if result.shape == wrong.shape and torch.allclose(result, wrong, atol=1e-4):
            raise WrongAnswerError(hint)
    raise WrongAnswerError(
        "The steps are: M = EᵀU, its singular value decomposition A Σ Bᵀ, "
        "and R = A Bᵀ, a matrix [d_model, d_model]."
    )


@check("05.3")
def lean_by_hand(answer: object) -> str:
    """x of the latent (0.6, 0.8) on the language axis from English (0, 1) to the target (1, 0)."""
    flipped = (0.8 - 0.6) / math.sqrt(2)
    with_sum = 1.4 / math.sqrt(2)
    typical = {
        "The language axis must have length 1: divide (1, −1) by √2.": 0.6 - 0.8,
        "Mind the sign: the axis runs to the target, so a lean to English is below 0.": flipped,
        "That is the cosine with the sum of the two words: use their difference.": with_sum,
        "That is the cosine with the target's token alone: use the difference of the two.": 0.6,
    }
    praise = "Below 0: a little nearer to the English token than to the target's."
    return close(
        answer,
        -0.2 / math.sqrt(2),
        praise,
        typical,
        "(target − English), scaled to length 1, times the latent.",
        0.002,
    )


@check("05.4")
def leaning_word(answer: object) -> str:
    """The centred path of one word with x below 0 in the layer where its concept is largest."""
    if not isinstance(answer, SpherePath):
        raise WrongAnswerError("The answer is a path: centred['...'] with a concept of this run.")
    if len(answer) != 1:
        raise WrongAnswerError(
            f"One word, please: this has {len(answer)} paths; "
            "write centred['...'] with one concept."
        )
    if not answer.relative:
        raise WrongAnswerError(
            "The zero of this path's x is arbitrary: take the word from path.centred()."
        )
    follows_english(answer)
    every_layer(answer.layers)
    finite(answer.coordinates)
    x, y, _ = answer.coordinates[0].unbind(-1)
    layer = int(y.argmax())
    if y[layer] <= 0.01:
        raise WrongAnswerError(
            f"The concept of this word hardly appears (y is {y[layer]:.3f} at most): "
            "choose a word whose y is above 0.01 somewhere."
        )
    if x[layer] >= 0:
        raise WrongAnswerError(
            f"At layer {answer.layers[layer]}, where its concept is largest, this word leans to "
            f"the target more than the mean (x = {x[layer]:+.4f}): choose another word."
        )
    concept = answer.prompts["concept"].iloc[0]
    return (
        f"'{concept}' leans to English more than the mean (x = {x[layer]:+.4f}) at layer "
        f"{answer.layers[layer]}, where y = {y[layer]:.3f}. Such a word proves nothing: around a "
        "mean, some words lie on either side."
    )
