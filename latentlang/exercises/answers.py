"""What all checks share: their table by number, and how they read an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ..decoded import Decoded


class WrongAnswerError(Exception):
    """Raised inside a check with the hint to show."""


CHECKS: dict[str, Callable[[object], str]] = {}


def register(number: str) -> Callable:
    """Enter a check under its number: a function that returns praise or raises ``WrongAnswerError`` with a hint."""

    def enter(function: Callable[[object], str]) -> Callable[[object], str]:
        CHECKS[number] = function
        return function

    return enter


def number(answer: object) -> float:
    """Return a numeric answer, or say that a number is wanted."""
    try:
        return float(answer)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise WrongAnswerError("The answer is a number, such as 1.5.") from None


def close(answer: object, right: float, praise: str, typical: Mapping[str, float], way: str, tolerance: float) -> str:
    """Return ``praise`` for a number within ``tolerance`` of the right one; else raise the hint of its typical mistake, or the ``way``."""
    value = number(answer)
    if math.isclose(value, right, abs_tol=tolerance):
        return praise
    for hint, wrong in typical.items():
        if math.isclose(value, wrong, abs_tol=tolerance):
            raise WrongAnswerError(hint)
    raise WrongAnswerError(way)


def function(answer: object, signature: str) -> Callable:
    """Return an answer that is a function, or say that a function is wanted."""
    if not callable(answer):
        raise WrongAnswerError(f"The answer is a function: define {signature} and pass {signature.partition('(')[0]}.")
    return answer


def run(answer: object, least: int) -> Decoded:
    """Return an answer that is a run of at least so many prompts, or say that one is wanted."""
    if not isinstance(answer, Decoded):
        raise WrongAnswerError("The answer is a run: what ll.run_experiment(...) returns, or some of its prompts.")
    if len(answer) < least:
        raise WrongAnswerError(f"This run has {len(answer)} prompts, too few to tell: take at least {least}.")
    return answer
