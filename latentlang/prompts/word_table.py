"""The words of several languages side by side, for reading and proof-reading on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pandas as pd

from ..errors import DataError, near
from .words import language, language_folders, load_cloze, load_words

_GAP = "—"  # stands where a language has no word


def word_table(codes: Sequence[str] = (), concepts: Sequence[str] = ()) -> str:
    """Return words as aligned text.

    One concept gives a row per language, with its name and its cloze sentence. Otherwise there is
    a row per concept and a column per language.

    Args:
        codes: of the languages, in the order of the columns; none for all of them.
        concepts: of the rows; none for all of them.

    Raises:
        DataError: for an unknown language or concept, and for a table that is too wide to read.

    >>> print(word_table(["de", "zh"], ["sun", "moon"]))
    concept  de     zh
    sun      Sonne  太阳|太陽
    moon     Mond   月亮|月球
    """
    words = chosen_words(codes, concepts)
    if len(concepts) == 1:
        rows = [_language_row(code, concepts[0], words) for code in words.columns]
        return _align([("code", "language", "words", "sentence"), *rows])
    if not codes:
        raise DataError(
            f"A table of {len(words.columns)} languages is too wide to read: name languages, such "
            "as `words de fr`, or one concept with `--concept eagle`, or ask for `--csv`."
        )
    rows = []
    for concept in words.index:
        rows.append((concept, *(_text(cell) for cell in words.loc[concept])))
    return _align([("concept", *words.columns), *rows])


def word_csv(codes: Sequence[str] = (), concepts: Sequence[str] = ()) -> str:
    """Return words as one CSV table: a row per concept, a column per language.

    ``load_words`` reads the table when it has a column ``en``.

    Args:
        codes: of the languages, in the order of the columns; none for all of them.
        concepts: of the rows; none for all of them.

    Raises:
        DataError: for an unknown language or concept.

    >>> print(word_csv(["en", "de"], ["lake"]), end="")
    concept,en,de
    lake,lake,See
    """
    return chosen_words(codes, concepts).map("|".join).to_csv(lineterminator="\n")


def chosen_words(codes: Sequence[str] = (), concepts: Sequence[str] = ()) -> pd.DataFrame:
    """Return a part of the word table.

    Args:
        codes: of the languages, in the order of the columns; none for all of them.
        concepts: of the rows; none for all of them.

    Raises:
        DataError: for an unknown language or concept.
    """
    words = load_words()
    for code in codes:
        language(code)
    for concept in concepts:
        if concept not in words.index:
            raise DataError(
                f"Unknown concept '{concept}'.{near(concept, words.index)} "
                "data/concepts.csv lists the concepts."
            )
    # A name that is given twice is shown once.
    columns, rows = dict.fromkeys(codes), dict.fromkeys(concepts)
    return words.loc[list(rows or words.index), list(columns or words.columns)]


def _language_row(code: str, concept: str, words: pd.DataFrame) -> tuple[str, str, str, str]:
    """Return code, name, words and cloze sentence of one language."""
    folder = language_folders()[code]
    sentence = load_cloze(code).get(concept, "") if folder.has_sentences else ""
    return code, folder.name, _text(words.at[concept, code]), sentence


def _text(cell: tuple[str, ...]) -> str:
    return "|".join(cell) or _GAP


def _align(rows: list[tuple[str, ...]]) -> str:
    """Return rows with two spaces between columns of equal width."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    """Return how many columns a terminal needs for a text.

    >>> _width("eagle"), _width("老鹰"), _width("चाँद")
    (5, 4, 3)
    """
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # marks stand on another character
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
