"""The word lists, languages and cloze sentences, validated on reading.

``data/README.md`` gives the schema, the provenance and the licence of the files.
"""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from pathlib import Path

import pandas as pd

from .errors import DataError, near
from .files import data_file
from .tokens import spell

BLANK = "___"
_LANGUAGE_COLUMNS = ("code", "name", "endonym", "script", "direction", "answer", "stop", "quotes")


@cache
def _languages() -> pd.DataFrame:
    rows = _read_csv(data_file("languages.csv"), required=_LANGUAGE_COLUMNS, may_be_empty=())
    return pd.DataFrame([row for _, row in rows]).set_index("code")


def languages() -> pd.DataFrame:
    """Return the languages we know, one row a language code.

    Columns: ``name`` (English), ``endonym`` (as printed in prompts), ``script``,
    ``direction`` (ltr or rtl), ``answer`` (the word and colon before a cloze answer), ``stop``
    (the full stop) and ``quotes`` (the pair the language uses; prompts always use ``"``, as the paper does).

    >>> languages().loc["fr", "endonym"]
    'Français'
    """
    return _languages().copy()


@cache
def language(code: str) -> dict[str, str]:
    """Return one language's row as a dict; an unknown code raises ``DataError`` with the nearest known one.

    >>> language("de")["name"]
    'German'
    """
    table = _languages()
    if code in table.index:
        return table.loc[code].to_dict()
    by_name = {**dict(zip(table["name"].str.lower(), table.index)), **dict(zip(table["endonym"].str.lower(), table.index))}
    meant = by_name.get(str(code).lower())
    hint = f" Did you mean '{meant}'?" if meant else near(code, [*table.index, *table["name"]])
    raise DataError(f"Unknown language '{code}'.{hint} ll.languages() lists the codes: {', '.join(table.index)}.")


