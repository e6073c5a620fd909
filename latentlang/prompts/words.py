"""The word lists, languages and cloze sentences, checked when they are read.

``data/README.md`` gives the schema, the provenance and the licence of the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from ..errors import DataError, near
from ..files import data_file
from .cells import check_concept, spellings
from .csv_file import read_csv
from .frame import read_frame
from .language_folder import Language, read_concepts, read_languages

_LANGUAGE_COLUMNS = ("name", "endonym", "script", "direction", "answer", "stop", "quotes")


@cache
def language_folders() -> Mapping[str, Language]:
    """Return the languages that ship with latentlang, ``{code: Language}``, in their order.

    >>> language_folders()["de"].dictionaries
    ('eng-deu', 'deu-eng')
    """
    return MappingProxyType(read_languages(data_file("languages")))


@cache
def concepts() -> Mapping[str, Mapping[str, str]]:
    """Return the concepts that ship with latentlang, in their order.

    >>> concepts()["seven"]["kind"]
    'numeral'
    """
    read = read_concepts(data_file("concepts.csv"))
    return MappingProxyType({concept: MappingProxyType(row) for concept, row in read.items()})


@cache
def _languages() -> pd.DataFrame:
    columns = {"code": list(language_folders())}
    for key in _LANGUAGE_COLUMNS:
        columns[key] = [getattr(folder, key) for folder in language_folders().values()]
    return pd.DataFrame(columns).set_index("code")


@cache
def _rows_of_languages() -> dict[str, dict[str, str]]:
    return _languages().to_dict("index")


@cache
def _shipped_words() -> pd.DataFrame:
    columns: dict[str, list] = {"concept": list(concepts())}
    for code, folder in language_folders().items():
        words = folder.words(concepts())
        columns[code] = [words.get(concept, ()) for concept in concepts()]
    return pd.DataFrame(columns).set_index("concept")


def languages() -> pd.DataFrame:
    """Return the languages of latentlang, one row per language code.

    Columns: ``name`` (English), ``endonym`` (as printed in prompts), ``script``, ``direction``
    (ltr or rtl), ``answer`` (the word and colon before a cloze answer), ``stop`` (the full stop)
    and ``quotes`` (the pair that the language uses; prompts always use ``"``, as the paper does).

    >>> languages().loc["fr", "endonym"]
    'Français'
    """
    return _languages().copy()


def language(code: str) -> dict[str, str]:
    """Return one language's row of ``languages()`` as a dict of its own.

    Args:
        code: of the language.

    Raises:
        DataError: for an unknown code, with the nearest known one.

    >>> language("de")["name"]
    'German'
    """
    rows, table = _rows_of_languages(), _languages()
    if isinstance(code, str) and code in rows:
        return dict(rows[code])
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
        source: None for the lists that ship with latentlang, or one CSV file or DataFrame of your
            own: a column ``concept``, then one column per language code. Spellings are separated
            by ``|``, and prompts use the first one. A cell is empty if the language has no single
            word.

    Raises:
        DataError: names file, line and column of a cell that cannot be used.

    >>> load_words().loc["book", "zh"][0]
    '书'
    """
    if source is None:
        return _shipped_words().copy()
    if isinstance(source, pd.DataFrame):
        return _word_table(read_frame(source), "the word table", unit="row")
    if not isinstance(source, (str, Path)):
        raise DataError(
            f"A word list cannot be read from a {type(source).__name__}: pass the path of a CSV "
            "file, or a pandas DataFrame, with a column 'concept' and a column per language code."
        )
    rows = read_csv(Path(source), required=("concept", "en"), may_be_empty=None)
    return _word_table(rows, str(source))


def load_cloze(code: str) -> dict[str, str]:
    """Return ``{concept: sentence}`` for one language; each sentence has the blank ``___`` once.

    Args:
        code: of the language.

    Raises:
        DataError: for a language without sentences, and for a sentence that cannot be used.

    >>> "___" in load_cloze("en")["book"]
    True
    """
    language(code)
    return language_folders()[code].sentences(concepts())


def _word_table(
    rows: list[tuple[int, dict[str, str]]], where: str, unit: str = "line"
) -> pd.DataFrame:
    """Turn text rows into the table of tuples; ``where`` and ``unit`` name a bad cell."""
    if not rows:
        raise DataError(f"The word list {where} is empty: give it at least one concept.")
    lines: dict[str, int] = {}
    records = []
    for line, row in rows:
        place = f"{where}, {unit} {line}"
        check_concept(row["concept"], lines, line, f"{place}, column 'concept'", unit)
        record: dict[str, object] = {"concept": row["concept"]}
        for code, cell in row.items():
            if code != "concept":
                record[code] = spellings(cell, f"{place}, column '{code}'")
        records.append(record)
    for code in records[0]:
        if code != "concept":
            language(code)
    return pd.DataFrame(records).set_index("concept")
