"""The exercises of notebook 10: what the evidence says."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

from ..verdict.hypotheses import PREDICTIONS
from ..verdict.quantities import QUANTITIES
from ..verdict.rule import AGAINST, FOR, UNDECIDED, Measured, judge
from .answers import WrongAnswerError, check, function, returned, texts

_ENDS = (-0.3, -0.02, 0.002, 0.004, 0.01, 0.05, 0.1, 0.2)  # of intervals
_LEAST = (0.01, 0.1)  # smallest effects, which are also ends
_FIELDS = ("claim", "measured", "control", "sure", "change")
_SURE = ("high", "medium", "low")
_WORDS = 5  # that a sentence needs at least
_IN_GENERAL = r"\b(all|every|any) (language )?models?\b|\blanguage models\b"


@check("10.1")
def tell_apart(answer: object) -> str:
    """The experiments of which pivot and artefact predict different things."""
    chosen = texts(answer, '{"readings"}')
    known = {quantity.experiment for quantity in QUANTITIES.values()}
    if unknown := sorted(chosen - known):
        names = ", ".join(sorted(known))
        raise WrongAnswerError(f"'{unknown[0]}' is not an experiment of the table: {names} are.")
    pivot, artefact = (_expectations(name) for name in ("pivot", "artefact"))
    differ = {name for name in pivot.keys() & artefact.keys() if pivot[name] != artefact[name]}
    right = {QUANTITIES[name].experiment for name in differ}
    if chosen == right:
        return "So nobody can tell these two apart with the readings alone."
    if "patching" in chosen:
        raise WrongAnswerError(
            "About patching the artefact predicts nothing: compare what both of them predict."
        )
    if "readings" in chosen:
        raise WrongAnswerError(
            "Of the readings both predict the same wherever both predict something."
        )
    raise WrongAnswerError(
        "Some are missing: look for quantities with two different words in the columns of pivot "
        "and artefact."
    )


@check("10.2")
def says(answer: object) -> str:
    """A function says(lower, upper, least) -> for, against or undecided, about "above"."""
    tells = function(answer, "says(lower, upper, least)")
    cases = [case for case in product(_ENDS, _ENDS, _LEAST) if case[0] < case[1]]
    right = {
        (low, high, least): judge("above", Measured((low + high) / 2, low, high, n=20), least)
        for low, high, least in cases
    }
    given = {case: str(returned(tells(*case), "says")) for case in cases}
    if given == right:
        return "An effect that is sure but too small to count speaks against the prediction."
    words = (FOR, AGAINST, UNDECIDED)
    if other := sorted(set(given.values()) - set(words)):
        raise WrongAnswerError(f"It returned '{other[0]}': the words are {', '.join(words)}.")
    no_zero = (
        "An interval with zero in it does not speak against an effect: see whether all of it is "
        "below the smallest one."
    )
    too_small = (
        "An effect that is surely too small does not count: see first whether the upper end is "
        "below the smallest effect."
    )
    need_not = (
        "The lower end need not reach the smallest effect: it is enough that it is above zero."
    )
    typical = (
        (no_zero, lambda low, high, least: FOR if low > 0 else AGAINST),
        (
            too_small,
            lambda low, high, least: FOR if low > 0 else AGAINST if high < 0 else UNDECIDED,
        ),
        (
            too_small,
            lambda low, high, least: FOR if low > 0 else AGAINST if high < least else UNDECIDED,
        ),
        (
            need_not,
            lambda low, high, least: (
                FOR if low >= least else AGAINST if high < least else UNDECIDED
            ),
        ),
        (
            need_not,
            lambda low, high, least: FOR if low > least else AGAINST if high < least else UNDECIDED,
        ),
    )
    for hint, wrong in typical:
        if given == {case: wrong(*case) for case in cases}:
            raise WrongAnswerError(hint)
    low, high, least = case = next(case for case in cases if given[case] != right[case])
    raise WrongAnswerError(
        f"For an interval from {low:g} to {high:g} and a smallest effect of {least:g} it "
        f"should be '{right[case]}', and yours is '{given[case]}'."
    )


@check("10.3")
def lost(answer: object) -> str:
    """A function lost(best, any_word, target) -> whether a prompt is solved and then lost."""
    loses = function(answer, "lost(best, any_word, target)")
    any_word, target = {1, 2, 3}, {3}
    cases = ([9, 1, 9], [9, 1, 3], [9, 9, 9], [9, 9, 3], [9, 9, 1], [3, 9, 2], [1, 2, 9])
    right = {tuple(case): not any_word.isdisjoint(case[:-1]) and case[-1] != 3 for case in cases}
    # An empty set counts as False: `middle & any_word and ...` is a usual way to say it.
    given = {case: bool(returned(loses(list(case), any_word, target), "lost")) for case in right}
    if given == right:
        return (
            "With more layers and more languages, more is solved by chance: that needs a control."
        )
    typical = {
        "The last layer is the answer: only the layers before it count as the middle.": {
            case: not any_word.isdisjoint(case) and case[-1] != 3 for case in right
        },
        "A prompt that no middle layer solves is not lost, it was never found.": {
            case: case[-1] != 3 for case in right
        },
        "Solved alone is not lost: the last layer must be wrong as well. `target` is a set, so ask "
        "whether the last token is in it.": {
            case: not any_word.isdisjoint(case[:-1]) for case in right
        },
        "At the end only a token of the target word is right, and not one of any language.": {
            case: not any_word.isdisjoint(case[:-1]) and case[-1] not in any_word for case in right
        },
        "Any language counts as solved, and not only the target.": {
            case: 3 in case[:-1] and case[-1] != 3 for case in right
        },
    }
    for hint, wrong in typical.items():
        if given == wrong:
            raise WrongAnswerError(hint)
    case = next(case for case in right if given[case] != right[case])
    raise WrongAnswerError(
        f"For best = {list(case)}, any_word = {any_word} and target = {target} it should be "
        f"{right[case]}."
    )


@check("10.4")
def claim(answer: object) -> str:
    """A claim as a dict: the claim, what was measured, the control, how sure, what would change."""
    if not isinstance(answer, dict):
        raise WrongAnswerError(f"The answer is a dict with {', '.join(_FIELDS)}.")
    if set(answer) != set(_FIELDS):
        raise WrongAnswerError(f"The dict needs just these keys: {', '.join(_FIELDS)}.")
    for name in ("claim", "control", "change"):
        if len(_words(answer[name])) < _WORDS:
            raise WrongAnswerError(f"Say '{name}' in a sentence of at least {_WORDS} words.")
    if not re.search(r"\d", str(answer["measured"])):
        raise WrongAnswerError("'measured' has no number: quote one, with its interval.")
    if answer["sure"] not in _SURE:
        raise WrongAnswerError(f"'sure' is one of {', '.join(_SURE)}.")
    if re.search(_IN_GENERAL, answer["claim"].lower()):
        raise WrongAnswerError(
            "'claim' speaks of models in general: name the model that you measured."
        )
    return "That is a row of the table in section 9. The report asks for three of them."


def _expectations(hypothesis: str) -> dict[str, str]:
    """Return what a hypothesis predicts, by quantity."""
    return {each.quantity: each.expects for each in PREDICTIONS if each.hypothesis == hypothesis}


def _words(text: Any) -> list[str]:
    """Return the words of a text; none of anything else."""
    return re.findall(r"\w+", text) if isinstance(text, str) else []
