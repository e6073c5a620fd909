"""The four hypotheses as data: what each predicts of each quantity.

A quantity is a row of ``QUANTITIES``, and ``measures.py`` has a function of its name. A prediction
is a row of ``PREDICTIONS``. Where a hypothesis says nothing about a quantity, there is no row.
"""

from __future__ import annotations

from dataclasses import dataclass

HYPOTHESES = {
    "pivot": "The model computes the answer through the English word.",
    "hub": "The middle layers hold the meaning in no language's words.",
    "copy": "The middle layers carry the source word, and what looks like meaning is its copy.",
    "artefact": "The lens shows English because the output layer prefers it.",
}


@dataclass(frozen=True)
class Quantity:
    """A number that some hypotheses disagree about.

    ``experiment``: the one that gives the number. ``compares``: what is subtracted from what, with
    the place where it is read. ``least``: the smallest effect that counts, in probability or in the
    share of concepts retrieved. The texts name the languages in braces.
    """

    experiment: str
    compares: str
    least: float


_PEAK = "at the layer of {pivot}'s peak, chosen on the other half of the concepts"
# Where English is nowhere, its peak is at any layer, and the source must be looked for itself.
_BOTH = "at the layer where both together peak, chosen on the other half of the concepts"
_CEILING = "each minus its ceiling (the best layer of the language's own repetition task)"

QUANTITIES = {
    "pivot over target": Quantity(
        "readings", f"P({{pivot}}) - P({{target}}), logit lens, {_PEAK}", 0.01
    ),
    "pivot over source": Quantity(
        "readings", f"P({{pivot}}) - P({{source}}), logit lens, {_BOTH}", 0.01
    ),
    "pivot over others": Quantity(
        "retrieval", f"P({{pivot}}) - mean P({{others}}), logit lens, {_PEAK}", 0.01
    ),
    "pivot retrieved beyond others": Quantity(
        "retrieval",
        f"retrieval in {{pivot}} - mean retrieval in {{others}}, {_CEILING}, {_PEAK}",
        0.1,
    ),
    "source retrieved beyond pivot": Quantity(
        "retrieval",
        f"retrieval in {{source}} - retrieval in {{pivot}}, {_CEILING}, {_BOTH}",
        0.1,
    ),
    "pivot over target, linear lens": Quantity(
        "lenses",
        "P({pivot}) - P({target}), linear lens, at the layer of {pivot}'s peak in the logit lens, "
        "chosen on the other half of the concepts",
        0.01,
    ),
    "pivot uninvited": Quantity(
        "patching",
        "P({pivot}) after a {source} to {third} prompt is patched into a {source} to {target} one "
        "- P({pivot}) without the patch, at the layer where this is largest, chosen on the other "
        "half of the concepts",
        0.01,
    ),
    "language without concept": Quantity(
        "patching",
        "P(the changed prompt's concept in {third}) after the same patch - the same without it, at "
        "the layer where this is largest, chosen on the other half of the concepts",
        0.01,
    ),
    "pivot erased beyond controls": Quantity(
        "erasing",
        "fall of P({target}) when the {pivot} word is erased - the largest fall of any control "
        "(another {pivot} word, the word in {source} and {others}, random directions)",
        0.01,
    ),
    "source erased beyond pivot": Quantity(
        "erasing",
        "fall of P({target}) when the {source} word is erased - when the {pivot} word is erased",
        0.01,
    ),
    "others erased beyond random": Quantity(
        "erasing",
        "mean fall of P({target}) when the word in {others} is erased - when random directions are",
        0.01,
    ),
}


@dataclass(frozen=True)
class Prediction:
    """What a hypothesis expects of a quantity, and why, in a plain sentence.

    ``expects``: see ``judge``.
    """

    hypothesis: str
    quantity: str
    expects: str
    sentence: str


