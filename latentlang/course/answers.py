"""What all checks share: their table by number, and the functions that read an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from ..errors import DataError
from ..lens.run import Run
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
    """Return a numeric answer, or ask for a number."""
    try:
        return float(answer)
    except (TypeError, ValueError):
        raise WrongAnswerError("The answer is a number, such as 1.5.") from None


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
    raise WrongAnswerError(way)


def function(answer: object, signature: str) -> Callable:
    """Return an answer that is a function, or ask for one."""
    if not callable(answer):
        name = signature.partition("(")[0]
        raise WrongAnswerError(f"The answer is a function: define {signature} and pass {name}.")
    return answer


def run(answer: object, least: int) -> Run:
    """Return an answer that is a run of at least ``least`` prompts, or ask for one."""
    if not isinstance(answer, Run):
        raise WrongAnswerError(
            "The answer is a run: what ll.run_experiment(...) returns, or some of its prompts."
        )
    if len(answer) < least:
        raise WrongAnswerError(
            f"This run has {len(answer)} prompts, too few to tell: take at least {least}."
        )
    return answer


def translates(answer: Run) -> bool:
    """Return whether the prompts of a run ask in one language for the word of another."""
    return answer.task in TASKS and TASKS[answer.task].needs_source
