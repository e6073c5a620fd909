"""The exercises of notebook 8: steering and erasing."""

from __future__ import annotations

import torch

from ..lens.layers import layer_spans
from ..lens.sweep_result import Sweep
from ..plots.evidence import tell_sweep
from ..plots.sweep_labels import OWN, answers_of
from .answers import (
    WrongAnswerError,
    check,
    close,
    every_layer,
    finite,
    function,
    returned,
    tensor,
)

_LEAST = 8  # prompts


@check("08.1")
def erase_by_hand(answer: object) -> str:
    """A function erase_by_hand(h, u) -> the vector h without its part along u."""
    erase = function(answer, "erase_by_hand(h, u)")
    cases = (
        ((3.0, 8.0), (1.0, 0.0)),
        ((1.0, 2.0), (3.0, 4.0)),
        ((2.0, -1.0, 0.5), (0.0, 2.0, 2.0)),
    )
    for h, u in (map(torch.tensor, case) for case in cases):
        result = tensor(returned(erase(h.clone(), u.clone()), "erase_by_hand"), "erase_by_hand")
        part = (h @ u) / (u @ u) * u
        typical = {
            "u may have any length: divide by u·u.": h - (h @ u) * u,
            "That is the part along u itself: take it away from h.": part,
            "Divide by u·u once, not by the length of u: u stands there twice.": (
                h - (h @ u) / u.norm() * u
            ),
            "Take the part away: minus, not plus.": h + part,
        }
        if _alike(result, h - part):
            continue
        for hint, wrong in typical.items():
            if _alike(result, wrong):
                raise WrongAnswerError(hint)
        raise WrongAnswerError(
            f"For h = {h.tolist()} and u = {u.tolist()} it should be {(h - part).tolist()}: take "
            "(h·u) / (u·u) · u away from h."
        )
    return "The rest is at right angles to u. That is what ll.Erase does, for several directions."


@check("08.2")
def naive_number(answer: object) -> str:
    """Change of h·z for h = (2, 1), z = (1, 0) when e = (0.6, 0.8) is erased."""
    typical = {
        "The dot product is smaller after the erasure: mind the sign.": 1.2,
        "That is the dot product after the erasure: take what it was, 2, away.": 0.8,
        "That is the change with the English row: ask about the Chinese row.": -2.0,
        "That is the cosine of the two rows: the English part of h has the length 2.": -0.6,
        "It would be 0 if the two rows were at right angles, and their cosine is 0.6.": 0.0,
    }
    praise = (
        "It is −(h·e)(e·z): as much as English there is, times the cosine of the two rows. "
        "This part of the fall says nothing about a use of English."
    )
    way = "Take (h·e)e away from h, and compare the dot products with z."
    return close(answer, -1.2, praise, typical, way, 0.01)


@check("08.3")
def conclusion(answer: object) -> str:
    """The letter of the sentence that the test bears out."""
    letter = str(answer).strip().lower()
    hints = {
        "a": "The words of other languages do the same, so this is not about English alone.",
        "b": "Without the English word the answer is worse, and the fall is certain.",
        "d": "By this test every word that is similar to the target's would be a pivot.",
    }
    if letter in hints:
        raise WrongAnswerError(hints[letter])
    if letter != "c":
        raise WrongAnswerError("The answer is one letter: 'a', 'b', 'c' or 'd'.")
    return "It says what was measured, and what the controls leave of it."


@check("08.4")
def own_direction(answer: object) -> str:
    """A steering sweep in which the right word of the new language leads at some layer."""
    if not isinstance(answer, Sweep):
        raise WrongAnswerError("The answer is a sweep: what ll.run_sweep(...) returns.")
    if "control:" in answer.intervention:
        raise WrongAnswerError("This is a control: pass the sweep itself.")
    if not answer.intervention.startswith("Steer") or answer.onward:
        raise WrongAnswerError('Use ll.run_sweep(model, "steer", ...), one layer at a time.')
    every_layer(answer.layers)
    for values in answer.probability.values():
        finite(values)
    words = {each.code: each.name for each in answers_of(answer).values() if each.whose == OWN}
    new = [code for code in words if code != answer.target]
    if len(new) != 1:
        raise WrongAnswerError("The vector must lead to another language than the prompts ask for.")
    if (answer.setting.title, new[0]) == ("translation en → fr", "zh"):
        raise WrongAnswerError("This notebook shows that one: choose other languages.")
    if len(answer) < _LEAST:
        raise WrongAnswerError(
            f"This sweep has {len(answer)} prompts, too few to tell: take a smaller every."
        )
    layers = tell_sweep(answer).leads.get(words[new[0]], ())
    if not layers:
        raise WrongAnswerError(
            f"At no layer {words[new[0]]} surely leads: try languages that the model knows better, "
            "or a smaller every."
        )
    return f"{words[new[0]]} leads at {layer_spans(layers)}, for words that the vector never saw."


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.float(), other, atol=1e-4)
