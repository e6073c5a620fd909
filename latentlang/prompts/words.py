"""The word lists, languages and cloze sentences, checked when they are read.

``data/README.md`` gives the schema, the provenance and the licence of the files.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import pandas as pd

from ..errors import DataError, near
from ..files import data_file
from .csv_file import read_csv

BLANK = "___"
_LANGUAGE_COLUMNS = ("code", "name", "endonym", "script", "direction", "answer", "stop", "quotes")


@cache
def _languages() -> pd.DataFrame:
    rows = read_csv(data_file("languages.csv"), required=_LANGUAGE_COLUMNS, may_be_empty=())
    return pd.DataFrame([row for _, row in rows]).set_index("code")


def languages() -> pd.DataFrame:
    """Return the languages of latentlang, one row per language code.

    Columns: ``name`` (English), ``endonym`` (as printed in prompts), ``script``, ``direction``
    (ltr or rtl), ``answer`` (the word and colon before a cloze answer), ``stop`` (the full stop)
    and ``quotes`` (the pair that the language uses; prompts always use ``"``, as the paper does).

    >>> languages().loc["fr", "endonym"]
    'Français'
    """
    return _languages().copy()


@cache
def language(code: str) -> dict[str, str]:
    """Return one language's row as a dict.

    Args:
        code: of the language.

    Raises:
        DataError: for an unknown code, with the nearest known one.

    >>> language("de")["name"]
    'German'
    """
    table = _languages()
    if code in table.index:
        return table.loc[code].to_dict()
    names, endonyms = table["name"].str.lower(), table["endonym"].str.lower()
    by_name = {**dict(zip(names, table.index)), **dict(zip(endonyms, table.index))}
    meant = by_name.get(str(code).lower())
    hint = f" Did you mean '{meant}'?" if meant else near(code, [*table.index, *table["name"]])
    raise DataError(
        f"Unknown language '{code}'.{hint} "
        f"ll.languages() lists the codes: {', '.join(table.index)}."
    )


def load_words(source: str | Path | pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the word table: index = concept, one column per language, cells = tuples of spellings.

    Args:
        source: None for the list that ships with latentlang, or a CSV file or DataFrame of your own
            with the same schema: a column ``concept``, then one column per language code. Spellings
            are separated by ``|``, and prompts use the first one. A cell is empty if the language
            has no single word.

    Raises:
        DataError: names file, line and column of a cell that cannot be used.

    >>> load_words().loc["book", "zh"][0]
    '书'
    """
    if isinstance(source, pd.DataFrame):
        return _words_from_frame(source)
    path = data_file("words.csv") if source is None else Path(source)
    rows = read_csv(path, required=("concept", "en"), may_be_empty=None)
    return _word_table(rows, str(path))


def load_cloze(code: str) -> dict[str, str]:
    """Return ``{concept: sentence}`` for one language; each sentence has the blank ``___`` once.

    Args:
        code: of the language.

    Raises:
        DataError: for a language without sentences, and for a sentence that cannot be used.

    >>> "___" in load_cloze("en")["book"]
    True
    """
    name = language(code)["name"]
    try:
        path = data_file(f"cloze/{code}.csv")
    except DataError:
        raise DataError(
            f"There are no cloze sentences for {name} ('{code}'): choose another language or task."
        ) from None
    sentences: dict[str, str] = {}
    for line, row in read_csv(path, required=("concept", "sentence"), may_be_empty=()):
        if row["sentence"].count(BLANK) != 1:
            raise DataError(
                f"{path}, line {line}, column 'sentence': write the blank {BLANK} exactly once."
            )
        if row["concept"] in sentences:
            raise DataError(
                f"{path}, line {line}, column 'concept': '{row['concept']}' stands there twice; "
                "remove one."
            )
        sentences[row["concept"]] = row["sentence"]
    return sentences


def _words_from_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a DataFrame: the raw schema, or a table that ``load_words`` returned."""
    if "concept" not in frame.columns:
        if frame.index.name != "concept":
            raise DataError(
                "The word table has no column 'concept': add one that names each row uniquely."
            )
        frame = frame.reset_index()
    rows = []
    for number, record in enumerate(frame.to_dict("records"), 1):
        cells = {str(column): _cell_text(value) for column, value in record.items()}
        rows.append((number, cells))
    if "en" not in frame.columns:
        raise DataError(
            "The word table has no column 'en': add the English words, they are the pivot."
        )
    return _word_table(rows, "the word table", unit="row")


def _cell_text(value: object) -> str:
    """Return a cell of a DataFrame as a CSV file has it: NFC text, spellings joined by ``|``."""
    if isinstance(value, (tuple, list)):
        value = "|".join(value)
    if value is None or value != value:  # NaN
        return ""
    return unicodedata.normalize("NFC", str(value))


def _word_table(
    rows: list[tuple[int, dict[str, str]]], where: str, unit: str = "line"
) -> pd.DataFrame:
    """Turn text rows into the table of tuples; ``where`` and ``unit`` name a bad cell."""
    if not rows:
        raise DataError(f"The word list {where} is empty: give it at least one concept.")
    seen: dict[str, int] = {}
    records = []
    for line, row in rows:
        concept = row["concept"]
        concept_cell = f"{where}, {unit} {line}, column 'concept'"
        if not concept:
            raise DataError(f"{concept_cell}: this cell is empty; name the concept.")
        if concept != concept.strip():
            raise DataError(f"{concept_cell}: '{concept}' has a stray space; remove it.")
        if concept in seen:
            raise DataError(
                f"{concept_cell}: '{concept}' stands already in {unit} {seen[concept]}; rename one."
            )
        seen[concept] = line
        record: dict[str, object] = {"concept": concept}
        for code, cell in row.items():
            if code != "concept":
                record[code] = _spellings(cell, f"{where}, {unit} {line}, column '{code}'")
        records.append(record)
    for code in records[0]:
        if code != "concept":
            language(code)
    return pd.DataFrame(records).set_index("concept")


def _spellings(cell: str, place: str) -> tuple[str, ...]:
    """Split a cell at ``|``, and refuse spellings that would silently become wrong tokens."""
    if not cell:
        return ()
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
    if len(set(parts)) != len(parts):
        raise DataError(f"{place}: '{cell}' gives one spelling twice; remove one.")
    return parts
