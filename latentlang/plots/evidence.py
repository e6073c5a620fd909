"""What is certain of a run: the numbers of which titles, yardsticks and grey layers are made."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from ..analysis.intervals import simultaneous_ci
from ..analysis.phases import followed_source
from ..lens.curves import MeanCurves
from ..lens.run import Run
from ..lens.sweep_result import Sweep
from .messages import FLOOR, Story
from .naming import given, said_name
from .sweep_labels import OTHER, answers_of
from .sweep_story import SweepStory, Turn


def mean_curve(values: Float[Tensor, "*prompt layer"]) -> Float[Tensor, " layer"]:
    """Return the mean over prompts, in double precision; published curves are means already.

    >>> mean_curve(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).tolist()
    [0.5, 1.0]
    """
    return values.double().reshape(-1, values.shape[-1]).mean(0)


def other_words(run: Run | MeanCurves, code: str) -> Float[Tensor, "prompt layer"] | None:
    """Return the probability of another concept's words in a language, or None if unknown."""
    return run.probability.get(f"other:{code}")


def yardstick(run: Run | MeanCurves) -> Float[Tensor, " layer"] | None:
    """Return the mean probability of another concept's words, the highest of the languages."""
    others = [other_words(run, code) for code in run.languages]
    means = [mean_curve(values) for values in others if values is not None]
    return torch.stack(means).amax(0) if means else None


def quiet_layers(run: Run | MeanCurves) -> tuple[int, str]:
    """Return how many of the first layers show nothing, and what all of them lie below."""
    means = [mean_curve(run.probability[code]) for code in run.languages]
    if not means:
        return 0, ""
    limit = torch.full_like(means[0], FLOOR)
    others = yardstick(run)
    if others is not None:
        limit = torch.maximum(limit, others)
    loud = (torch.stack(means) > limit).any(0)
    count = int(loud.int().argmax()) if loud.any() else len(run.layers)
    return count, "below 1 %" if others is None else "below 1 % or below another word"


def tell(run: Run | MeanCurves) -> Story:
    """Return what is certain of the curves of P(language) of a run with a pair of languages."""
    pivot, target = run.pair
    source = followed_source(run)
    mean = mean_curve(run.probability[pivot])
    others = other_words(run, pivot)
    over, _ = _sure(run, run.probability[pivot] - (FLOOR if others is None else others))
    ahead = _ahead(run, [code for code in dict.fromkeys((pivot, target, source)) if code])
    # The peak is the highest mean among the layers that are certain, if there are any.
    place = int(torch.where(over, mean, -1).argmax() if over.any() else mean.argmax())
    stays = ahead[target].flip(0).int().cumprod(0).flip(0).bool()
    seen = mean_curve(run.probability[target])[-1] > FLOOR  # a lead that no figure shows is none
    rising = None if others is None else bool((mean > mean_curve(others)).any())
    return Story(
        pivot=said_name(run, pivot),
        target=said_name(run, target),
        source="" if source is None else said_name(run, source),
        peak=float(mean[place]),
        at=run.layers[place],
        other=None if others is None else float(mean_curve(others).max()),
        clear=bool(over.any()),
        above=True if rising is None else rising,
        pivot_leads=() if pivot == target else _layers(run, ahead[pivot] & over),
        source_leads=() if source is None else _layers(run, ahead[source] & _high(run, source)),
        target_from=run.layers[int(stays.int().argmax())] if stays.any() and seen else None,
        last=float(mean_curve(run.probability[target])[-1]),
        layers=(run.layers[0], run.layers[-1]),
        given=given(run),
    )


def lead_note(run: Run | MeanCurves, message: str) -> list[str]:
    """Return what it means that a language leads, in half a sentence, if a title says so."""
    if "lead" not in message:
        return []
    if len(set(run.clusters)) < 2:
        return ["Leads: the curve is higher, by however little."]
    return ["Leads: the band of the difference, 95 % for all layers at once, leaves zero out."]


def tell_sweep(sweep: Sweep) -> SweepStory:
    """Return what is certain of the curves of a sweep."""
    own, answers = sweep.target, answers_of(sweep)
    turns = {
        "language": _turn(sweep, {n: a.code != own for n, a in answers.items() if own and a.code}),
        "concept": _turn(sweep, {n: a.whose == OTHER for n, a in answers.items() if a.whose}),
    }
    means = {label: mean_curve(values) for label, values in sweep.probability.items()}
    ahead = _ahead(sweep, list(sweep.labels))
    leads = {
        answers[label].name: _layers(sweep, ahead[label] & (means[label] > FLOOR))
        for label in sweep.labels
    }
    before = {label: float(values.double().mean()) for label, values in sweep.baseline.items()}
    first = max(before, key=lambda label: before[label])
    # A fall that no figure shows does not count: a change that does nothing still rounds.
    change = sweep.probability[first].double() - sweep.baseline[first].double()[:, None]
    _, falls = _sure(sweep, change)
    falls &= before[first] - means[first] > FLOOR
    place = int(torch.where(falls, means[first], torch.inf).argmin())
    return SweepStory(
        layers=sweep.layers,
        onward=sweep.onward,
        turns={name: turn for name, turn in turns.items() if turn is not None},
        leads=leads,
        answer=answers[first].name,
        before=before[first],
        lowest=float(means[first][place]) if falls.any() else None,
        at=sweep.layers[place],
    )


def _turn(sweep: Sweep, away: Mapping[str, bool]) -> Turn | None:
    """Return where the labels that are ``away`` are certainly above the others, taken together.

    Sets of tokens that share none add up. None if all labels are of one kind.
    """
    kinds = [[label for label in away if away[label] == kind] for kind in (True, False)]
    if not all(kinds):
        return None
    sums = [
        torch.stack([sweep.probability[label].double() for label in some]).sum(0) for some in kinds
    ]
    above, below = _sure(sweep, sums[0] - sums[1])
    high = [mean_curve(total) > FLOOR for total in sums]
    return Turn(_layers(sweep, above & high[0]), _layers(sweep, below & high[1]))


def _high(run: Run | MeanCurves, code: str) -> Tensor:
    return mean_curve(run.probability[code]) > FLOOR


def _ahead(run: Run | Sweep | MeanCurves, codes: list[str]) -> dict[str, Tensor]:
    """Return at which layers each language is certainly above all others, ``[layer]`` each."""
    ahead = {code: torch.ones(len(run.layers), dtype=torch.bool) for code in codes}
    for one, two in combinations(codes, 2):
        above, below = _sure(run, run.probability[one] - run.probability[two])
        ahead[one] &= above
        ahead[two] &= below
    if len(codes) == 1:
        ahead[codes[0]][:] = False
    return ahead


def _sure(
    run: Run | Sweep | MeanCurves, gap: Float[Tensor, "*prompt layer"]
) -> tuple[Tensor, Tensor]:
    """Return at which layers a difference is certainly above 0, and below, ``[layer]`` each.

    One prompt is what it is, and published means have no interval: the difference itself counts.
    """
    if gap.ndim == 1:
        return gap > 0, gap < 0
    mean, lower, upper = simultaneous_ci(gap, clusters=run.clusters)
    lower, upper = (torch.where(bound.isnan(), mean, bound) for bound in (lower, upper))
    return lower > 0, upper < 0


def _layers(run: Run | Sweep | MeanCurves, chosen: Tensor) -> tuple[int, ...]:
    return tuple(layer for layer, yes in zip(run.layers, chosen) if yes)
