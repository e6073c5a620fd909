"""Titles: one sentence made from the numbers by a rule, which never says more than they allow.

A ``Story`` holds what is certain of some curves; ``languages_message`` puts it into words.
Certain means: the band of a difference that holds at all layers at once leaves zero out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..analysis.turns import Turns
from ..lens.layers import layer_spans
from .text import percent

FLOOR = 0.01  # below it, a curve cannot be told from zero in a figure
_MOST_SPANS = 3


@dataclass(frozen=True)
class Story:
    """What the curves of a run say.

    ``pivot``, ``target``, ``source``: names; ``source`` is empty where there is none.
    ``peak``, ``at``: the highest mean P(pivot) and its layer.
    ``other``: the highest mean probability of another concept's words in the pivot language, or
    None if it was not measured.
    ``clear``: whether P(pivot) is certainly above that (or above 1 %) where it is highest.
    ``above``: whether its mean is above that at any layer.
    ``pivot_leads``, ``source_leads``: the layers in which one is certainly above the others.
    ``target_from``: the first layer from which the target is certainly above the pivot, and the
    source, to the end.
    ``last``, ``layers``: the mean P(target) at the last layer, and the first and last layer.
    ``given``: what a control changes (``naming.given``).
    """

    pivot: str
    target: str
    source: str = ""
    peak: float = 0.0
    at: int = 1
    other: float | None = None
    clear: bool = False
    above: bool = True
    pivot_leads: tuple[int, ...] = ()
    source_leads: tuple[int, ...] = ()
    target_from: int | None = None
    last: float = 0.0
    layers: tuple[int, int] = (1, 1)
    given: str = ""


def languages_message(story: Story) -> str:
    """Return the title of curves of P(language): always pivot, target, source in this order.

    >>> story = Story("English", "Chinese", peak=0.09, at=16, other=0.004, clear=True)
    >>> languages_message(story)
    'English rises to 9 % at layer 16; neither language clearly leads at the end'
    """
    parts = [_rise_part(story)]
    if story.pivot != story.target:
        parts = [_pivot_part(story), _target_part(story)]
    return sentence([*parts, *_source_part(story)], story.given)


def copy_part(source: str, layers: Iterable[int]) -> str:
    """Return where copy leads (``Phases.copy``), or nothing.

    >>> copy_part("French", [3, 4, 5])
    'a copy of the French word leads at layers 3–5'
    """
    where = spans(layers)
    return f"a copy of the {source} word leads at {where}" if where else ""


def sphere_message(turns: Turns, layers: tuple[int, ...], target: str, pivot: str) -> str:
    """Return the title of a path on the sphere: where it turns, beyond what is read by chance.

    >>> turns = Turns(concept=(3, 4, 5), target=(5,), pivot=(), peak=4)
    >>> sphere_message(turns, (1, 2, 3, 4, 5), "Chinese", "English")
    'The path turns to the concept from layer 3 (furthest at 4); to Chinese at layer 5'
    """
    if not turns.concept:
        return "The path never leaves what is read by chance: no sign of the concept"
    peak = "there" if turns.peak == turns.concept[0] else f"at {turns.peak}"
    furthest = f" (furthest {peak})" if len(turns.concept) > 1 else ""
    parts = [f"the path turns to the concept {_where(turns.concept, layers)}{furthest}"]
    for name, at in ((pivot, turns.pivot), (target, turns.target)):
        parts += [f"to {name} {_where(at, layers)}"] if at else []
    if turns.target is not None and len(parts) == 1:
        parts.append(f"never clearly to {target} or {pivot}")
    if turns.step is not None:
        side = {"target": target, "pivot": pivot}[turns.towards]
        parts.append(f"its longest step sideways, to layer {turns.step}, is towards {side}")
    return sentence(parts)


def _where(some: tuple[int, ...], layers: tuple[int, ...]) -> str:
    """Return layers in words: from one on, if they are all up to the end."""
    if len(some) > 1 and some == layers[-len(some) :]:
        return "at every layer" if some == layers else f"from layer {some[0]}"
    return f"at {spans(some)}"


def map_message(stress: float, shuffled: float) -> str:
    """Return the title of a flat map: how much of the distances it keeps, by its stress.

    >>> map_message(0.9, 0.94)
    'The map keeps little of the distances: stress 0.90, with shuffled distances 0.94'
    """
    kept = "nearly all"
    for limit, words in ((0.1, "most"), (0.3, "a part"), (0.7, "little")):
        if stress > limit:
            kept = words
    if stress > shuffled - 0.02:
        kept = "nothing"
    return f"The map keeps {kept} of the distances: stress {stress:.2f}, with shuffled " + (
        f"distances {shuffled:.2f}"
    )


def _source_part(story: Story) -> list[str]:
    """Return where the source is certainly ahead: not the rule of "copy leads", nor its words."""
    where = spans(story.source_leads)
    return [f"{story.source}, the source, leads at {where}"] if where else []


def _pivot_part(story: Story) -> str:
    if story.pivot_leads:
        lead = f"{story.pivot} leads at {spans(story.pivot_leads)}"
        if story.at in story.pivot_leads:
            return f"{lead}, up to {share(story.peak)}"
        return f"{lead} and reaches {share(story.peak)} at layer {story.at}"
    return _rise_part(story)


def _rise_part(story: Story) -> str:
    """Return how far a curve rises above its yardstick, or that it does not."""
    name = story.pivot
    if story.clear:
        return f"{name} rises to {share(story.peak)} at layer {story.at}"
    if story.other is None:
        return f"no clear sign of {name}: at most {share(story.peak)}, at layer {story.at}"
    if not story.above:
        return f"no sign of {name}: never above another word's {share(story.other)}"
    return (
        f"no clear sign of {name}: {share(story.peak)} at layer {story.at}, "
        f"another word's {share(story.other)}"
    )


def _target_part(story: Story) -> str:
    first, last = story.layers
    if story.target_from is not None:
        if story.target_from <= first:
            return f"{story.target} leads at every layer"
        return f"{story.target} leads from {story.target_from}"
    if story.pivot_leads and story.pivot_leads[-1] == last:
        return f"{story.target} ends at {share(story.last)}"
    if story.source_leads and story.source_leads[-1] == last:
        return f"{story.target} ends at {share(story.last)}"
    return "neither language clearly leads at the end"


def sentence(parts: Iterable[str], given: str = "") -> str:
    """Return parts as one sentence that begins with a capital, after the condition that is given.

    >>> sentence(["", "no sign", "it ends"]), sentence(["no sign"], "with noise")
    ('No sign; it ends', 'With noise, no sign')
    """
    text = "; ".join(part for part in parts if part)
    text = f"{given}, {text}" if given else text
    return text[:1].upper() + text[1:]


def spans(layers: Iterable[int]) -> str:
    """Return layers in words, not one by one if they are scattered; nothing for none.

    >>> spans([12, 13, 14, 17]), spans([1, 3, 5, 7])
    ('layers 12–14, 17', '4 layers from 1 to 7')
    """
    numbers = sorted(set(layers))
    text = layer_spans(numbers)
    if text.count(",") < _MOST_SPANS:
        return text
    return f"{len(numbers)} layers from {numbers[0]} to {numbers[-1]}"


def share(value: float) -> str:
    """Return a share as a sentence names it: whole per cent, more digits near 0 and 1.

    >>> share(0.094), share(0.0044), share(0.00002), share(0.996), share(0.0)
    ('9 %', '0.44 %', '0.002 %', '99.6 %', '0 %')
    """
    rounded = float(f"{value:.2g}")
    if value >= 0.0095:
        rounded = round(value, 2 if value < 0.995 else 3)
    return percent(rounded).replace("%", " %")
