"""What all checks share: their table by number, and the functions that read an answer.

A check sees only answers that one of these functions has read, so that NaN, a control, some of the
layers or another pivot pass nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ..analysis.sphere import SpherePath
from ..errors import DataError
from ..lens.run import Run
from ..prompts.setting import PIVOT
from ..prompts.tasks import TASKS


class WrongAnswerError(Exception):
    """Raised inside a check with the hint to show."""


Check = Callable[[object], str]


def check(number: str) -> Callable[[Check], Check]:
    """Mark a function as the check of an exercise.

    The function returns praise, or raises ``WrongAnswerError`` with a hint.
    """

    def mark(function: Check) -> Check:
        function.exercise = number  # type: ignore[attr-defined]
        return function

    return mark


def checks_of(modules: Iterable[ModuleType]) -> dict[str, Check]:
    """Return the checks in some modules, by the number of their exercise.

    Raises ``DataError`` for two checks of one exercise.
    """
    checks: dict[str, Check] = {}
    for module in modules:
        for value in vars(module).values():
            exercise = getattr(value, "exercise", None)
            if not isinstance(exercise, str):
                continue
            first = checks.setdefault(exercise, value)
            if first is not value:
                raise DataError(
                    f"Two checks are of exercise {exercise}, {_place(first)} and {_place(value)}: "
                    "give one of them another number."
                )
    return checks


def _place(check: Check) -> str:
    return f"{check.__module__}.{check.__name__}"


def number(answer: Any) -> float:
    """Return a finite number, given as a number, as text, or alone in a list or an array.

    >>> number("1.5"), number([18]), number("94 %")
    (1.5, 18.0, 0.94)
    """
    value = answer
    if not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        if isinstance(value, Tensor) or hasattr(value, "ravel"):
            value = value.reshape(-1).tolist()
        parts = list(value)
        if len(parts) != 1:
            raise WrongAnswerError(f"The answer is one number, such as 1.5, and not {len(parts)}.")
        value = parts[0]
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    try:
        if isinstance(value, bool | bytes):
            raise TypeError
        result = float(value.rstrip(" %")) / 100 if percent else float(value)
    except (TypeError, ValueError, OverflowError):
        raise WrongAnswerError("The answer is a number, such as 1.5.") from None
    if not math.isfinite(result):
        raise WrongAnswerError(f"The answer is a finite number, such as 1.5, and not {result}.")
    return result


def texts(answer: Any, example: str) -> set[str]:
    """Return the texts of a set, a list, a column or an array, or ask for a set."""
    wanted = f"The answer is a set of texts, such as {example}."
    if isinstance(answer, str | bytes):
        raise WrongAnswerError(f"{wanted} This is one text.")
    try:
        entries = list(answer)
    except TypeError:
        raise WrongAnswerError(wanted) from None
    if not all(isinstance(entry, str) for entry in entries):
        raise WrongAnswerError(f"{wanted} Something else stands in it.")
    return set(entries)


def close(
    answer: object,
    right: float,
    praise: str,
    typical: Mapping[str, float],
    way: str,
    tolerance: float,
) -> str:
    """Return ``praise`` for a number near the right one, else raise a hint.

    Args:
        answer: what the student gave.
        right: the right number.
        praise: what to say about it.
        typical: ``{hint: number}`` for the typical mistakes.
        way: the hint for any other number.
        tolerance: how far a number may be from the right one, or from a typical mistake.
    """
    value = number(answer)
    if math.isclose(value, right, abs_tol=tolerance):
        return praise
    for hint, wrong in typical.items():
        if math.isclose(value, wrong, abs_tol=tolerance):
            raise WrongAnswerError(hint)
    if 0 < right < 1 and math.isclose(value, 100 * right, abs_tol=100 * tolerance):
        raise WrongAnswerError("That is in per cent: give a number between 0 and 1.")
    raise WrongAnswerError(way)


def function(answer: object, signature: str) -> Callable:
    """Return an answer that is a function, or ask for one.

    What it gets is its own copy, so a function that changes it in place changes nothing else.
    """
    name = signature.partition("(")[0]
    if not callable(answer):
        raise WrongAnswerError(f"The answer is a function: define {signature} and pass {name}.")
    return lambda *arguments: answer(*deepcopy(arguments))


def returned(result: object, signature: str) -> Any:
    """Return what a function returned, or say that it returned nothing."""
    if result is None or result is ...:
        name = signature.partition("(")[0]
        raise WrongAnswerError(f"{name} returns nothing: end it with a line `return ...`.")
    return result


def tensor(result: object, signature: str) -> Tensor:
    """Return what a function returned as a tensor of 32-bit numbers, or ask for one."""
    result = returned(result, signature)
    try:
        return torch.as_tensor(result).detach().float()
    except (TypeError, ValueError, RuntimeError):
        name = signature.partition("(")[0]
        raise WrongAnswerError(
            f"{name} returns a {type(result).__name__}: return a tensor."
        ) from None


def run(answer: object, least: int = 1) -> Run:
    """Return an answer that is a whole run of at least ``least`` concepts, or ask for one."""
    if not isinstance(answer, Run):
        raise WrongAnswerError(
            "The answer is a run: what ll.run_experiment(...) returns, or some of its prompts."
        )
    if answer.position_tokens:
        raise WrongAnswerError("One position, please: take run.last_position().")
    concepts = answer.prompts["concept"].nunique()
    if concepts < least:
        raise WrongAnswerError(
            f"This run has {concepts} concepts, too few to tell: take at least {least}."
        )
    every_layer(answer.layers)
    for code in answer.pair:
        finite(answer.probability[code])
    return answer


def every_layer(layers: tuple[int, ...]) -> None:
    """Refuse a run or a path that begins at a later layer than the first."""
    if layers[0] > 1:
        raise WrongAnswerError(
            f"This begins at layer {layers[0]}: take every layer, without between()."
        )


def finite(values: Tensor) -> None:
    """Refuse values of which some are not numbers: no comparison with them says anything."""
    if not values.isfinite().all():
        raise WrongAnswerError("Some of its values are not numbers (NaN): load the model again.")


def follows_english(answer: Run | SpherePath) -> None:
    """Refuse a control, and another pivot than English."""
    if answer.setting.control or answer.pivot != PIVOT:
        raise WrongAnswerError(
            f"This is about English, and here another thing is followed or shown "
            f"({answer.setting.title}): leave out control= and pivot=."
        )


def translates(answer: Run) -> bool:
    """Return whether the prompts of a run ask in one language for the word of another."""
    return answer.task in TASKS and TASKS[answer.task].needs_source
