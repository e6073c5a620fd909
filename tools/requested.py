"""The questions whose answers are stored, and the place that shows each answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from latentlang.models.catalogue import PACKAGED
from latentlang.runs.pivot_experiment import asked_pivot
from latentlang.verdict import atlas
from latentlang.verdict.experiments import arguments_of

from .measure import FIVE

LARGER = "qwen2.5-coder-1.5b-instruct"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Request:
    """A question to store: its arguments, the place that shows the answer, and of which model."""

    place: str
    arguments: dict
    model: str = LARGER

    @property
    def question(self) -> str:
        """The same text for all requests that one answer serves, whatever their places are."""
        usual = {"seed": 0, "lens": None, "source": None, "every": 1, "concepts": ()}
        return json.dumps({**usual, **self.arguments, "model": self.model}, sort_keys=True)


def _runs(
    place: str, model: str, pairs: Iterable[Pair], *lenses: str | None
) -> tuple[Request, ...]:
    """Return translations of some pairs, through the logit lens or through each of some lenses."""
    about = {"task": "translation", "every": 4}
    return tuple(
        Request(place, {**about, "source": source, "target": target, "lens": lens}, model)
        for source, target in pairs
        for lens in lenses or (None,)
    )


def _patch(place: str, model: str, given: Pair, into: Pair) -> Request:
    arguments = {"protocol": "patch", "source": given, "into": into, "every": 4}
    return Request(place, arguments, model)


def _pivot_test(model: str, source: str, target: str) -> Request:
    return Request("notebook_08", {"source": source, "target": target, "every": 4}, model)


# The pairs whose verdicts notebook 10 shows.
VERDICTS = (
    (PACKAGED, "fr", "zh"),
    (PACKAGED, "ru", "zh"),
    (PACKAGED, "de", "zh"),
    (LARGER, "fr", "de"),
    (LARGER, "fr", "zh"),
)


def _of_verdicts(*names: str) -> tuple[Request, ...]:
    """Return some of the experiments that verdicts ask for, by the names of ``Experiments``."""
    asked = ((model, arguments_of(asked_pivot(*pair, every=4))) for model, *pair in VERDICTS)
    return tuple(
        Request("notebook_10", arguments[name], model)
        for model, arguments in asked
        for name in names
    )


_FITTED = ("linear", "tuned", "patchscope")
_TO_CHINESE = (("fr", "zh"), ("de", "zh"), ("ru", "zh"))
_STEERED = {"source": ("en", "zh"), "into": ("en", "fr"), "every": 12, "continue_tokens": 6}

# Concepts of the paper and of the README that are not among every fourth one: no mean holds them.
# Of eagle we have no cloze sentence.
_SINGLY = {
    "translation": ("flower", "eagle"),
    "repetition": ("flower", "eagle"),
    "cloze": ("flower",),
}
# Everything that the front page shows: the pairs of the paper's languages, and its two controls.
_QUESTIONS = (
    *({"task": "translation", "source": a, "target": b} for a, b in permutations(FIVE, 2)),
    *({"task": task, "target": code} for task in ("repetition", "cloze") for code in FIVE),
)
_FRONT = tuple(
    Request("front", {**question, **about}, model)
    for model in (PACKAGED, LARGER)
    for question in _QUESTIONS
    for about in ({"every": 4}, {"concepts": _SINGLY[question["task"]]})
)

# Arguments of `ll.run_experiment`.
RUNS = (
    *_FRONT,
    *_runs("notebook_02", LARGER, (("fr", "de"), ("fr", "zh"))),
    *_runs("notebook_04", LARGER, (("de", "zh"), ("ru", "zh"))),
    *_runs("notebook_04", PACKAGED, permutations(FIVE, 2)),
    *_runs("notebook_09", PACKAGED, _TO_CHINESE, None, *_FITTED, "jacobian", "linear-shuffled"),
    *_runs("notebook_09", LARGER, (("fr", "de"), ("fr", "zh")), None, *_FITTED),
    *_of_verdicts("readings", "lenses"),
    *(
        request
        for model in atlas.MODELS
        for request in _runs("atlas", model, [atlas.PAIR], None, *atlas.LENSES)
    ),
)

# Arguments of `ll.run_sweep`.
SWEEPS = (
    _patch("notebook_07", LARGER, ("fr", "en"), ("de", "zh")),
    _patch("notebook_07", PACKAGED, ("fr", "en"), ("de", "zh")),
    _patch("notebook_07", PACKAGED, ("es", "fr"), ("de", "zh")),
    Request("notebook_08", {"protocol": "steer", **_STEERED}, PACKAGED),
    *_of_verdicts("patching"),
    *(_patch("atlas", model, atlas.GIVEN, atlas.INTO) for model in atlas.MODELS),
)

# Arguments of `ll.run_retrieval`.
RETRIEVALS = _of_verdicts("retrieval")

# Arguments of `ll.pivot_test`.
PIVOT_TESTS = (
    _pivot_test(LARGER, "de", "zh"),
    _pivot_test(LARGER, "fr", "de"),
    _pivot_test(PACKAGED, "fr", "de"),
    *_of_verdicts("erasing"),
)
