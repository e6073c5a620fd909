"""The exercises of notebook 7: patching."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..lens.layers import layer_spans
from ..lens.sweep_result import Sweep
from ..plots.evidence import tell_sweep
from ..plots.sweep_labels import OWN, answers_of
from .answers import WrongAnswerError, check, every_layer, finite, function, returned, tensor

_SHOWN = ("translation fr → en", "translation es → fr")
_LEAST = 10  # pairs of words


@check("07.1")
def patch(answer: object) -> str:
    """A function patch(into, given) -> into, with the last latent of given as its last."""
    patches = function(answer, "patch(into, given)")
    cases = [(torch.arange(12.0).reshape(4, 3), -torch.arange(1.0, 7).reshape(2, 3))]
    cases.append((cases[0][1], cases[0][0]))
    for into, given in cases:
        result = tensor(patches(into, given), "patch(into, given)")
        _compare(result, into, given)
    return "That one line is activation patching: the rest is reading what comes out."


def _compare(result: Tensor, into: Tensor, given: Tensor) -> None:
    """Refuse a patched output that is not the right one, by what went wrong."""
    right = torch.cat([into[:-1], given[-1:]])
    misplaced = into.clone()
    misplaced[min(len(given), len(into)) - 1] = given[-1]
    typical = {
        "Nothing was changed: return the output with the new latent in it.": into,
        "That is the other output: the whole prompt was replaced, and not one latent.": given,
        "That is only the new latent: return the whole output, with it in the last place.": (
            given[-1]
        ),
        "A patch replaces, it does not add: the old latent is gone.": torch.cat(
            [into[:-1], into[-1:] + given[-1:]]
        ),
        "That is the other way round: `into` is changed, and `given` gives its last latent.": (
            torch.cat([given[:-1], into[-1:]])
        ),
        "That changes an earlier token: the last one is at -1.": torch.cat([given[-1:], into[1:]]),
        "The latent belongs to the last token of `into`, "
        "and not at the place that it had in the other prompt.": misplaced,
    }
    if _same(result, right):
        return
    for hint, wrong in typical.items():
        if _same(result, wrong):
            raise WrongAnswerError(hint)
    raise WrongAnswerError(
        "Copy `into`, and write the last row of `given` over its last row; leave the others."
    )


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other)


@check("07.2")
def reverse(answer: object) -> str:
    """The sweep in which flower's latents go into eagle's prompt."""
    swept = _patched(answer)
    if not {"A in zh", "B in zh"} <= set(swept.labels):
        raise WrongAnswerError("Read both words: pass targets=words to ll.sweep.")
    if len(swept) != 1:
        raise WrongAnswerError("One prompt, please: eagle's.")
    (concept,), (given,) = swept.prompts["concept"], swept.prompts["source_concept"]
    if concept == given:
        raise WrongAnswerError(
            f"Here the prompt about {concept} is put into itself: take the latents of flower."
        )
    if (given, concept) == ("eagle", "flower"):
        raise WrongAnswerError(
            "That is the first run: now flower gives the latents, and eagle's prompt is changed."
        )
    if (given, concept) != ("flower", "eagle"):
        raise WrongAnswerError("Take the prompts of section 1: flower's latents into eagle's.")
    ahead = (swept.probability["B in zh"] > swept.probability["A in zh"])[0].tolist()
    if not all(ahead[-1:]):
        raise WrongAnswerError("Flower does not lead at the end: load the model again.")
    lasting = len(ahead) - ahead[::-1].index(False) if False in ahead else 0
    return (
        f"Flower takes over at layer {swept.layers[lasting]}, and stays ahead to the end. "
        "Compare with the first run."
    )


@check("07.3")
def clean_pairs(answer: object) -> str:
    """A function clean_pairs(pairs, into) -> the pairs without the language of the answer."""
    cleans = function(answer, "clean_pairs(pairs, into)")
    cases: tuple[tuple[list, tuple, list, str], ...] = (
        ([("nl", "fi"), ("es", "ru")], ("fr", "zh"), [0, 1], "Both may stay."),
        (
            [("nl", "fi"), ("zh", "es")],
            ("de", "zh"),
            [0],
            "The language of the answer leaks also as the source of a pair.",
        ),
        (
            [("es", "zh"), ("nl", "fi")],
            ("de", "zh"),
            [1],
            "The language of the answer leaks also as the target of a pair.",
        ),
        (
            [("de", "it"), ("nl", "fi")],
            ("de", "zh"),
            [0, 1],
            "The source of the changed prompts does not hold the answer: its pair may stay.",
        ),
    )
    for pairs, into, kept, hint in cases:
        result = _pairs(returned(cleans(pairs, into), "clean_pairs"))
        right = [pairs[place] for place in kept]
        if result == right:
            continue
        if result == [pair for pair in pairs if into[1] in pair]:
            hint = "Those are those that must leave."
        elif result == pairs:
            hint = f"{hint} Such a pair is still there."
        raise WrongAnswerError(f"For {pairs} and {into} it should be {right}. {hint}")
    return "ll.concept_mean refuses the others, and the pivot language as well if it is the target."


def _pairs(result: Any) -> list[tuple]:
    """Return a list of pairs as tuples, or ask for one."""
    try:
        return [tuple(pair) for pair in list(result)]
    except TypeError:
        raise WrongAnswerError("clean_pairs must return a list of pairs.") from None


@check("07.4")
def language_first(answer: object) -> str:
    """A patch across languages in which some layer brings the language and not the concept."""
    if not isinstance(answer, Sweep):
        raise WrongAnswerError("The answer is a sweep: what ll.run_sweep(...) returns.")
    if "control:" in answer.intervention:
        raise WrongAnswerError("This is a control: pass the sweep itself.")
    swept = _patched(answer)
    own = [label for label, each in answers_of(swept).items() if each.whose == OWN]
    moved = [label for label in own if answers_of(swept)[label].code != swept.target]
    if not moved:
        raise WrongAnswerError(
            "The prompts must ask for different languages: else no language can move."
        )
    if swept.origin in _SHOWN and swept.setting.title == "translation de → zh":
        raise WrongAnswerError("This notebook shows that one: choose other languages.")
    if len(swept) < _LEAST:
        raise WrongAnswerError(
            f"This sweep has {len(swept)} pairs, too few to tell: take a smaller every."
        )
    name = answers_of(swept)[moved[0]].name
    layers = tell_sweep(swept).leads[name]
    if not layers:
        raise WrongAnswerError(
            f"No layer brings the language alone with certainty ({name} never surely leads): "
            "try languages that the model knows better, or a smaller every."
        )
    said = layer_spans(layers)
    return f"{name} leads at {said}: there the language has moved, and the concept not."


def _patched(answer: object) -> Sweep:
    """Return an answer that is a sweep of patches at the last token, or ask for one."""
    if not isinstance(answer, Sweep):
        raise WrongAnswerError("The answer is a sweep: what ll.sweep(...) returns.")
    if not answer.intervention.startswith("Patch") or answer.at != "last":
        raise WrongAnswerError("Use ll.Patch at the last token.")
    if answer.onward:
        raise WrongAnswerError("Change one layer alone: leave out onward=.")
    every_layer(answer.layers)
    for values in answer.probability.values():
        finite(values)
    return answer
