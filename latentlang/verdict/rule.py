"""The rule that says for, against or undecided from a 95 % interval and a smallest effect.

An interval that leaves zero out shows that there is an effect, and not that it matters. So each
quantity has a smallest effect that counts, ``least``. An effect is shown when the interval is above
zero and reaches ``least``. It is ruled out when the whole interval is below ``least``. Everything
else is undecided: the concepts are too few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FOR, AGAINST, UNDECIDED, NOT_MEASURED = "for", "against", "undecided", "not measured"
# What a hypothesis can expect of a quantity, in the words of the table.
EXPECTATIONS = {
    "above": "above {least:g}",
    "below": "below -{least:g}",
    "not above": "not above {least:g}",
    "may be above": "may be above {least:g}",
}


@dataclass(frozen=True)
class Measured:
    """A mean over ``n`` concepts, with its 95 % interval (bootstrap over concepts).

    ``layers``: where it was read, in words; an empty text if it is about no single layer.
    """

    value: float
    lower: float
    upper: float
    n: int
    layers: str = ""


def judge(expects: str, measured: Measured, least: float) -> str:
    """Return what a measured quantity says about an expectation.

    Args:
        expects: ``"above"``: the quantity is at least ``least``. ``"below"``: it is at most
            ``-least``. ``"not above"``: the opposite of ``"above"``. ``"may be above"``: an effect
            speaks for the hypothesis, and its absence does not speak against it.
        measured: the quantity, with its interval.
        least: the smallest effect that counts, in the unit of the quantity.

    Returns:
        ``"for"``, ``"against"`` or ``"undecided"``. A single concept has no interval, and decides
        nothing.

    >>> judge("above", Measured(0.2, 0.1, 0.3, 20), 0.01)
    'for'
    >>> judge("not above", Measured(0.001, -0.002, 0.004, 20), 0.01)
    'for'
    >>> judge("above", Measured(0.02, -0.03, 0.07, 20), 0.01)
    'undecided'
    """
    if expects == "below":
        mirrored = Measured(-measured.value, -measured.upper, -measured.lower, measured.n)
        return judge("above", mirrored, least)
    if math.isnan(measured.lower):
        return UNDECIDED
    ruled_out = measured.upper < least
    shown = measured.lower > 0 and not ruled_out
    if expects == "not above":
        ruled_out, shown = shown, ruled_out
    if shown:
        return FOR
    return AGAINST if ruled_out and expects != "may be above" else UNDECIDED
