"""The checks of a word list that need no dictionary: scripts, and spellings of two concepts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pandas as pd

from latentlang.prompts.language_folder import Language
from latentlang.prompts.words import concepts, language_folders

# Scripts of which Unicode names the letters by other words than that of language.toml.
LETTERS = {
    "Han": {"CJK"},
    "Kanji and kana": {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
}


def other_scripts(text: str, script: str) -> list[str]:
    """Return the scripts of the letters of a text that do not belong to a language's own.

    >>> other_scripts("xамелеон", "Cyrillic"), other_scripts("人々", "Kanji and kana")
    (['LATIN'], [])
    """
    own = LETTERS.get(script, {script.upper()})
    names = {unicodedata.name(c, "UNNAMED").split()[0] for c in text if c.isalpha()}
    return sorted(names - own)


def foreign_letters(language: Language, texts: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return what is wrong with the scripts of a language's words or sentences, by concept."""
    return [
        f"{language.code}: {concept} '{text}' has letters of {', '.join(other)}; "
        f"write it in {language.script}."
        for concept, cell in texts.items()
        for text in cell
        if (other := other_scripts(text, language.script))
    ]


def homographs(words: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the spellings that stand for several concepts, with these.

    >>> homographs({"moon": ("луна", "месяц"), "month": ("месяц",)})
    {'месяц': ['moon', 'month']}
    """
    owners: dict[str, list[str]] = {}
    for concept, cell in words.items():
        for word in cell:
            owners.setdefault(word, []).append(concept)
    return {word: named for word, named in owners.items() if len(named) > 1}


def check_lists(words: pd.DataFrame) -> list[str]:
    """Look at the lists without a dictionary, and print the spellings of several concepts.

    Returns:
        What is wrong.
    """
    folders, failures = language_folders(), []
    glosses = concepts()  # which reading them checks
    for code in words.columns:
        failures += foreign_letters(folders[code], words[code].to_dict())
        if folders[code].has_sentences:
            sentences = folders[code].sentences(glosses)
            failures += foreign_letters(
                folders[code], {each: (text,) for each, text in sentences.items()}
            )
        named = homographs(words[code].to_dict())
        listed = "; ".join(f"{word} ({', '.join(owners)})" for word, owners in named.items())
        print(f"{code:4}{len(named)} spellings of several concepts{': ' if named else ''}{listed}")
    return failures
