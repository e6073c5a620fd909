"""The exercises of notebook 6: other models."""

from __future__ import annotations

from collections.abc import Mapping

from .answers import WrongAnswerError, check, close, function


@check("06.1")
def weights_in_memory(answer: object) -> str:
    """GB that the weights of a model of 8 billion parameters take in 16 bits."""
    typical = {
        "That is in gibibytes (2 to the 30th): a GB is a billion bytes.": 16e9 / 2**30,
        "That is 8-bit, one byte per parameter: in 16 bits each takes two.": 8,
        "That is 32 bits, four bytes per parameter.": 32,
        "That is in bits: eight bits are one byte.": 128,
    }
    return close(
        answer,
        16,
        "Two bytes per parameter. A batch of prompts needs memory as well.",
        typical,
        "Multiply the parameters by the bytes per parameter.",
        0.3,
    )


@check("06.2")
def tells_apart(answer: object) -> str:
    """A function usable(concepts) -> the concepts with two token sets that share nothing."""
    usable = function(answer, "usable(concepts)")
    cases: tuple[tuple[dict, list, str], ...] = (
        (
            {"book": ({1, 2}, {3})},
            ["book"],
            "A concept with two sets that share nothing is usable.",
        ),
        ({"arm": ({1, 2}, {2, 3})}, [], "A token in both sets cannot tell the languages apart."),
        (
            {"sky": ({1}, set())},
            [],
            "An empty set has no probability: a word is not usable if no token begins it.",
        ),
        (
            {"a": ({1}, {2}), "b": ({3}, {3}), "c": ({4}, {5, 6})},
            ["a", "c"],
            "Keep the order, and every concept that passes.",
        ),
    )
    for concepts, right, hint in cases:
        if list(usable(dict(concepts))) != right:
            raise WrongAnswerError(f"For {concepts} it should be {right}. {hint}")
    return "That is what build_prompts drops, with the reason, for any tokenizer."


@check("06.3")
def distributions_sent(answer: object) -> str:
    """MB of the distributions of 118 prompts: 32 layers, 32,000 tokens, four bytes per number."""
    numbers = 118 * 32 * 32000
    typical = {
        "That is the count of numbers in millions; each takes four bytes.": numbers / 1e6,
        "That is one layer: the lens reads all 32.": numbers * 4 / 32 / 1e6,
        "That is one prompt: there are 118.": numbers * 4 / 118 / 1e6,
        "A number takes four bytes, not four bits.": numbers / 2e6,
    }
    praise = (
        "Half a gigabyte, of which only a few numbers per prompt and layer are used. "
        "The lens therefore reduces the distributions where the model is."
    )
    return close(
        answer,
        numbers * 4 / 1e6,
        praise,
        typical,
        "Prompts x layers x tokens x 4 bytes, in millions.",
        1.0,
    )


@check("06.4")
def report(answer: object) -> str:
    """A finding with what belongs to it: model, pair, n, peak with interval, layer, a control."""
    if not isinstance(answer, Mapping):
        raise WrongAnswerError(
            "The answer is a dictionary: {'model': ..., 'pair': ..., 'n': ..., ...}."
        )
    names = ("model", "pair", "n", "peak", "lower", "upper", "layer", "control_peak")
    missing = [name for name in names if answer.get(name) in (None, ...)]
    if missing:
        raise WrongAnswerError(f"Still to fill in: {', '.join(missing)}.")
    n, peak, lower, upper, control = (
        float(answer[name]) for name in ("n", "peak", "lower", "upper", "control_peak")
    )
    if not (lower <= peak <= upper and 0 <= peak <= 1):
        raise WrongAnswerError(
            "lower, peak and upper are probabilities in this order: "
            "take them from one row of ll.headlines."
        )
    if n < 20:
        raise WrongAnswerError(
            f"n = {n:.0f} prompts are too few for an interval: take at least 20."
        )
    if control > upper:
        return (
            "The control is HIGHER than the finding: report that, "
            "and do not call it a detour through English."
        )
    if control >= lower:
        return (
            "The control is inside the interval of the finding: "
            "the honest summary is 'no difference shown'."
        )
    return (
        "Others can check this finding: it has a model, a pair, n, an interval, a layer, "
        "and a control that stays below it."
    )
