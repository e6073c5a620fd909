"""The quantities that the hypotheses disagree about, with the smallest effect that counts.

``measures.py`` has a function for each row of ``QUANTITIES``, under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A number that some hypotheses disagree about.

    ``experiment``: the one that gives the number. ``compares``: what is subtracted from what, with
    the place where it is read. ``least``: the smallest effect that counts, in probability, in the
    share of concepts retrieved, or in log-odds. The texts name the languages in braces.
    """

    experiment: str
    compares: str
    least: float


_PEAK = "at the layer of {pivot}'s peak, chosen on the other half of the concepts"
# Where English is nowhere, its peak is at any layer, and the source must be looked for itself.
_BOTH = "at the layer where both together peak, chosen on the other half of the concepts"
# In log-odds a fall from 0.99 to 0.9 counts as much as one from 0.1 to 0.01. An effect of 0.1 is
# about a tenth of the odds.
_FALL = "fall of the log-odds of {target}"
_ODDS = 0.1
_CEILING = "each minus its ceiling (the best layer of the language's own repetition task)"

QUANTITIES = {
    "pivot over target": Quantity(
        "readings", f"P({{pivot}}) - P({{target}}), logit lens, {_PEAK}", 0.01
    ),
    "pivot over source": Quantity(
        "readings", f"P({{pivot}}) - P({{source}}), logit lens, {_BOTH}", 0.01
    ),
    "pivot over others": Quantity(
        "retrieval", f"P({{pivot}}) - the largest P of {{others}}, logit lens, {_PEAK}", 0.01
    ),
    "source over others": Quantity(
        "retrieval", f"P({{source}}) - the largest P of {{others}}, logit lens, {_BOTH}", 0.01
    ),
    "pivot retrieved beyond others": Quantity(
        "retrieval",
        f"retrieval in {{pivot}} - the largest retrieval in {{others}}, {_CEILING}, {_PEAK}",
        0.1,
    ),
    "others retrieved unequally": Quantity(
        "retrieval", f"the largest difference between two of {{others}}, {_CEILING}, {_PEAK}", 0.1
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
        f"{_FALL} when the {{pivot}} word is erased - the largest fall of any control "
        "(another {pivot} word, the word in {source} and {others}; random directions in the lower "
        "end only)",
        _ODDS,
    ),
    "pivot's own part erased": Quantity(
        "erasing",
        f"{_FALL} when the part of the {{pivot}} word at right angles to the {{target}} word is "
        "erased - the fall of another {pivot} word (random directions in the lower end only)",
        _ODDS,
    ),
    "source erased beyond pivot": Quantity(
        "erasing",
        f"{_FALL} when the {{source}} word is erased - when the {{pivot}} word is erased",
        _ODDS,
    ),
    "others erased beyond random": Quantity(
        "erasing",
        f"mean {_FALL} when the word in {{others}} is erased - when random directions are",
        _ODDS,
    ),
}