PREDICTIONS = (
    Prediction(
        "pivot",
        "pivot over target",
        "above",
        "In the middle, {pivot} is more probable than {target}.",
    ),
    Prediction(
        "pivot",
        "pivot over source",
        "above",
        "In the middle, {pivot} is more probable than {source}.",
    ),
    Prediction(
        "pivot",
        "pivot over others",
        "above",
        "In the middle, {pivot} is more probable than languages that nobody asks for.",
    ),
    Prediction(
        "pivot",
        "pivot over target, linear lens",
        "above",
        "The order of {pivot} and {target} survives the linear lens.",
    ),
    Prediction(
        "pivot",
        "pivot retrieved beyond others",
        "above",
        "{pivot} words tell the concept better than words of other languages.",
    ),
    Prediction(
        "pivot",
        "source retrieved beyond pivot",
        "not above",
        "{source} words tell the concept no better than {pivot} words.",
    ),
    Prediction(
        "pivot",
        "pivot uninvited",
        "may be above",
        "{pivot} may appear in the answer although no prompt asks for it.",
    ),
    Prediction(
        "pivot",
        "pivot erased beyond controls",
        "above",
        "The answer needs the {pivot} word more than any control.",
    ),
    Prediction(
        "pivot",
        "source erased beyond pivot",
        "not above",
        "The answer needs the {source} word no more than the {pivot} word.",
    ),
    Prediction(
        "hub",
        "pivot over others",
        "not above",
        "In the middle, {pivot} is no more probable than languages that nobody asks for.",
    ),
    Prediction(
        "hub",
        "pivot retrieved beyond others",
        "not above",
        "{pivot} words tell the concept no better than words of other languages.",
    ),
    Prediction(
        "hub",
        "source retrieved beyond pivot",
        "not above",
        "{source} words tell the concept no better than {pivot} words.",
    ),
    Prediction(
        "hub",
        "pivot uninvited",
        "not above",
        "{pivot} does not appear in the answer if no prompt asks for it.",
    ),
    Prediction(
        "hub",
        "language without concept",
        "above",
        "A patch can change the language of the answer and leave its concept.",
    ),
    Prediction(
        "hub",
        "pivot erased beyond controls",
        "not above",
        "The answer needs the {pivot} word no more than the controls.",
    ),
    Prediction(
        "hub",
        "source erased beyond pivot",
        "not above",
        "The answer needs the {source} word no more than the {pivot} word.",
    ),
    Prediction(
        "hub",
        "others erased beyond random",
        "may be above",
        "The answer may need what the words of all languages share.",
    ),
    Prediction(
        "copy",
        "pivot over source",
        "below",
        "In the middle, {pivot} is less probable than {source}.",
    ),
    Prediction(
        "copy",
        "source retrieved beyond pivot",
        "above",
        "{source} words tell the concept better than {pivot} words.",
    ),
    Prediction(
        "copy",
        "pivot retrieved beyond others",
        "not above",
        "{pivot} words tell the concept no better than words of other languages.",
    ),
    Prediction(
        "copy",
        "pivot uninvited",
        "not above",
        "{pivot} does not appear in the answer if no prompt asks for it.",
    ),
    Prediction(
        "copy",
        "source erased beyond pivot",
        "may be above",
        "The answer may need the {source} word more, although layers of {pivot} are erased.",
    ),
    Prediction(
        "copy",
        "pivot erased beyond controls",
        "not above",
        "The answer needs the {pivot} word no more than the controls.",
    ),
    Prediction(
        "artefact",
        "pivot over target",
        "above",
        "The logit lens shows {pivot} above {target} in the middle.",
    ),
    Prediction(
        "artefact",
        "pivot over others",
        "above",
        "The logit lens shows {pivot} above languages that nobody asks for.",
    ),
    Prediction(
        "artefact",
        "pivot over target, linear lens",
        "not above",
        "The order of {pivot} and {target} does not survive the linear lens.",
    ),
    Prediction(
        "artefact",
        "pivot retrieved beyond others",
        "not above",
        "Without the bias of the output layer, {pivot} words tell no more than others.",
    ),
    Prediction(
        "artefact",
        "pivot erased beyond controls",
        "not above",
        "The answer needs the {pivot} word no more than the controls.",
    ),
)
