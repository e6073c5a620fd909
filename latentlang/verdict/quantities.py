"""The quantities that the hypotheses disagree about, with the smallest effect that counts.

``measures.py`` has a function for each row of ``QUANTITIES``, under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass


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
