"""A CSV file, validated cell by cell: a mistake is named with file, line and column."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

from ..errors import DataError, near
from .cells import check_name


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, composed (NFC).

    Args:
        path: the file.

    Raises:
        DataError: for a file that is not there or cannot be read, and for bytes that are not UTF-8.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}: check the path.") from None
    except OSError as error:
        if Path(path).is_dir():
            raise DataError(f"{path} is a folder: put a file of this name in its place.") from None
        raise DataError(
            f"{path} cannot be read ({error.strerror}): check the permissions of the file."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: this is not UTF-8 text; save the file as UTF-8."
        ) from None
    return unicodedata.normalize("NFC", text)


def read_csv(
    path: Path, required: tuple[str, ...], may_be_empty: tuple[str, ...] | None
) -> list[tuple[int, dict[str, str]]]:
    """Read a UTF-8 CSV file.

    Args:
        path: the file.
        required: the columns that the header must have.
        may_be_empty: the columns whose cells may be empty, in a table that has the required columns
            alone. None for a table that may have other columns, in which all cells may be empty.

    Returns:
        ``(line number, {column: text})`` for each line after the header that is not blank. A row
        over several lines has the number of its first line.

    Raises:
        DataError: names file, line and column of a cell that cannot be used.
    """
    text = read_text(path)
    _check_separator(text, path)
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    line = 1
    try:
        header = next(reader, [])
        _check_header(header, required, path)
        if may_be_empty is not None:
            _check_columns(header, required, path)
        full = [] if may_be_empty is None else [c for c in header if c not in may_be_empty]
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                rows.append((line, _row(cells, header, full, f"{path}, line {line}")))
            line = reader.line_num + 1
    except csv.Error as error:
        if reader.line_num > line or "end of data" in str(error):
            problem = "a quotation mark is opened on this line and not closed; close or remove it."
        else:
            problem = f"{error}; check the quotes on that line."
        raise DataError(f"{path}, line {line}: {problem}") from None
    return rows


def _check_separator(text: str, path: Path) -> None:
    """Refuse a header whose columns are not separated by commas, as some spreadsheets write it."""
    header = text.partition("\n")[0]
    if header.lower().startswith("sep="):
        raise DataError(
            f"{path}, line 1: this line only names a separator for a spreadsheet; remove it, and "
            "separate the columns with commas."
        )
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if sign in header and "," not in header:
            raise DataError(
                f"{path}, line 1: the columns are separated by {name}; separate them with commas."
            )


def _check_header(header: list[str], required: tuple[str, ...], path: Path) -> None:
    """Refuse a header that lacks a column, or has one under a name that cannot be used."""
    for column in header:
        check_name(column, header, f"{path}, line 1")
    for column in required:
        if column not in header:
            raise DataError(
                f"{path}, line 1: the column '{column}' is missing.{near(column, header)} "
                "Add it to the header."
            )


def _check_columns(header: list[str], columns: tuple[str, ...], path: Path) -> None:
    """Refuse a column that nothing reads."""
    for column in header:
        if column not in columns:
            raise DataError(
                f"{path}, line 1: the column '{column}' is unknown; "
                f"remove it, because the columns are {', '.join(columns)}."
            )


def _row(cells: list[str], header: list[str], full: list[str], line: str) -> dict[str, str]:
    """Return one line as ``{column: text}``; the columns ``full`` must have a text."""
    if len(cells) != len(header):
        column = header[len(cells)] if len(cells) < len(header) else f"after '{header[-1]}'"
        raise DataError(
            f"{line}, column {column}: the line has {len(cells)} cells and the header "
            f"{len(header)}; add or remove a comma."
        )
    row = dict(zip(header, cells))
    for column in full:
        if not row[column].strip():
            raise DataError(f"{line}, column '{column}': this cell is empty; fill it in.")
    return row
