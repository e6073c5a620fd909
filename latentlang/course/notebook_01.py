"""The exercises of notebook 1: the prompts."""

from __future__ import annotations

from typing import Any

from ..prompts.prompt import PromptSet
from .answers import WrongAnswerError, check


@check("01.1")
def query_line(answer: object) -> str:
    """The query that asks in German for the French word for Blume."""
    right = 'Deutsch: "Blume" - Français: "'
    if not isinstance(answer, str):
        raise WrongAnswerError("The answer is a text in quotation marks.")
    if answer == right:
        return (
            "The prompt stops right after the opening quote, "
            "so the next token must begin the answer."
        )
    if answer.rstrip() == right:
        raise WrongAnswerError(
            "There is white space after the opening quote: "
            "the model would have to continue after a space."
        )
    if answer.startswith(right):
        raise WrongAnswerError(
            "The query must not contain the answer or close the quote: "
            "stop right after the opening one."
        )
    if "English" in answer or "German" in answer or "French" in answer:
        raise WrongAnswerError("Each language is named in itself: Deutsch, Français.")
    raise WrongAnswerError(
        'Compare with `Français: "fleur" - 中文: "`: endonym, colon, space, quoted word, space, '
        "hyphen, space, endonym, colon, space."
    )


@check("01.2")
def start_of_flower(answer: Any) -> str:
    """Which of the given vocabulary entries begin the word flower."""
    right = {"f", "fl", "flow", "flower", "▁f", "▁flower"}
    try:
        entries = set(answer)
    except TypeError:
        raise WrongAnswerError("The answer is a set of entries, such as {'f', 'fl'}.") from None
    if isinstance(answer, str):
        raise WrongAnswerError("The answer is a set of entries, such as {'f', 'fl'}, not one text.")
    if entries == right:
        return "Six tokens can begin the word; P(flower) is the sum over all of them."
    if "▁" in entries:
        raise WrongAnswerError(
            "The bare space begins every word, so it says nothing about this one."
        )
    if entries & {"lower", "ower"}:
        raise WrongAnswerError("A token must stand at the start of the word: 'lower' is its end.")
    if entries & {"flowers", "▁flowery", "fleur"}:
        raise WrongAnswerError(
            "A token must stop within the word and keep its letters: "
            "only prefixes of 'flower' count."
        )
    if entries > right:
        raise WrongAnswerError(
            f"{', '.join(sorted(entries - right))}: not an entry of this vocabulary."
        )
    if right - entries and all(entry.startswith("▁") for entry in right - entries):
        raise WrongAnswerError("A token with a space in front (▁) begins the word as well.")
    raise WrongAnswerError(
        f"{len(right - entries)} entries are missing: every prefix counts, short ones too."
    )


@check("01.3")
def dropped(answer: object) -> str:
    """Which concepts are dropped because the German word contains the English one."""
    right = {"arm", "hand", "hunger"}
    if isinstance(answer, str) or not isinstance(answer, (set, list, tuple, frozenset)):
        raise WrongAnswerError("The answer is a set of concepts, such as {'tree'}.")
    names = {str(word).lower() for word in answer}
    if names == right:
        return (
            "Whatever token begins Arm or Hand, "
            "it does not tell which of the two languages is meant."
        )
    if names & {"tree", "dog"}:
        raise WrongAnswerError("A shared meaning is not a shared spelling: only the letters count.")
    if "house" in names:
        raise WrongAnswerError(
            "Compare letter by letter, capitals aside: 'house' is not in 'Haus'."
        )
    if names == {"arm", "hand"}:
        raise WrongAnswerError(
            "'Inside' is enough: look for an English word at the beginning of a longer German one."
        )
    raise WrongAnswerError(
        "Take each English word and ask whether the German one contains it, capitals aside."
    )


@check("01.4")
def own_prompts(answer: object) -> str:
    """A PromptSet of at least 200 concepts between two languages that the notebook has not used."""
    if not isinstance(answer, PromptSet):
        raise WrongAnswerError(
            "The answer is a set of prompts: what ll.build_prompts(...) returns."
        )
    used = {"en", "fr", "zh"}
    if not len(answer):
        raise WrongAnswerError("This set is empty: look at its table `dropped` for the reason.")
    first = answer[0]
    if first.task != "translation":
        raise WrongAnswerError("Take the translation task: the others have no source language.")
    if used & {first.source, first.target}:
        raise WrongAnswerError(
            "One of the two languages is English, French or Chinese: take two others."
        )
    if len(answer) < 200:
        raise WrongAnswerError(
            f"{len(answer)} concepts are left: look into `dropped` for the reason, "
            "and try another target or mode."
        )
    return (
        f"{len(answer)} concepts from {first.source} to {first.target}, "
        f"and {len(answer.dropped)} dropped with a reason."
    )
