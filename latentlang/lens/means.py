"""Means of latents: what prompts share that ask about one concept, or for one language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..models.model import Model
from ..prompts.prompt import PromptSet
from .latents import Latents, latents_at


def concept_mean(
    model: Model,
    prompt_sets: Iterable[PromptSet],
    *,
    target: str,
    at: str | int = "word",
    allow_target: bool = False,
) -> Latents:
    """Return the mean latents of each concept over several sets of prompts (Dumas et al. 2024).

    What is left is what the prompts have in common: the concept, and not their languages. A set
    that has the language of the answer among its own would put the answer itself into the mean, so
    it is refused.

    Source: Dumas et al. 2024, "Separating Tongue from Thought" (arXiv 2411.08745), experiment 2.

    Args:
        model: what ``load_model`` returns.
        prompt_sets: two or more, such as translations from several languages.
        target: the language that the changed prompts ask for.
        at: the position, as for ``latents_at``.
        allow_target: whether ``target`` may be a language of the sets, to measure that leak.

    Returns:
        Latents ``[n_concepts, n_layers, d_model]`` of the concepts that all sets have.

    Raises:
        DataError: ``target`` is source, target or pivot of a set, or no concept is shared.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> sets = [
    ...     ll.build_prompts("translation", *pair, tokenizer=model.tokenizer)[["book", "sun"]]
    ...     for pair in (("de", "it"), ("nl", "fi"))
    ... ]
    >>> mean = ll.concept_mean(model, sets, target="zh")
    >>> mean.concepts, mean.values.shape
    (('book', 'sun'), torch.Size([2, 18, 640]))
    """
    sets = _sets(prompt_sets)
    for prompts in sets:
        setting = prompts.setting
        if target in (*setting.sources, setting.target, setting.pivot) and not allow_target:
            raise DataError(
                f"The prompts '{setting.title}' have '{target}' as source, target or pivot, so "
                "their mean may hold the answer itself: leave them out, or pass allow_target=True."
            )
    parts = [_by_concept(latents_at(model, prompts, at)) for prompts in sets]
    concepts = _shared(parts)
    values = torch.stack([torch.stack([part[c] for part in parts]).mean(0) for c in concepts])
    return Latents(values, concepts, at, model.name, tuple(each.setting for each in sets))


def language_vector(model: Model, away_from: PromptSet, towards: PromptSet) -> Latents:
    """Return the vector that leads from one target language to another, at the last token.

    It is the mean of the latents of ``towards`` minus that of ``away_from``, over the concepts that
    both have, each concept counted once (difference of means). Steer prompts about other concepts
    with it.

    Args:
        model: what ``load_model`` returns.
        away_from: prompts that ask for the language to leave, such as English to French.
        towards: prompts that ask for the language to reach, such as English to Chinese.

    Returns:
        Latents ``[n_layers, d_model]``, one vector per layer; ``concepts`` are those behind it.

    Raises:
        DataError: The sets share no concept.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> french, chinese = [
    ...     ll.build_prompts("translation", "en", code, tokenizer=model.tokenizer)[["book", "sun"]]
    ...     for code in ("fr", "zh")
    ... ]
    >>> ll.language_vector(model, away_from=french, towards=chinese)
    Latents(18 layers x 640 at last of gemma-3-270m: translation en → zh − translation en → fr)
    """
    away, there = _sets([away_from, towards])
    return _difference(latents_at(model, away), latents_at(model, there))


def _difference(start: Latents, end: Latents) -> Latents:
    """Return the mean of ``end`` minus that of ``start``, over the concepts of both."""
    parts = [_by_concept(end), _by_concept(start)]
    concepts = _shared(parts)
    means = [torch.stack([part[concept] for concept in concepts]).mean(0) for part in parts]
    remake = end.in_language
    return Latents(
        means[0] - means[1],
        concepts,
        "last",
        end.model,
        (*end.settings, *start.settings),
        None if remake is None else lambda code: _difference(start, remake(code)),
    )


def _sets(prompt_sets: Iterable[Any]) -> list[PromptSet]:
    """Return sets of built prompts as a list, or raise ``DataError`` for anything else."""
    sets = [prompt_sets] if isinstance(prompt_sets, PromptSet) else list(prompt_sets)
    if not sets or not all(isinstance(each, PromptSet) and len(each) for each in sets):
        raise DataError("A mean needs sets of prompts, what ll.build_prompts returns: pass those.")
    return sets


def _by_concept(latents: Latents) -> dict[str, Float[Tensor, "layer d_model"]]:
    """Return the mean latents of each concept, which a pool may ask about several times."""
    rows: dict[str, list[int]] = {}
    for row, concept in enumerate(latents.concepts):
        rows.setdefault(concept, []).append(row)
    return {concept: latents.values[own].mean(0) for concept, own in rows.items()}


def _shared(parts: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the concepts that all parts have, in the order of the first."""
    concepts = tuple(c for c in parts[0] if all(c in part for part in parts))
    if not concepts:
        raise DataError("These prompts share no concept: build them about the same words.")
    return concepts
