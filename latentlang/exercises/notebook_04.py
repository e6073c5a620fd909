"""The exercises of notebook 4: the experiments."""

from __future__ import annotations

import math

import torch

from .answers import WrongAnswerError, close, number, register, run


@register("04.1")
def paired_interval(answer: object) -> str:
    """Half-width of the 95 % interval of a mean paired difference of four prompts: -0.1, -0.1, -0.2, 0.1."""
    target, english = torch.tensor([0.2, 0.4, 0.1, 0.3]), torch.tensor([0.3, 0.5, 0.3, 0.2])
    paired, both = (target - english).std().item(), (target.var() + english.var()).sqrt().item()
    typical = {
        "That is 1.96 · s: the mean of n prompts varies less than one prompt, so divide by √n.": 1.96 * paired,
        "Divide the squared deviations by n − 1, not by n: this is a sample.": 1.96 * (target - english).std(correction=0).item() / 2,
        "That adds up the spread of both columns: take the difference for every prompt first.": 1.96 * both / 2,
        "That is the standard error: multiply it by 1.96.": paired / 2,
    }
    praise = "The differences vary less than the two columns together: pairing takes away what makes a prompt easy in both languages."
    way = "Four differences first, then their sample standard deviation s, then 1.96 · s / √4."
    return close(abs(number(answer)), 1.96 * paired / 2, praise, typical, way, 0.004)


@register("04.2")
def pooled_interval(answer: object) -> str:
    """The honest half-width when three identical prompts a concept were taken for independent ones, which gave 0.010."""
    typical = {
        "The width goes with 1/√n, not with 1/n.": 0.030,
        "Fewer independent facts make an interval wider, not narrower.": 0.010 / math.sqrt(3),
        "Saying the same thing three times adds no certainty: how many independent facts are there?": 0.010,
    }
    praise = "A third of the facts, so √3 times the width. Real prompts about one concept are only alike: the truth lies between."
    way = "Only every third prompt is a new fact. The half-width is 1.96 · s/√n: what does a third of n do to it?"
    return close(answer, 0.010 * math.sqrt(3), praise, typical, way, 0.0005)


@register("04.3")
def by_chance(answer: object) -> str:
    """The chance that at least one of 18 independent 95 % intervals misses when nothing is there."""
    typical = {
        "Chances of independent events do not add up: 20 layers would give 100 %.": 18 * 0.05,
        "That is the chance for one layer; here are 18.": 0.05,
        "That is the chance that none of them misses: take the rest.": 0.95**18,
        "That is the chance that all of them miss.": 0.05**18,
    }
    praise = "More likely than not. (Layers are not independent, so the true number is smaller, but not 5 %.)"
    return close(answer, 1 - 0.95**18, praise, typical, "The chance that all 18 hold is 0.95 to the 18th: what is left?", 0.004)


@register("04.4")
def own_control(answer: object) -> str:
    """A run with a pivot of the student's own: neither English nor the one of the notebook."""
    found = run(answer, 20)
    pivot, target = found.pivot_and_target
    if pivot == "en":
        raise WrongAnswerError("Here English is still followed as the pivot: pass control= with the code of another language.")
    if set(found.prompts["task"]) != {"translation"}:
        raise WrongAnswerError("Take a translation: repeating needs no pivot of any language.")
    shown = next(code for code in ("de", "es", "it") if code not in {target, *found.prompts["source"]})
    if pivot == shown:
        raise WrongAnswerError(f"'{pivot}' is the notebook's own control: take a language that it has not tried.")
    peak, layer = found.probability[pivot].mean(0).max(0)
    return (
        f"P({pivot}) on the way to {target} peaks at {peak:.1%} (layer {found.layers[layer]}), n = {len(found)}. "
        "Compare it with English on the same concepts before you conclude anything."
    )
