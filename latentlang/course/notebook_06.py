"""The exercises of notebook 6: other models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..analysis.paired import paired_difference
from ..lens.run import Run
from ..prompts.setting import PIVOT
from .answers import (
    WrongAnswerError,
    check,
    close,
    follows_english,
    function,
    number,
    returned,
    run,
    translates,
)


@check("06.1")
def weights_in_memory(answer: object) -> str:
    """GB that the weights of a model of 8 billion parameters take in 16 bits."""
    typical = {
        "That is in gibibytes (2 to the 30th): a GB is a billion bytes.": 16e9 / 2**30,
        "That is 8-bit, one byte per parameter: in 16 bits each takes two.": 8,
        "That is 32 bits, four bytes per parameter.": 32,
        "That is in bits: eight bits are one byte.": 128,
        "That is in bytes: a GB is a billion of them.": 16e9,
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
            {"sun": ({1}, {2}), "arm": ({3}, {3}), "sky": ({4}, {5, 6}), "eye": ({7}, {8})},
            ["sun", "sky", "eye"],
            "Keep the order, and every concept that passes.",
        ),
    )
    for concepts, right, hint in cases:
        result = returned(usable(concepts), "usable")
        if isinstance(result, set | frozenset):
            raise WrongAnswerError("A set has no order, and the order is asked for: use a list.")
        try:
            kept = list(result)
        except TypeError:
            kind = type(result).__name__
            raise WrongAnswerError(f"usable returns a {kind}: return a list of concepts.") from None
        if kept != right:
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
        "That is in mebibytes (2 to the 20th): a MB is a million bytes.": numbers * 4 / 2**20,
        "That is in bytes: a MB is a million of them.": numbers * 4.0,
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


_REPORTED = ("finding", "control", "layer", "difference", "lower", "upper")


@check("06.4")
def report(answer: object) -> str:
    """English against a control: both runs, a layer, and their paired difference there."""
    try:
        given: dict[str, Any] = dict(answer)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise WrongAnswerError(
            "The answer is a dictionary: {'finding': ..., 'control': ..., 'layer': ..., ...}."
        ) from None
    missing = [name for name in _REPORTED if given.get(name) is None or given[name] is ...]
    if missing:
        raise WrongAnswerError(f"Still to fill in: {', '.join(missing)}.")
    finding, control = run(given["finding"], 20), run(given["control"], 20)
    _require_control(finding, control)
    layer, *numbers = (_reported(name, given[name]) for name in _REPORTED[2:])
    if layer not in finding.layers:
        raise WrongAnswerError(
            f"layer is {layer:g}: name one of the layers {finding.layers[0]} to "
            f"{finding.layers[-1]}."
        )
    row = _measured(finding, control, int(layer), numbers)
    return _conclusion(row, finding, int(layer))


def _require_control(finding: Run, control: Run) -> None:
    """Refuse two runs that do not belong together as a finding and its control."""
    follows_english(finding)
    if not translates(finding) or finding.pivot == finding.target:
        raise WrongAnswerError(
            "The finding is English on the way of a translation into another language."
        )
    if not control.setting.control and control.pivot == PIVOT:
        raise WrongAnswerError(
            "Here the control also follows English, with nothing changed: run it with "
            "control='random', 'shuffled', or the code of another language."
        )
    for name in ("model", "number_format", "lens", "task", "target"):
        mine, its = getattr(finding, name), getattr(control, name)
        if mine != its:
            raise WrongAnswerError(
                f"The two runs differ in {name.replace('_', ' ')} ({mine}, {its}): a control "
                "changes one thing only."
            )


def _measured(finding: Run, control: Run, layer: int, numbers: list[float]) -> pd.Series:
    """Return the row of the paired difference, or say what the reported numbers are instead."""
    curves: dict[str, Any] = {"a": finding.pivot, "b": control.pivot, "other": control}
    row = paired_difference(finding, **curves, layers=[layer]).loc[layer]
    if row["n"] < 20:
        raise WrongAnswerError(
            f"Only {row['n']} prompts are in both runs, too few to tell: take at least 20."
        )
    difference, lower, upper = row["difference"], row["lower"], row["upper"]
    every = paired_difference(finding, **curves).loc[layer]
    peak, its = (each.probability[each.pivot].mean(0).max().item() for each in (finding, control))
    typical = {
        "That is control minus finding: take the finding first, with other=control.": (
            (-difference, -upper, -lower)
        ),
        "That band holds at all layers at once: the layer is fixed in advance, so pass "
        f"layers=[{layer}].": (difference, every["lower"], every["upper"]),
    }
    if _alike(numbers, (difference, lower, upper)):
        return row
    if _alike(numbers, (peak - its,)) and not _alike(numbers, (difference,)):
        raise WrongAnswerError(
            "That is the difference of two peaks, which may be at different layers: take the "
            "paired difference at one layer."
        )
    for hint, wrong in typical.items():
        if _alike(numbers, wrong):
            raise WrongAnswerError(hint)
    raise WrongAnswerError(
        "These runs give other numbers at this layer: take difference, lower and upper from "
        f"ll.metrics.paired_difference(finding, '{finding.pivot}', '{control.pivot}', "
        f"other=control, layers=[{layer}])."
    )


def _alike(numbers: Sequence[float], others: Sequence[float]) -> bool:
    """Return whether numbers are the same, rounded to three digits or not."""
    return all(math.isclose(a, b, abs_tol=0.001) for a, b in zip(numbers, others))


def _conclusion(row: pd.Series, finding: Run, layer: int) -> str:
    """Return what a reader may conclude."""
    where = (
        f"At layer {layer} English minus control is {row['difference']:.3f} "
        f"[{row['lower']:.3f}, {row['upper']:.3f}], n = {row['n']} pairs"
    )
    if row["leads"] == "first":
        said = f"{where}: zero is outside, so English exceeds its control there."
    elif row["leads"] == "second":
        said = (
            f"{where}: the control is HIGHER than the finding. Report that, and do not call it a "
            "detour through English."
        )
    else:
        said = f"{where}: zero is inside, so the honest summary is 'no difference shown'."
    if layer == finding.layers[int(finding.probability[finding.pivot].mean(0).argmax())]:
        said += (
            " English peaks at this layer in this run. If you chose it for that, it was not fixed "
            "in advance: leave out layers= and report the wider band for all layers."
        )
    return said


def _reported(name: str, value: object) -> float:
    """Return a number of the report, or name the one that is not a number."""
    try:
        return number(value)
    except WrongAnswerError:
        raise WrongAnswerError(f"{name} is {value!r}: it must be a number.") from None