def load_words(source: str | Path | pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the word table: index = concept, one column a language, cells = tuples of spellings.

    ``source``: None for the list that ships with latentlang, or a CSV file or DataFrame of
    your own with the same schema: a column ``concept``, then one column a language code;
    spellings separated by ``|``, the first one used in prompts; an empty cell where the
    language has no single word. Raises ``DataError`` with file, line and column.

    >>> load_words().loc["book", "zh"][0]
    '书'
    """
    if isinstance(source, pd.DataFrame):
        return _words_from_frame(source)
    path = data_file("words.csv") if source is None else Path(source)
    rows = _read_csv(path, required=("concept", "en"), may_be_empty=None)
    return _word_table(rows, str(path))


def load_cloze(code: str) -> dict[str, str]:
    """Return ``{concept: sentence}`` for one language; each sentence has the blank ``___`` once.

    >>> "___" in load_cloze("en")["book"]
    True
    """
    name = language(code)["name"]
    try:
        path = data_file(f"cloze/{code}.csv")
    except DataError:
        raise DataError(f"There are no cloze sentences for {name} ('{code}'): choose another language or task.") from None
    sentences: dict[str, str] = {}
    for line, row in _read_csv(path, required=("concept", "sentence"), may_be_empty=()):
        if row["sentence"].count(BLANK) != 1:
            raise DataError(f"{path}, line {line}, column 'sentence': write the blank {BLANK} exactly once.")
        if row["concept"] in sentences:
            raise DataError(f"{path}, line {line}, column 'concept': '{row['concept']}' stands there twice; remove one.")
        sentences[row["concept"]] = row["sentence"]
    return sentences


def results(name: str) -> pd.DataFrame:
    """Return a table of results that ships with latentlang, as ``data/README.md`` lists them with the command that made each.

    >>> results("targets").columns[:4].tolist()
    ['target', 'source', 'n', 'right']
    """
    return pd.read_csv(data_file(f"results/{name}.csv"), dtype_backend="numpy_nullable")


def fertility(tokenizer, words: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return how a tokenizer cuts each language's words: one row a language.

    Columns: ``words`` (how many), ``single`` (how many of them are one token) and ``tokens`` (mean
    number of tokens a word takes, its fertility), for the first spelling right after a quote.
    """
    table = load_words(words)
    rows = {}
    for code in table.columns:
        lengths = [len(spell(cell[0], tokenizer)) for cell in table[code] if cell]
        rows[code] = {"words": len(lengths), "single": lengths.count(1), "tokens": sum(lengths) / max(1, len(lengths))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("language")


def _words_from_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Validate a DataFrame: either the raw schema, or what ``load_words`` returned (tuples, concept index)."""
    if "concept" not in frame.columns:
        if frame.index.name != "concept":
            raise DataError("The word table has no column 'concept': add one that names each row uniquely.")
        frame = frame.reset_index()
    rows = []
    for number, record in enumerate(frame.to_dict("records"), 1):
        cells = {str(k): "|".join(v) if isinstance(v, (tuple, list)) else v for k, v in record.items()}
        rows.append((number, {k: "" if v is None or v != v else unicodedata.normalize("NFC", str(v)) for k, v in cells.items()}))
    if "en" not in frame.columns:
        raise DataError("The word table has no column 'en': add the English words, they are the pivot.")
    return _word_table(rows, "the word table", unit="row")


def _word_table(rows: list[tuple[int, dict[str, str]]], where: str, unit: str = "line") -> pd.DataFrame:
    """Turn validated text rows into the table of tuples; ``where`` and ``unit`` name a bad cell."""
    if not rows:
        raise DataError(f"The word list {where} is empty: give it at least one concept.")
    seen: dict[str, int] = {}
    records = []
    for line, row in rows:
        concept = row["concept"]
        if not concept:
            raise DataError(f"{where}, {unit} {line}, column 'concept': this cell is empty; name the concept.")
        if concept != concept.strip():
            raise DataError(f"{where}, {unit} {line}, column 'concept': '{concept}' has a stray space; remove it.")
        if concept in seen:
            raise DataError(f"{where}, {unit} {line}, column 'concept': '{concept}' stands already in {unit} {seen[concept]}; rename one.")
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
    """Split a cell at ``|`` and refuse what would silently become a wrong token."""
    if not cell:
        return ()
    parts = tuple(cell.split("|"))
    for part in parts:
        if not part or part != part.strip():
            raise DataError(f"{place}: '{cell}' has an empty spelling or a stray space; write spellings as 'a|b'.")
        if '"' in part:
            raise DataError(f"{place}: '{part}' contains a double quote, which ends the answer in a prompt; remove it.")
    if len(set(parts)) != len(parts):
        raise DataError(f"{place}: '{cell}' gives one spelling twice; remove one.")
    return parts


def _read_csv(path: Path, required: tuple[str, ...], may_be_empty: tuple[str, ...] | None) -> list[tuple[int, dict[str, str]]]:
    """Read a UTF-8 CSV into ``[(line number, {column: NFC text})]``.

    ``may_be_empty``: the columns whose cells may be empty; None for all.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}: check the path.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}: this is not UTF-8 text; save the file as UTF-8.") from None
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, [])
        for column in required:
            if column not in header:
                raise DataError(f"{path}, line 1: the column '{column}' is missing.{near(column, header)} Add it to the header.")
        repeated = {c for c in header if header.count(c) > 1}
        if repeated:
            raise DataError(f"{path}, line 1: the column '{repeated.pop()}' stands there twice; remove one.")
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                column = header[len(cells)] if len(cells) < len(header) else f"after '{header[-1]}'"
                raise DataError(
                    f"{path}, line {reader.line_num}, column {column}: the line has {len(cells)} cells and the header "
                    f"{len(header)}; add or remove a comma."
                )
            row = {column: unicodedata.normalize("NFC", cell) for column, cell in zip(header, cells)}
            for column in row:
                if may_be_empty is not None and column not in may_be_empty and not row[column].strip():
                    raise DataError(f"{path}, line {reader.line_num}, column '{column}': this cell is empty; fill it in.")
            rows.append((reader.line_num, row))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}; check the quotes on that line.") from None
    return rows
