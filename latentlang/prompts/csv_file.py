"""A CSV file, validated cell by cell: a mistake is named with file, line and column."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

from ..errors import DataError, near


def read_csv(
    path: Path, required: tuple[str, ...], may_be_empty: tuple[str, ...] | None
) -> list[tuple[int, dict[str, str]]]:
    """Read a UTF-8 CSV into ``[(line number, {column: NFC text})]``.

    ``may_be_empty``: the columns whose cells may be empty; None for all.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"There is no file {path}: check the path.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: this is not UTF-8 text; save the file as UTF-8."
        ) from None
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, [])
        for column in required:
            if column not in header:
                raise DataError(
                    f"{path}, line 1: the column '{column}' is missing.{near(column, header)} "
                    "Add it to the header."
                )
        repeated = {c for c in header if header.count(c) > 1}
        if repeated:
            raise DataError(
                f"{path}, line 1: the column '{repeated.pop()}' stands there twice; remove one."
            )
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                column = header[len(cells)] if len(cells) < len(header) else f"after '{header[-1]}'"
                raise DataError(
                    f"{path}, line {reader.line_num}, column {column}: "
                    f"the line has {len(cells)} cells and the header {len(header)}; "
                    "add or remove a comma."
                )
            row = {
                column: unicodedata.normalize("NFC", cell) for column, cell in zip(header, cells)
            }
            for column in row:
                must_be_full = may_be_empty is not None and column not in may_be_empty
                if must_be_full and not row[column].strip():
                    raise DataError(
                        f"{path}, line {reader.line_num}, column '{column}': "
                        "this cell is empty; fill it in."
                    )
            rows.append((reader.line_num, row))
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: {error}; check the quotes on that line."
        ) from None
    return rows
