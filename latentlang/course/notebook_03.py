"""The exercises of notebook 3: the phases."""

from __future__ import annotations

import math

from ..analysis.phases import find_phases
from .answers import (
    WrongAnswerError,
    check,
    close,
    follows_english,
    function,
    number,
    run,
    translates,
)


@check("03.1")
def energy_by_hand(answer: object) -> str:
    """Energy of (1, 0, 2) for the four tokens (±1, 0, 0) and (0, ±1, 0)."""
    typical = {
        "That is E²: take its square root.": 0.2,
        "Divide by the squared length of h, which is 5.": 1.0,
        "That is the mean squared cosine: divide by the tokens' own 0.5, take the root.": 0.1,
        "Before you take the root, divide by the tokens' own mean squared cosine, 0.5.": 0.1**0.5,
    }
    praise = (
        "A fifth of h's squared length lies in the plane of the tokens, so E² = 0.1 / 0.5 = 0.2."
    )
    way = (
        "Mean squared cosine between h and the four tokens, divided by the tokens' own (0.5), "
        "then the square root."
    )
    return close(answer, math.sqrt(0.2), praise, typical, way, 0.01)


@check("03.3")
def handover(answer: object) -> str:
    """A function handover(p_english, p_target) -> the layer where the target takes over."""
    takes_over = function(answer, "handover(p_english, p_target)")
    cases = (
        (
            [0.0, 0.3, 0.5, 0.2, 0.1],
            [0.0, 0.0, 0.1, 0.4, 0.6],
            4,
            "Layers count from 1: index 3 is layer 4.",
        ),
        (
            [0.0, 0.2, 0.5, 0.1, 0.0],
            [0.1, 0.1, 0.2, 0.3, 0.9],
            4,
            "Look for the layer from which the target leads to the END, not for its first lead.",
        ),
        ([0.5, 0.5, 0.5], [0.1, 0.2, 0.3], None, "If the target never takes over, return None."),
        ([0.2, 0.2, 0.1], [0.1, 0.2, 0.3], 3, "If both are equal, the target does not lead."),
        (
            [0.0, 0.0, 0.1],
            [0.2, 0.3, 0.9],
            1,
            "If the target leads from the start, the answer is layer 1.",
        ),
        (
            [0.3, 0.1, 0.1, 0.1, 0.5, 0.4],
            [0.1, 0.2, 0.4, 0.6, 0.4, 0.3],
            None,
            "A lead that does not last to the end does not count.",
        ),
        ([0.6, 0.4], [0.1, 0.5], 2, "A lead at the last layer alone is a lead to the end."),
    )
    results = [takes_over(english, target) for english, target, *_ in cases]
    if all(result is None or result is ... for result in results):
        raise WrongAnswerError(
            "handover returns None for any lists: end it with a line `return ...`."
        )
    for (english, target, right, hint), result in zip(cases, results):
        if not _same(result, right):
            raise WrongAnswerError(
                f"For English {english} and target {target} it should be {right}. {hint}"
            )
    return "You can now read the handover from any pair of curves."


def _same(result: object, right: int | None) -> bool:
    """Return whether a layer is the right one; there may be none."""
    if result is None or right is None:
        return result is right
    return number(result) == right


@check("03.2")
def giant_share(answer: object) -> str:
    """The share of the squared length that one dimension of 100 holds beside 639 of 1."""
    typical = {
        "Square the numbers before you add them: it is the share of the SQUARED length.": 100 / 739,
        "That is one dimension in 640; the giant counts for its size.": 1 / 640,
        "The giant is part of the whole as well: divide by all 640 squares.": 10000 / 639,
        "That is the share of the others: take the rest.": 639 / 10639,
    }
    praise = (
        "One dimension of 640 holds 94 %: "
        "the direction of such a latent is almost that of one axis."
    )
    return close(
        answer, 10000 / 10639, praise, typical, "100² divided by the sum of all 640 squares.", 0.002
    )


@check("03.4")
def without_concept_phase(answer: object) -> str:
    """A translation run without a concept phase, although the target leads at the end."""
    answer_run = run(answer, 20)
    if not translates(answer_run):
        raise WrongAnswerError(
            "Use a translation run: whether a pair can be translated without a concept phase is "
            "the question here."
        )
    follows_english(answer_run)
    pivot, target = answer_run.pair
    if target == pivot:
        raise WrongAnswerError(
            f"The target is the pivot itself here: ask for another language than '{pivot}'."
        )
    phases = find_phases(answer_run)
    if phases.concept_start is not None:
        raise WrongAnswerError(
            f"Here the concept phase begins at layer {phases.concept_start}: try another pair."
        )
    if phases.target_start is None:
        raise WrongAnswerError(
            "Here the target does not lead at the end above 5 %, so there is no phase at all: "
            "try another pair."
        )
    return (
        f"No concept phase in the mean; the target leads from layer {phases.target_start}. "
        f"In {phases.concept_share:.0%} of the resamples there is one."
    )
