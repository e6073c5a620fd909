"""The protocols of ``run_sweep``: which prompts are changed, by what, and what is read.

A new protocol is a function here and a row of ``PROTOCOLS``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import DataError
from ..lens.interventions import Erase, Patch, Steer
from ..lens.latents import latents_at
from ..lens.means import concept_mean, language_vector
from ..lens.pairs import pairs
from ..lens.tensors import YARDSTICK
from ..models.model import Model
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.words import language

Targets = dict[str, list[frozenset[int]]]


@dataclass(frozen=True)
class Material:
    """What a protocol works with.

    ``given``: the prompts that latents, directions or words come from, one set per source.
    ``into``: the prompts that are changed. ``code``: the language whose words are erased.
    """

    given: tuple[PromptSet, ...]
    into: PromptSet
    code: str
    at: str | int
    seed: int


@dataclass(frozen=True)
class Plan:
    """The arguments of a sweep: the prompts, their change, and the sets of tokens that are read.

    ``origin``: what a change comes from that has no latents.
    """

    prompts: PromptSet
    intervention: Any
    targets: Targets
    origin: str = ""


def patch(model: Model, material: Material) -> Plan:
    """Put the latents of one prompt into another one, which asks about another concept."""
    (given,) = material.given
    paired = pairs(given, material.into, model=model, seed=material.seed)
    latents = latents_at(model, paired.source, material.at)
    return Plan(paired.into, Patch(latents), dict(paired.targets))


def concept_mean_patch(model: Model, material: Material) -> Plan:
    """Put the mean of a concept's latents over several sources into a prompt about another one.

    The languages of the sources differ, so only the words of the changed prompts' target are read.
    """
    shared = set.intersection(*({prompt.concept for prompt in each} for each in material.given))
    sets = [each.about(shared) for each in material.given]
    target = material.into.target
    means = concept_mean(model, sets, target=target, at=material.at)
    paired = pairs(sets[0], material.into, model=model, seed=material.seed)
    concepts = [prompt.concept for prompt in paired.source]
    ours = {name: ids for name, ids in paired.targets.items() if name.endswith(f" in {target}")}
    return Plan(paired.into, Patch(means[concepts]), ours)


def steer(model: Model, material: Material) -> Plan:
    """Add the difference between two languages, made from half of the concepts, to the other half.

    Read are the right word in both languages, and another concept's word in the new one.
    """
    (towards,), away = material.given, material.into
    shared = [prompt.concept for prompt in away if prompt.concept in towards]
    order = random.Random(f"{material.seed}|steer").sample(shared, len(shared))
    made_from, rest = order[: len(order) // 2], set(order[len(order) // 2 :])
    new, old = towards.target, away.target
    sets = {
        prompt.concept: _apart(
            {
                new: towards[prompt.concept].token_ids[new],
                old: prompt.token_ids[old],
                f"{YARDSTICK}{new}": _yardstick(towards[prompt.concept], new),
            }
        )
        for prompt in away.about(rest)
    }
    tested = away.about(concept for concept, each in sets.items() if each)
    if not made_from or not len(tested):
        raise DataError(
            "Too few concepts are left to make a vector from some and to test it on others: "
            "take a smaller every."
        )
    vector = language_vector(model, away.about(made_from), towards.about(made_from))
    return Plan(tested, Steer(vector, at=material.at), _columns(sets, tested))


def erase(model: Model, material: Material) -> Plan:
    """Project the latent off the words of one language, each prompt off the word of its concept.

    The prompts whose words are spelled alike are left out. Read are the target's word, the erased
    one, and another concept's word in the target.
    """
    (words,), code = material.given, material.code
    into, target = material.into.without_cognates(), material.into.target
    sets = {
        prompt.concept: _apart(
            {
                target: prompt.token_ids[target],
                code: words[prompt.concept].token_ids[code],
                f"{YARDSTICK}{target}": _yardstick(prompt, target),
            }
        )
        for prompt in into
        if prompt.concept in words
    }
    tested = into.about(concept for concept, each in sets.items() if each)
    if not len(tested):
        raise DataError(f"No concept is left whose '{code}' word can be erased: ask about more.")
    rows = [model.folded_unembedding(sorted(sets[prompt.concept][code])) for prompt in tested]
    origin = f"the word in {language(code)['name']}"
    return Plan(tested, Erase(rows, at=material.at), _columns(sets, tested), origin)


PROTOCOLS: dict[str, Callable[[Model, Material], Plan]] = {
    "patch": patch,
    "concept_mean": concept_mean_patch,
    "steer": steer,
    "erase": erase,
}


def _yardstick(prompt: Prompt, code: str) -> frozenset[int]:
    """Return the tokens of another concept's word in a language; none if there is none."""
    return prompt.yardstick.token_ids.get(code, frozenset()) if prompt.yardstick else frozenset()


def _apart(sets: dict[str, frozenset[int]]) -> dict[str, frozenset[int]]:
    """Return sets of tokens, or nothing if one is empty or two share a token."""
    values = list(sets.values())
    together = frozenset[int]().union(*values)
    apart = all(values) and len(together) == sum(map(len, values))
    return sets if apart else {}


def _columns(sets: dict[str, dict[str, frozenset[int]]], prompts: PromptSet) -> Targets:
    """Return the sets of each prompt by label."""
    rows = [sets[prompt.concept] for prompt in prompts]
    return {label: [row[label] for row in rows] for label in rows[0]}
