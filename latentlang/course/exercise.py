"""``exercise``: check an answer of a student."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ..errors import LatentLangError, near
from .answers import WrongAnswerError, checks_of
from .outcome import Outcome

# The checks of a notebook are the module of its number in this folder.
_NAMES = sorted(path.stem for path in Path(__file__).parent.glob("notebook_*.py"))
CHECKS = checks_of(import_module(f".{name}", __package__) for name in _NAMES)


def exercise(number: str, answer: object = ...) -> Outcome:
    """Check an answer to an exercise and say right, wrong with a hint, or not tried yet.

    An untouched stub (``...``, None, or a dictionary of ``...``) is "not tried yet". A mistake
    inside the answer, such as a function that raises, is a wrong answer with the error's text, so
    that "Run all" continues.

    Args:
        number: of the exercise, such as ``"02.1"``.
        answer: what the student gave.

    >>> exercise("02.1")
    ✎ not tried yet: Replace the ... in exercise 02.1 and run the cell again.
    """
    if number not in CHECKS:
        known = ", ".join(sorted(CHECKS))
        message = f"There is no exercise {number}.{near(number, CHECKS)} Known: {known}."
        return Outcome("wrong", message)
    if _untouched(answer):
        return Outcome(
            "not tried yet", f"Replace the ... in exercise {number} and run the cell again."
        )
    try:
        return Outcome("right", CHECKS[number](answer))
    except (WrongAnswerError, LatentLangError) as hint:  # each is a sentence that says what to do
        return Outcome("wrong", str(hint))
    except Exception as error:  # a student's function may raise anything
        return Outcome("wrong", f"Your answer raised {type(error).__name__}: {error}")


def _untouched(answer: object) -> bool:
    """Tell whether an answer is that of the stub."""
    if isinstance(answer, dict) and answer:
        return all(value is ... for value in answer.values())
    return answer is ... or answer is None
