"""What a cell of a word list may hold: a concept, the spellings of a word, or a sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..errors import DataError

BLANK = "___"

_JOINERS = "\u200c\u200d"
_VIRAMA = 9  # the combining class of the sign that joins two consonants of an Indic script
# Letters and marks without a shape; their categories do not say so.
_WITHOUT_SHAPE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe0e\ufe0f\uffa0")
_NAMES = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}


def check_concept(
    concept: str, lines: dict[str, int], line: int, place: str, unit: str = "line"
) -> None:
    """Refuse a concept without a name, with a stray space or sign, or in a second line.

    Args:
        concept: the cell.
        lines: the line of each concept so far; this one is added.
        line: the number of the line.
        place: file, line and column, as a message names them.
        unit: what ``line`` counts.

    Raises:
        DataError: names the place.
    """
    if not concept:
        raise DataError(f"{place}: this cell is empty; name the concept.")
    if concept != concept.strip():
        raise DataError(f"{place}: '{concept}' has a stray space; remove it.")
    check_visible(concept, place)
    if concept in lines:
        raise DataError(
            f"{place}: '{concept}' is already in {unit} {lines[concept]}; rename or remove one."
        )
    lines[concept] = line


def check_gloss(gloss: str, concept: str, place: str) -> None:
    """Refuse a gloss that uses the word it explains, so that it cannot tell two senses apart.

    Args:
        gloss: the cell.
        concept: the word.
        place: file, line and column, as a message names them.

    Raises:
        DataError: names the place.
    """
    check_visible(gloss, place)
    if gloss != gloss.strip():
        raise DataError(f"{place}: the gloss begins or ends with a space; remove it.")
    if re.search(rf"\b{re.escape(concept)}\b", gloss, re.IGNORECASE):
        raise DataError(
            f"{place}: the gloss of '{concept}' contains the word; explain it with other words."
        )


def check_name(column: str, header: Sequence[str], place: str) -> None:
    """Refuse a name of a column that cannot be read as it looks, or that stands there twice.

    Args:
        column: the name.
        header: all names.
        place: file and line, as a message names them.

    Raises:
        DataError: names the place and the column.
    """
    number = f"column {header.index(column) + 1}"
    if not column.strip():
        raise DataError(
            f"{place}: {number} has no name; "
            "remove a comma that stands at the end of each line, or name the column."
        )
    if column != column.strip():
        raise DataError(f"{place}: the name '{column}' of {number} has a stray space; remove it.")
    if sign := invisible(column):
        raise DataError(f"{place}: the name of {number} contains {sign}; remove it.")
    if header.count(column) > 1:
        raise DataError(f"{place}: the column '{column}' stands there twice; remove one.")


def spellings(cell: str, place: str) -> tuple[str, ...]:
    """Split a cell at ``|``, and refuse spellings that would silently become wrong tokens.

    Args:
        cell: the text; an empty one has no spelling.
        place: file, line and column, as a message names them.

    Raises:
        DataError: names the place.

    >>> spellings("sky|heavens", "words.csv, line 2")
    ('sky', 'heavens')
    """
    if not cell:
        return ()
    check_visible(cell, place)
    parts = tuple(cell.split("|"))
    for part in parts:
        if not part or part != part.strip():
            raise DataError(
                f"{place}: '{cell}' has an empty spelling or a stray space; "
                "write spellings as 'a|b'."
            )
        if '"' in part:
            raise DataError(
                f"{place}: '{part}' contains a double quote, which ends the answer in a prompt; "
                "remove it."
            )
        for character in part:
            if character.isspace() and character != " ":
                raise DataError(
                    f"{place}: this cell contains {_code_and_name(character)}; write a plain space."
                )
    if len(set(parts)) != len(parts):
        raise DataError(f"{place}: '{cell}' gives one spelling twice; remove one.")
    return parts


def check_sentence(sentence: str, place: str) -> None:
    """Refuse a cloze sentence that would silently become a wrong prompt.

    Args:
        sentence: the cell.
        place: file, line and column, as a message names them.

    Raises:
        DataError: names the place.
    """
    check_visible(sentence, place)
    if re.findall("_+", sentence) != [BLANK]:
        raise DataError(f"{place}: write the blank {BLANK} exactly once, with three underscores.")
    if sentence != sentence.strip():
        raise DataError(f"{place}: the sentence begins or ends with a space; remove it.")
    if '"' in sentence:
        raise DataError(
            f"{place}: the sentence contains a double quote, which prompts put around the blank; "
            "use the quotation marks of the language."
        )


def check_visible(text: str, place: str) -> None:
    """Refuse a character that nobody sees and that changes the tokens.

    Args:
        text: the cell.
        place: file, line and column, as a message names them.

    Raises:
        DataError: names the place and the character.
    """
    sign = invisible(text)
    if sign:
        raise DataError(f"{place}: this cell contains {sign}; remove it.")


def invisible(text: str) -> str:
    r"""Return the code and the name of the first invisible character; empty if there is none.

    A joiner (U+200C, U+200D) is part of a word between letters of an Arabic script, and beside a
    sign that joins consonants of an Indic one.

    >>> invisible("flo\u200bwer"), invisible("می\u200cرود"), invisible("क\u094d\u200dष")
    ('U+200B (zero width space)', '', '')
    """
    if text.isprintable() and _WITHOUT_SHAPE.isdisjoint(text):
        return ""
    for before, character, after in zip(f" {text}", text, f"{text[1:]} "):
        if character in _JOINERS and _joins(before, after):
            continue
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Zl", "Zp") or character in _WITHOUT_SHAPE:
            return _code_and_name(character)
    return ""


def _code_and_name(character: str) -> str:
    name = _NAMES.get(character, unicodedata.name(character, "a control character"))
    return f"U+{ord(character):04X} ({name.lower()})"


def _joins(before: str, after: str) -> bool:
    """Return whether a joiner between two characters changes how they look."""
    sides = (before, after)
    arabic = all(unicodedata.bidirectional(side) == "AL" for side in sides)
    return arabic or any(unicodedata.combining(side) == _VIRAMA for side in sides)
