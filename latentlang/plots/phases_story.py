"""The title of shaded phases, one claim, and the sentences below it: the rule and what it found."""

from __future__ import annotations

from collections.abc import Collection

from ..analysis.phases import Phases
from .messages import copy_part, sentence

NEARLY_ALL = 0.95  # of the resamples: a phase that fewer have is not certain


def phases_message(
    starts: Phases, pivot: str, target: str, source: str = "", given: str = ""
) -> str:
    """Return the title of shaded phases: which language takes the lead where, or that copy leads.

    ``phases_notes`` has the rest, with the intervals. ``given``: see ``sentence``.

    >>> phases_message(Phases(14, 17, concept_interval=(13, 15)), "English", "Chinese")
    'English takes the lead between layers 13 and 15, Chinese at 17'
    """
    concept, end = starts.concept_start, starts.target_start
    if starts.copy:
        copied = copy_part(source, starts.copy)
        return sentence([copied + _beside(starts.copy, concept, pivot, target)], given)
    if pivot == target:
        return sentence([f"no phases: {pivot} is the pivot and the target"], given)
    if concept is None and end is None:
        sure = _never(starts.concept_share) and _never(starts.target_share)
        clear, clearly = ("", "") if sure else ("clear ", "clearly ")
        found = f"no {clear}phase found: neither {pivot} nor {target} {clearly}takes over"
        return sentence([found], given)
    verbs = [_takes(share) for share in (starts.concept_share, starts.target_share)]
    if concept is None:
        clear = "" if _never(starts.concept_share) else "clear "
        later = f"{target} {verbs[1]} the lead {_at(end, starts.target_interval, 'layer')}"
        return sentence([f"no {clear}phase of {pivot}", later], given)
    if end is None:
        clearly = "" if _never(starts.target_share) else "clearly "
        later = f"{target} never {clearly}stays ahead"
    else:
        verb = "" if verbs[0] == verbs[1] else f"{verbs[1]} it "
        later = f"{target} {verb}{_at(end, starts.target_interval)}"
    where = _at(concept, starts.concept_interval, "layer")
    return sentence([f"{pivot} {verbs[0]} the lead {where}, {later}"], given)


def phases_notes(starts: Phases, pivot: str, target: str, source: str = "") -> list[str]:
    """Return by which rule each phase begins, in half a sentence, and where, with its interval.

    >>> phases_notes(Phases(14, None, concept_share=0.8), "English", "Chinese")[0]
    'Concept phase (English above 5 % and Chinese): from layer 14, in 80 % of resamples.'
    """
    concept = _found(starts.concept_start, starts.concept_interval, starts.concept_share)
    end = _found(starts.target_start, starts.target_interval, starts.target_share)
    copy = f" Copy: {source} above 5 % and above both." if starts.copy else ""
    if pivot == target:
        return [f"Phases compare two languages, and here {pivot} is both.{copy}"]
    return [
        f"Concept phase ({pivot} above 5 % and {target}): {concept}.",
        f"Target phase ({target} above {pivot} to the end, and there above 5 %): {end}.{copy}",
    ]


def copies_part(starts: Collection[Phases]) -> str:
    """Return in how many runs the source leads at some layer, of those that follow it.

    >>> copies_part([Phases(3, 5, copy=(2,)), Phases(3, 5, copy=()), Phases(3, 5)])
    'the source word leads at some layers in 1 of the 2 that follow it'
    """
    followed = [start.copy for start in starts if start.copy is not None]
    copied = sum(map(bool, followed))
    if not copied:
        return ""
    whole = f" of the {len(followed)} that follow it" if len(followed) < len(starts) else ""
    return f"the source word leads at some layers in {copied}{whole}"


def _beside(copy: tuple[int, ...], concept: int | None, pivot: str, target: str) -> str:
    """Return where copy leads beside the start of the concept phase, if that can be said."""
    if concept is None:
        return ""
    if concept in copy:
        return f", where {pivot} rises above {target}"
    sides = {"before": max(copy) < concept, "after": min(copy) > concept}
    return "".join(
        f", {side} {pivot} rises above {target}" for side, holds in sides.items() if holds
    )


def _takes(share: float | None) -> str:
    """Return a verb no more certain than the resamples are; None: only the curves are known."""
    return "takes" if share is None or share >= NEARLY_ALL else "may take"


def _at(layer: int | None, interval: tuple[int, int] | None, unit: str = "") -> str:
    """Return at which layer a phase begins, or between which ones.

    >>> _at(14, None, "layer"), _at(14, (13, 15), "layer"), _at(14, (13, 15))
    ('at layer 14', 'between layers 13 and 15', 'between 13 and 15')
    """
    if interval is None or interval[0] == interval[1]:
        return f"at {unit} {layer}" if unit else f"at {layer}"
    low, high = interval
    return f"between {unit}s {low} and {high}" if unit else f"between {low} and {high}"


def _never(share: float | None) -> bool:
    """Return whether hardly any resample has a phase; None: nothing is known but the curves."""
    return share is None or share <= 1 - NEARLY_ALL


def _found(layer: int | None, interval: tuple[int, int] | None, share: float | None) -> str:
    """Return the first layer of a phase, the interval of it, and how many resamples have it."""
    facts = ["none" if layer is None else f"from layer {layer}"]
    if layer is not None and interval is not None and interval[0] < interval[1]:
        facts[0] += f" ({interval[0]}–{interval[1]})"
    if share is not None and (share < NEARLY_ALL if layer is not None else not _never(share)):
        facts.append(f"in {100 * share:.0f} % of resamples")
    return ", ".join(facts)
