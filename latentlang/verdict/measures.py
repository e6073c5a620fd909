"""A function for each quantity of ``QUANTITIES``: from the experiments to a mean with interval."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ..analysis.intervals import mean_ci
from ..analysis.retrieval_result import Retrieval
from ..errors import DataError
from ..lens.layers import layer_spans
from .experiments import Experiments
from .rule import Measured

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
    others = _mean([found.probability[code] for code in made.languages["others"]])
    return _interval(*at_peak(pivot, pivot - others, found.layers, found.concepts), found.concepts)


def _retrieved_beyond_others(made: Experiments) -> Measured:
    found, own = made.retrieval, _below_ceiling(made.retrieval)
    gap = own[found.pivot] - _mean([own[code] for code in made.languages["others"]])
    pivot = found.probability[found.pivot]
    return _interval(*at_peak(pivot, gap, found.layers, found.concepts), found.concepts)


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
    """The pivot's effect minus that of the control that takes most.

    Which control takes most is not known in advance. The pivot is beyond all of them only if each
    of their intervals says so, and the lowest of the bounds are theirs together.
    """
    test, names = made.erasing, made.languages
    controls = [f"another {test.pivot} word", "random", "random, same length"]
    controls += [f"{code} word" for code in (*names["source"], *names["others"])]
    ours = test.erased[f"{test.pivot} word"]
    where = layer_spans(test.layers)
    each = [_interval(test.erased[name] - ours, where, test.clusters) for name in controls]
    value, lower, upper = (
        min(getattr(one, k) for one in each) for k in ("value", "lower", "upper")
    )
    return Measured(value, lower, upper, len(test), where)


def _source_erased(made: Experiments) -> Measured:
    test, (source,) = made.erasing, made.languages["source"]
    gap = test.erased[f"{test.pivot} word"] - test.erased[f"{source} word"]
    return _interval(gap, layer_spans(test.layers), test.clusters)


def _others_erased(made: Experiments) -> Measured:
    test = made.erasing
    others = _mean([test.erased[f"{code} word"] for code in made.languages["others"]])
    return _interval(test.erased["random"] - others, layer_spans(test.layers), test.clusters)


MEASURES: dict[str, Callable[[Experiments], Measured]] = {
    "pivot over target": _pivot_over_target,
    "pivot over source": _pivot_over_source,
    "pivot over others": _pivot_over_others,
    "pivot retrieved beyond others": _retrieved_beyond_others,
    "source retrieved beyond pivot": _source_retrieved,
    "pivot over target, linear lens": _linear_lens,
    "pivot uninvited": _patched("pivot"),
    "language without concept": _patched("B in {third}"),
    "pivot erased beyond controls": _erased_beyond_controls,
    "source erased beyond pivot": _source_erased,
    "others erased beyond random": _others_erased,
}


def _mean(curves: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(curves)).mean(0)


def _interval(values: Float[Tensor, " prompt"], layers: str, concepts: Sequence) -> Measured:
    """Return the mean over prompts with its interval, a bootstrap over concepts."""
    mean, lower, upper = mean_ci(values, "bootstrap", clusters=concepts)
    return Measured(mean.item(), lower.item(), upper.item(), len(values), layers)
