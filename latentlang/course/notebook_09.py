"""The exercises of notebook 9: lenses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..analysis.compare_lenses import compare_lenses
from ..errors import DataError
from ..lens.run import Run
from ..models.lens_name import lens_name
from .answers import WrongAnswerError, check, function, returned, run, tensor

_SHOWN = ("translation de → zh", "translation fr → zh", "translation ru → zh")
_LEAST = 10  # prompts
_LOGIT = "logit"


@check("09.1")
def fit_by_hand(answer: object) -> str:
    """A function fit_by_hand(x, y) -> the matrix M with the least Σ (M x − y)²."""
    fit = function(answer, "fit_by_hand(x, y)")
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(40, 3, generator=generator, dtype=torch.float64) + 1
    true = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0], [0.5, 0.0, 3.0]], dtype=torch.float64)
    y = x @ true.T + torch.randn(40, 3, generator=generator, dtype=torch.float64) / 2
    right = torch.linalg.lstsq(x, y).solution.T
    result = tensor(returned(fit(x.clone(), y.clone()), "fit_by_hand"), "fit_by_hand").double()
    centred = torch.linalg.lstsq(x - x.mean(0), y - y.mean(0)).solution.T
    typical = {
        "That is the matrix the other way round: M @ x[n] is near y[n], so transpose it.": right.T,
        "That leads from y to x: M must lead from the layer (x) to the last layer (y).": (
            torch.linalg.lstsq(y, x).solution.T
        ),
        "That subtracts the means, as a fit with an intercept does: use x and y as they are.": (
            centred
        ),
        "That is xᵀ y, the products alone: the inverse of xᵀ x is missing. Try lstsq.": x.T @ y,
    }
    if _alike(result, right):
        return (
            "That is the linear lens of one layer. fit_linear adds a penalty on large numbers in M."
        )
    for hint, wrong in typical.items():
        if _alike(result, wrong):
            raise WrongAnswerError(hint)
    raise WrongAnswerError(
        "The check has latents of three numbers, so M is [3, 3], and it must have the smallest sum "
        "of squares. Yours does not: try torch.linalg.lstsq, and mind which side M stands on."
    )


@check("09.2")
def tell(answer: object) -> str:
    """A function tell(scores) -> for each prompt, whether its own word stands out most."""
    tells = function(answer, "tell(scores)")
    cases = (
        [[-5.0, -1.0], [-6.0, -0.5]],
        [[-1.0, -2.0, -9.0], [-1.0, -1.5, -9.0], [-1.0, -3.0, -7.0]],
        [[-4.0, -1.0, -6.0], [-8.0, -2.0, -6.0], [-8.0, -1.0, -6.0]],
    )
    for case in cases:
        scores = torch.tensor(case)
        right = _tells(scores - scores.mean(0))
        result = _booleans(returned(tells(scores.clone()), "tell"))
        if result == right:
            continue
        ranks = scores.argmax(0) == torch.arange(len(scores))
        typical = {
            "That takes the most probable word: subtract each word's mean first.": _tells(scores),
            "Compare the words inside each prompt (a row), not the prompts for each word.": (
                ranks.tolist()
            ),
            "That is the other way round: True means that the right word is the largest.": [
                not each for each in right
            ],
        }
        for hint, wrong in typical.items():
            if result == wrong:
                raise WrongAnswerError(hint)
        raise WrongAnswerError(
            f"For {case} it should be {right}: subtract from each column its mean, then see "
            "whether the largest number of row n is in column n."
        )
    return "Retrieval is the mean of this over prompts. A word that is frequent has no advantage."


@check("09.3")
def jacobian(answer: object) -> str:
    """The Jacobian of h + A h and then h + B h, for A = [[0, 1], [0, 0]], B = [[1, 0], [1, 0]]."""
    a, b = torch.tensor([[0.0, 1.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    one = torch.eye(2)
    right = (one + b) @ (one + a)
    typical = {
        "The second block acts on the result of the first: B's factor stands at the left.": (
            (one + a) @ (one + b)
        ),
        "A block adds to the latent: each derivative is I plus its matrix, not the matrix.": b @ a,
        "That leaves out B A: the second block also acts on what the first one adds.": one + a + b,
        "That is the first block alone.": one + a,
        "That is the second block alone.": one + b,
    }
    result = tensor(answer, "the answer")
    if _alike(result, right):
        return "It is (I + B)(I + A). Blocks of a model are not linear, so the lens takes a mean."
    for hint, wrong in typical.items():
        if _alike(result, wrong):
            raise WrongAnswerError(hint)
    raise WrongAnswerError("Multiply the derivatives of the two blocks: each is I plus its matrix.")


@check("09.4")
def own_pair(answer: object) -> str:
    """Two runs of one pair that the notebook does not show: the logit lens and another lens."""
    if isinstance(answer, Run) or not isinstance(answer, (list, tuple)):
        raise WrongAnswerError("The answer is a list of two runs: [first, second].")
    runs = [run(each, _LEAST) for each in answer]
    if len(runs) != 2:
        raise WrongAnswerError(f"Two runs, please: here are {len(runs)}.")
    if sorted(each.lens == _LOGIT for each in runs) != [False, True]:
        raise WrongAnswerError("One run is of the logit lens, the other one of another lens.")
    try:
        table = compare_lenses(runs)
    except DataError as error:
        raise WrongAnswerError(str(error)) from error
    first = runs[0]
    if first.pivot in (first.target, first.source):
        raise WrongAnswerError("English must be neither source nor target: choose another pair.")
    if first.setting.title in _SHOWN:
        raise WrongAnswerError("This notebook shows that pair: choose another one.")
    peaks = [
        f"{peak:.1%} through the {lens_name(lens)}" for lens, peak in table["pivot_peak"].items()
    ]
    return f"English peaks at {' and '.join(peaks)}. Which of the two would you report?"


def _tells(scores: Tensor) -> list[bool]:
    return (scores.argmax(1) == torch.arange(len(scores))).tolist()


def _booleans(result: Any) -> list[bool]:
    """Return a list of True and False, or ask for one."""
    try:
        return [bool(each) for each in list(result)]
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswerError("tell must return a list of True and False.") from None


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), atol=1e-4)
