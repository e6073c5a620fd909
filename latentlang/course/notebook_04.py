"""The exercises of notebook 4: the experiments."""

from __future__ import annotations

import math

import torch

from ..prompts.controls import CONTROLS
from ..prompts.setting import PIVOT
from .answers import WrongAnswerError, check, close, number, run, translates

_T3 = 3.18  # the 97.5 % quantile of Student's t with 3 degrees of freedom
# Of each explanation: the outcome that it predicts, and the hint for another one.
_RIVALS = {
    "copy": ("D", "which word of the prompt would be copied?"),
    "shared spelling": ("B", "what happens to it when words of that kind are left out?"),
    "biased decoder": ("A", "it prefers every English word, also for a wrong one."),
    "shared hub": ("C", "it belongs to no language: which other words are as near to it?"),
    "lingua franca": ("E", "it needs the English word of this concept, and no other word."),
}


@check("04.1")
def rivals(answer: object) -> str:
    """Which outcome each of five explanations predicts."""
    try:
        given = dict(answer)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise WrongAnswerError(
            "The answer is a dictionary: from each explanation to the letter of an outcome."
        ) from None
    if empty := [name for name in _RIVALS if given.get(name, ...) in (..., "", "?")]:
        raise WrongAnswerError(f"Please fill in: {', '.join(empty)}.")
    letters = {name: str(given[name]).strip().upper() for name in _RIVALS}
    for name, letter in letters.items():
        if letter not in ("A", "B", "C", "D", "E"):
            raise WrongAnswerError(f"{name} is '{letter}': write one of the letters A to E.")
    chosen = list(letters.values())
    if twice := [letter for letter in chosen if chosen.count(letter) > 1]:
        raise WrongAnswerError(f"{twice[0]} stands for two explanations: each letter goes to one.")
    for name, (right, hint) in _RIVALS.items():
        if letters[name] != right:
            raise WrongAnswerError(f"Think of '{name}' again: {hint}")
    return "Each explanation can now fail. Section 4 shows which of them do."


@check("04.2")
def paired_interval(answer: object) -> str:
    """Half-width of the 95 % interval of a mean paired difference: -0.1, -0.1, -0.2, 0.1."""
    target, english = torch.tensor([0.2, 0.4, 0.1, 0.3]), torch.tensor([0.3, 0.5, 0.3, 0.2])
    paired, both = (target - english).std().item(), (target.var() + english.var()).sqrt().item()
    of_population = (target - english).std(correction=0).item()
    of_one, by_n, unpaired = 1.96 * paired, 1.96 * of_population / 2, 1.96 * both / 2
    typical = {
        "That is 1.96 · s, for one prompt: a mean of n prompts varies less, divide by √n.": of_one,
        "Divide the squared deviations by n − 1, not by n: this is a sample.": by_n,
        "That adds the spread of both columns: take the difference per prompt first.": unpaired,
        "That is the standard error: multiply it by 1.96.": paired / 2,
        "A half-width is a length: it is not negative.": -1.96 * paired / 2,
        "That is the whole width, from the lower to the upper end: halve it.": 1.96 * paired,
    }
    praise = (
        "The differences vary less than the two columns together: "
        "pairing removes what makes a prompt easy in both languages."
    )
    if math.isclose(number(answer), _T3 * paired / 2, abs_tol=0.004):
        return (
            f"{praise} You used t with 3 degrees of freedom, {_T3}, and rightly so for four "
            "prompts. With 1.96 it would be ± 0.12."
        )
    praise += (
        f" With four prompts one would use {_T3} (t with 3 degrees of freedom) instead of 1.96: "
        "± 0.20."
    )
    way = "Four differences first, then their sample standard deviation s, then 1.96 · s / √4."
    return close(answer, 1.96 * paired / 2, praise, typical, way, 0.004)


@check("04.3")
def pooled_interval(answer: object) -> str:
    """The honest half-width if three identical prompts per concept gave 0.010."""
    typical = {
        "The width is proportional to 1/√n, not to 1/n.": 0.030,
        "Fewer independent facts make an interval wider, not narrower.": 0.010 / math.sqrt(3),
        "To say the same thing three times adds no certainty: count the independent facts.": 0.010,
    }
    praise = (
        "A third of the facts, so √3 times the width. "
        "Real prompts about one concept are similar, not identical: the truth lies between."
    )
    way = (
        "Only every third prompt is a new fact. "
        "The half-width is 1.96 · s/√n: what does a third of n do to it?"
    )
    return close(answer, 0.010 * math.sqrt(3), praise, typical, way, 0.0005)


@check("04.4")
def by_chance(answer: object) -> str:
    """The chance that at least one of 18 independent 95 % intervals misses by chance."""
    typical = {
        "Chances of independent events do not add up: 20 layers would give 100 %.": 18 * 0.05,
        "That is the chance for one layer; there are 18.": 0.05,
        "That is the chance that none of them misses: take the rest.": 0.95**18,
        "That is the chance that all of them miss.": 0.05**18,
    }
    praise = (
        "More likely than not. "
        "(Layers are not independent, so the true number is smaller, but not 5 %.)"
    )
    return close(
        answer,
        1 - 0.95**18,
        praise,
        typical,
        "The chance that all 18 hold is 0.95 to the 18th: what is left?",
        0.004,
    )


@check("04.5")
def own_control(answer: object) -> str:
    """A run with a pivot of the student's own: neither English nor the one of the notebook."""
    answer_run = run(answer, 20)
    pivot, target = answer_run.pair
    if answer_run.setting.control in CONTROLS:
        raise WrongAnswerError(
            f"control='{answer_run.setting.control}' follows no language of your own: "
            "pass the code of one."
        )
    if pivot == PIVOT:
        raise WrongAnswerError(
            "Here English is still followed as the pivot: "
            "pass control= with the code of another language."
        )
    if not translates(answer_run):
        raise WrongAnswerError("Take a translation: the finding to test is about translating.")
    languages = {target, *answer_run.prompts["source"]}
    example = next(code for code in ("es", "it", "nl") if code not in languages)
    if pivot == example:
        raise WrongAnswerError(
            f"'{pivot}' is the notebook's own control: take a language that it has not tried."
        )
    peak, layer = answer_run.probability[pivot].mean(0).max(0)
    return (
        f"P({pivot}) on the way to {target} peaks at {peak:.1%} "
        f"(layer {answer_run.layers[layer]}), "
        f"n = {len(answer_run)}. "
        "Compare it with English on the same concepts before you conclude anything."
    )
