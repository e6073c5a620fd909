"""The title of a panel of lenses: from which layer the target leads through each of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ..analysis.phases import Phases
from ..models.lens_name import lens_name
from .messages import sentence
from .phases_story import NEARLY_ALL
from .text import escape


def lens_message(starts: Mapping[str, Phases], pivot: str, target: str, given: str = "") -> str:
    """Return from which layer the target stays above the pivot through each lens.

    Args:
        starts: the phases through each lens.
        pivot: its name.
        target: its name.
        given: see ``sentence``.

    >>> starts = {"logit": Phases(13, 17), "linear": Phases(13, 14)}
    >>> lens_message(starts, "English", "Thai")
    'Through the linear lens Thai stays above English from layer 14, through the logit lens from 17'
    """
    alike: dict[tuple[float, str], list[str]] = defaultdict(list)
    for name, each in starts.items():
        alike[_order(each), verb_of(each)].append(name)
    parts: list[str] = []
    for (_, verb), names in sorted(alike.items()):
        through = f"through {_lenses(names, len(starts))}"
        where = from_layer(*(starts[name] for name in names))
        if not parts:
            first = verb
            said = f"{target} {verb} {pivot}" + (f" from layer {where}" if where else "")
        elif where:
            said = f"{'' if verb == first else _AGAIN[verb]}from {where}"
        else:
            said = _AGAIN[verb]
        parts.append(f"{through} {said}")
    hedge = "the intervals overlap" if len(alike) > 1 and _overlap(starts.values()) else ""
    return sentence([", ".join(parts), hedge], given)


# What the target does through a lens, and the same after another lens was named.
_AGAIN = {
    "stays above": "it does ",
    "may stay above": "perhaps ",
    "never stays above": "never",
    "never clearly stays above": "never clearly",
}


def _order(each: Phases) -> float:
    return math.inf if each.target_start is None else each.target_start


def verb_of(each: Phases) -> str:
    """Return what the target does, no more certain than the resamples are."""
    share = each.target_share
    if each.target_start is None:
        sure = share is None or share <= 1 - NEARLY_ALL
        return "never stays above" if sure else "never clearly stays above"
    return "stays above" if share is None or share >= NEARLY_ALL else "may stay above"


def from_layer(*starts: Phases) -> str:
    """Return the first layer, the same through some lenses, with the widest interval, or nothing.

    >>> from_layer(Phases(13, 17, target_interval=(16, 17)), Phases(13, 17))
    '17 (16–17)'
    """
    layer = starts[0].target_start
    if layer is None:
        return ""
    bounds = [bound for each in starts for bound in each.target_interval or (layer,)]
    low, high = min(bounds), max(bounds)
    return f"{layer}" if low == high else f"{layer} ({low}–{high})"


def _lenses(names: Sequence[str], count: int) -> str:
    """Return what a sentence calls some of ``count`` lenses.

    >>> _lenses(["logit"], 2), _lenses(["logit", "fitted on half"], 3)
    ('the logit lens', 'the logit lens and fitted on half')
    """
    if len(names) == count > 1:
        return "both lenses" if count == 2 else f"all {count} lenses"
    said = [escape(name if lens_name(name) == name else f"the {lens_name(name)}") for name in names]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[:-1] else said)


def _overlap(starts: Iterable[Phases]) -> bool:
    """Return whether the intervals of all lenses overlap, so that they may agree."""
    intervals = []
    for each in starts:
        if each.target_interval is None or verb_of(each) == "never stays above":
            return False
        intervals.append(each.target_interval)
    lows, highs = zip(*intervals)
    return max(lows) <= min(highs)
