"""The exercises of notebook 1: the prompts."""

from __future__ import annotations

import unicodedata

from ..prompts.prompt import PromptSet
from .answers import WrongAnswerError, check, texts

# What keyboards and text programs write instead of a straight quote, a hyphen and a space.
_TYPESET = str.maketrans("“”„«»‟′″–—‑−\u00a0\u202f", '""""""""----  ')
# How one may write the sign of a leading space: as notebook 1 shows it, as keyboards have it.
_LEADING_SPACE = str.maketrans("␣_ ", "▁▁▁")


@check("01.1")
def query_line(answer: object) -> str:
    """The query that asks in German for the French word for Blume."""
    right = 'Deutsch: "Blume" - Français: "'
    if not isinstance(answer, str):
        raise WrongAnswerError("The answer is a text in quotation marks.")
    answer = unicodedata.normalize("NFC", answer)  # ç may be typed as c and a cedilla
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
    if answer.translate(_TYPESET) == right:
        raise WrongAnswerError(
            'Only typesetting differs: use the straight quote ", the hyphen - and plain spaces.'
        )
    if answer.strip().endswith(right.strip()) and "\n" in answer:
        raise WrongAnswerError("Only the last line, please: leave out the lines before it.")
    if answer + '"' == right or answer.rstrip() + ' "' == right:
        raise WrongAnswerError("Open the quote of the answer: the model goes on right behind it.")
    if "English" in answer or "German" in answer or "French" in answer:
        raise WrongAnswerError("Each language is named in itself: Deutsch, Français.")
    if answer.startswith("Français"):
        raise WrongAnswerError("The German word stands first: German asks, French answers.")
    raise WrongAnswerError(
        'Compare with `Français: "fleur" - 中文: "`: endonym, colon, space, quoted word, space, '
        "hyphen, space, endonym, colon, space."
    )


@check("01.2")
def start_of_flower(answer: object) -> str:
    """Which of the given vocabulary entries begin the word flower."""
    right = {"f", "fl", "flow", "flower", "▁f", "▁flower"}
    others = {"flowers", "lower", "ower", "fleur", "▁", "▁flowery"}
    entries = {entry.translate(_LEADING_SPACE) for entry in texts(answer, "{'f', 'fl'}")}
    if unknown := entries - right - others:
        raise WrongAnswerError(
            f"{', '.join(map(repr, sorted(unknown)))}: not an entry of this vocabulary."
        )
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
    if all(entry.startswith("▁") for entry in right - entries):
        raise WrongAnswerError("A token with a space in front (▁) begins the word as well.")
    raise WrongAnswerError(
        f"{len(right - entries)} entries are missing: every prefix counts, short ones too."
    )


@check("01.3")
def dropped(answer: object) -> str:
    """Which concepts are dropped because the German word contains the English one."""
    right = {"arm", "hand", "hunger"}
    pairs = {"dog": "hund", "tree": "baum", "house": "haus", "hunger": "hungersnot"}
    names = {word.strip().casefold() for word in texts(answer, "{'tree'}")}
    if names == right:
        return (
            "Dropped to be safe: this is the rule of the authors' code, and it ignores capitals, "
            "although Arm and arm are different tokens."
        )
    if german := names & set(pairs.values()):
        raise WrongAnswerError(
            f"{', '.join(sorted(german))}: give the concept, which is the English word."
        )
    if unknown := names - right - set(pairs):
        raise WrongAnswerError(f"{', '.join(sorted(unknown))}: not a concept of this list.")
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
    if {prompt.task for prompt in answer} != {"translation"}:
        raise WrongAnswerError("Take the translation task: the others have no source language.")
    if answer.setting.control:
        raise WrongAnswerError("Leave out control=: it changes what the prompts show or follow.")
    routes = sorted({(prompt.source, prompt.target) for prompt in answer})
    listed = ", ".join(f"{source} → {target}" for source, target in routes)
    if used & {code for route in routes for code in route}:
        raise WrongAnswerError(
            f"One of the languages is English, French or Chinese ({listed}): take two others."
        )
    if len(routes) > 1:
        raise WrongAnswerError(f"Two languages, please: these prompts mix {listed}.")
    concepts = {prompt.concept for prompt in answer}
    if len(concepts) < 200:
        raise WrongAnswerError(
            f"{len(concepts)} concepts are left: look into `dropped` for the reason, "
            "and try another target or mode."
        )
    dropped = answer.dropped["concept"].nunique()
    return f"{len(concepts)} concepts, {listed}, and {dropped} dropped with a reason."
