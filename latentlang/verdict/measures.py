"""A function for each quantity of ``QUANTITIES``: from the experiments to a mean with interval."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import torch
from jaxtyping import Float
from torch import Tensor

from ..analysis.intervals import mean_ci
from ..analysis.retrieval_result import Retrieval
from ..errors import DataError
from ..lens.layers import layer_spans
from ..runs.pivot_result import PivotTest
from .experiments import Experiments
from .rule import Measured

_RANDOM = ("random", "random, same length")  # conditions of a pivot test
Curve = Float[Tensor, "prompt layer"]


def at_peak(
    choosing: Curve, values: Curve, layers: Sequence[int], concepts: Sequence
) -> tuple[Float[Tensor, " prompt"], str]:
    """Return the values of each prompt at a layer that other concepts chose, and these layers.

    The concepts are split at random into two halves. The values of one half are read at the layer
    at which the mean of ``choosing`` is highest in the other half. So no prompt has a part in the
    choice of its own layer, and the interval is an ordinary one. The last layer is the model's own
    output, and is never chosen.

    Args:
        choosing: the curve whose peak counts, ``[n_prompts, n_layers]``.
        values: what is read, ``[n_prompts, n_layers]``.
        layers: the numbers along the layer axis.
        concepts: of each prompt, at least two different ones.

    >>> curve = torch.tensor([[0.0, 0.9, 0.1], [0.1, 0.8, 0.1]])
    >>> at_peak(curve, curve, [1, 2, 3], ["sea", "sky"])
    (tensor([0.9000, 0.8000]), 'layer 2')
    """
    names = list(dict.fromkeys(concepts))
    if len(names) < 2 or len(layers) < 2:
        raise DataError(
            "A layer is chosen on one half of the concepts and read on the other: "
            "take a smaller every, and a model with more than one layer."
        )
    first = set(random.Random(0).sample(names, len(names) // 2))
    half = torch.tensor([concept in first for concept in concepts])
    read, chosen = torch.zeros(len(values), dtype=values.dtype), set()
    for rows in (half, ~half):
        place = int(choosing[~rows, :-1].double().mean(0).argmax())
        read[rows] = values[rows, place]
        chosen.add(layers[place])
    return read, layer_spans(sorted(chosen))


def _pivot_over_target(made: Experiments) -> Measured:
    run = made.readings
    pivot = run.probability[run.pivot]
    gap = pivot - run.probability[run.target]
    return _interval(*at_peak(pivot, gap, run.layers, run.clusters), run.clusters)


def _pivot_over_source(made: Experiments) -> Measured:
    run = made.readings
    pivot, source = run.probability[run.pivot], run.probability[run.source]
    read = at_peak(pivot + source, pivot - source, run.layers, run.clusters)
    return _interval(*read, run.clusters)


def _linear_lens(made: Experiments) -> Measured:
    chosen_by, run = made.readings, made.lenses
    pivot = chosen_by.probability[run.pivot]
    gap = run.probability[run.pivot] - run.probability[run.target]
    return _interval(*at_peak(pivot, gap, run.layers, run.clusters), run.clusters)


def _pivot_over_others(made: Experiments) -> Measured:
    found = made.retrieval
    pivot = found.probability[found.pivot]
    return _beyond_others(made, pivot, pivot, found.probability)


def _source_over_others(made: Experiments) -> Measured:
    found = made.retrieval
    pivot, source = found.probability[found.pivot], found.probability[found.source]
    return _beyond_others(made, pivot + source, source, found.probability)


def _retrieved_beyond_others(made: Experiments) -> Measured:
    found, own = made.retrieval, _below_ceiling(made.retrieval)
    return _beyond_others(made, found.probability[found.pivot], own[found.pivot], own)


def _beyond_others(
    made: Experiments, choosing: Curve, ours: Curve, curves: Mapping[str, Curve]
) -> Measured:
    """Return a curve minus that of the language, of those that nobody asks for, that is nearest."""
    found = made.retrieval
    gaps = [
        at_peak(choosing, ours - curves[code], found.layers, found.concepts)
        for code in made.languages["others"]
    ]
    return _extreme(min, [_interval(*gap, found.concepts) for gap in gaps])


def _others_retrieved(made: Experiments) -> Measured:
    """The largest of all differences, so chance alone may make it look larger than it is."""
    found, own = made.retrieval, _below_ceiling(made.retrieval)
    gaps = [
        at_peak(found.probability[found.pivot], own[one] - own[other], found.layers, found.concepts)
        for one, other in permutations(made.languages["others"], 2)
    ]
    return _extreme(max, [_interval(*gap, found.concepts) for gap in gaps])


def _source_retrieved(made: Experiments) -> Measured:
    found, own = made.retrieval, _below_ceiling(made.retrieval)
    gap = own[found.source] - own[found.pivot]
    both = found.probability[found.pivot] + found.probability[found.source]
    return _interval(*at_peak(both, gap, found.layers, found.concepts), found.concepts)


def _below_ceiling(found: Retrieval) -> dict[str, Curve]:
    """Return retrieval minus what a language's words tell at best, at any layer.

    Not at the same layer: words in which the middle layers do not speak tell nothing there, in the
    repetition task either, and that is a finding about them. The ceiling counts as a fixed number.
    """
    return {
        code: values - found.ceiling[code].mean(0).max() for code, values in found.retrieved.items()
    }


def _patched(label: str) -> Callable[[Experiments], Measured]:
    """Return the measure of how much a patch adds to the probability of a label."""

    def measure(made: Experiments) -> Measured:
        sweep, (third,) = made.patching, made.languages["third"]
        name = label.format(third=third)
        gain = sweep.probability[name] - sweep.baseline[name][:, None]
        return _interval(*at_peak(gain, gain, sweep.layers, sweep.clusters), sweep.clusters)

    return measure


def _erased_beyond_controls(made: Experiments) -> Measured:
    test, names = made.erasing, made.languages
    words = [f"{code} word" for code in (*names["source"], *names["others"])]
    return _beyond_each(test, f"{test.pivot} word", [f"another {test.pivot} word", *words])


def _own_part_erased(made: Experiments) -> Measured:
    test = made.erasing
    return _beyond_each(test, f"{test.pivot} word orthogonal", [f"another {test.pivot} word"])


def _beyond_each(test: PivotTest, condition: str, words: Sequence[str]) -> Measured:
    """Return the effect of a condition minus that of the control that takes most.

    Where random directions take as much, the change is too rough to tell, and the condition may be
    needed all the same. So they have a part in the lower bound, and none in the upper one.
    """
    where, ours = layer_spans(test.layers), _log_odds(test.erased[condition])

    def beyond(left: Float[Tensor, " prompt"]) -> Measured:
        return _interval(_log_odds(left) - ours, where, test.clusters)

    telling = [beyond(left) for left in (test.baseline, *(test.erased[name] for name in words))]
    rough = [beyond(test.erased[name]) for name in _RANDOM]
    return replace(_extreme(min, [*telling, *rough]), upper=_extreme(min, telling).upper)


def _source_erased(made: Experiments) -> Measured:
    test, (source,) = made.erasing, made.languages["source"]
    gap = _log_odds(test.erased[f"{test.pivot} word"]) - _log_odds(test.erased[f"{source} word"])
    return _interval(gap, layer_spans(test.layers), test.clusters)


def _others_erased(made: Experiments) -> Measured:
    test = made.erasing
    others = _mean([_log_odds(test.erased[f"{code} word"]) for code in made.languages["others"]])
    gap = _log_odds(test.erased["random"]) - others
    return _interval(gap, layer_spans(test.layers), test.clusters)


def _log_odds(probability: Float[Tensor, " prompt"]) -> Float[Tensor, " prompt"]:
    """Return log(p / (1 - p)); nearer to 0 or 1 than a millionth counts as a millionth."""
    return torch.logit(probability.double(), eps=1e-6)


MEASURES: dict[str, Callable[[Experiments], Measured]] = {
    "pivot over target": _pivot_over_target,
    "pivot over source": _pivot_over_source,
    "pivot over others": _pivot_over_others,
    "source over others": _source_over_others,
    "pivot retrieved beyond others": _retrieved_beyond_others,
    "others retrieved unequally": _others_retrieved,
    "source retrieved beyond pivot": _source_retrieved,
    "pivot over target, linear lens": _linear_lens,
    "pivot uninvited": _patched("pivot"),
    "language without concept": _patched("B in {third}"),
    "pivot erased beyond controls": _erased_beyond_controls,
    "pivot's own part erased": _own_part_erased,
    "source erased beyond pivot": _source_erased,
    "others erased beyond random": _others_erased,
}


def _mean(curves: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(curves)).mean(0)


def _interval(values: Float[Tensor, " prompt"], layers: str, concepts: Sequence) -> Measured:
    """Return the mean over prompts with its interval, a bootstrap over concepts."""
    mean, lower, upper = mean_ci(values, "bootstrap", clusters=concepts)
    return Measured(mean.item(), lower.item(), upper.item(), len(values), layers)


def _extreme(of: Callable, each: Sequence[Measured]) -> Measured:
    """Return the smallest of several differences, or the largest; ``of`` is ``min`` or ``max``.

    Which one that is, is not known in advance, so the bounds are the smallest or largest ones.
    Something is above all others only if each of the intervals says so.
    """
    value, lower, upper = (of(getattr(one, k) for one in each) for k in ("value", "lower", "upper"))
    return replace(each[0], value=value, lower=lower, upper=upper)
