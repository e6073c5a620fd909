"""The title of a sweep: one sentence about which layers change the answer, and to what.

A ``SweepStory`` holds what is certain of a sweep; ``sweep_message`` puts it into words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .messages import sentence, share, spans

_MOST_LEADS = 3


@dataclass(frozen=True)
class Turn:
    """At which layers a change gives the answer another language (or concept), or leaves it.

    ``away``: the layers at which it is certainly another one. ``stays``: those at which it is
    certainly that of the prompt.
    """

    away: tuple[int, ...] = ()
    stays: tuple[int, ...] = ()


@dataclass(frozen=True)
class SweepStory:
    """What the curves of a sweep say.

    ``layers``: the layers that were changed, ``onward``: each with all later ones.
    ``turns``: of ``"language"`` and ``"concept"``, where the labels tell two of them apart.
    ``leads``: by the name of a curve, the layers at which it is certainly above all others.
    ``answer``: the name of the curve that is highest without a change, with its mean ``before``;
    ``lowest``, ``at``: its lowest mean among the layers that certainly lower it, and that layer.
    """

    layers: tuple[int, ...]
    onward: bool = False
    turns: Mapping[str, Turn] = field(default_factory=dict)
    leads: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    answer: str = ""
    before: float = 0.0
    lowest: float | None = None
    at: int = 0


def sweep_message(story: SweepStory) -> str:
    """Return the title of a sweep.

    >>> turns = {"language": Turn((3, 4, 5), (1, 2)), "concept": Turn((5,), (1, 2, 3, 4))}
    >>> sweep_message(SweepStory((1, 2, 3, 4, 5), turns=turns))
    'The language changes from layer 3, the concept at layer 5'
    """
    changed = {name: turn for name, turn in story.turns.items() if turn.away}
    if changed:
        return sentence([_changes(changed, story), *_rest(changed, story)])
    if not story.turns and story.leads:
        parts = [f"{name} leads {_where(at, story)}" for name, at in story.leads.items() if at]
        if parts:
            return sentence(parts[:_MOST_LEADS])
    if story.lowest is not None:
        fall = f"from {share(story.before)} to {share(story.lowest)} at layer {story.at}"
        return sentence([f"{story.answer} falls {fall}", *_rest({}, story)])
    return "No layer clearly changes the answer"


def _changes(changed: Mapping[str, Turn], story: SweepStory) -> str:
    """Return where language and concept change, the earlier one first."""
    if len(changed) == 2 and len({turn.away for turn in changed.values()}) == 1:
        return f"language and concept change together, {_where(changed['concept'].away, story)}"
    order = sorted(changed, key=lambda name: changed[name].away[0])
    first, *later = (f"the {name}{{}} {_where(changed[name].away, story)}" for name in order)
    return ", ".join([first.format(" changes"), *(part.format("") for part in later)])


def _rest(changed: Mapping[str, Turn], story: SweepStory) -> list[str]:
    """Return what language or concept do where only the other one changes.

    That one stays is said of all layers at which the other changes, or of all there are.
    """
    layers = {layer for turn in changed.values() for layer in turn.away} or set(story.layers)
    rest = [name for name in story.turns if name not in changed]
    stay = [name for name in rest if layers <= set(story.turns[name].stays)]
    if len(stay) == 2:
        return ["language and concept stay"]
    if not changed:
        return [f"the {name} stays" for name in stay]
    return [f"the {name} {'stays' if name in stay else 'never clearly does'}" for name in rest]


def _where(some: tuple[int, ...], story: SweepStory) -> str:
    """Return layers in words: from one on, if they are all up to the end."""
    start = "for starts " if story.onward else ""
    if len(some) > 1 and some == story.layers:
        return f"{start}at every layer"
    if len(some) > 1 and some == story.layers[-len(some) :]:
        return f"{start}from layer {some[0]}"
    return f"{start}at {spans(some)}"
