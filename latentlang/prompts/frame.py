"""A reader's DataFrame of words as rows of text, the same as ``csv_file`` reads from a file."""

from __future__ import annotations

import unicodedata

import pandas as pd

from ..errors import DataError
from .cells import check_name


def read_frame(frame: pd.DataFrame) -> list[tuple[int, dict[str, str]]]:
    """Return ``(row number, {column: text})`` for each row, counted from 1.

    Args:
        frame: a column (or an index) ``concept``, and a column per language code. A cell is a text
            with spellings separated by ``|``, a tuple or list of texts, or empty.

    Raises:
        DataError: names row and column of a cell that is not text, and a column that is missing or
            stands there twice.
    """
    frame = _with_concepts(frame)
    columns = [str(column) for column in frame.columns]
    for column in columns:
        check_name(column, columns, "the word table")
    if "en" not in columns:
        raise DataError(
            "The word table has no column 'en': add the English words, they are the pivot."
        )
    rows = []
    for number, cells in enumerate(frame.itertuples(index=False, name=None), 1):
        place = f"the word table, row {number}, column"
        texts = (_text(cell, f"{place} '{column}'") for column, cell in zip(columns, cells))
        rows.append((number, dict(zip(columns, texts))))
    return rows


def _with_concepts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its column ``concept``, which may be the index under no other name."""
    if "concept" in frame.columns:
        return frame
    texts = all(isinstance(label, str) for label in frame.index)
    if frame.index.name not in (None, "concept") or not texts:
        raise DataError(
            "The word table has no column 'concept': add one that names each row uniquely."
        )
    return frame.rename_axis("concept").reset_index()


def _text(cell: object, place: str) -> str:
    """Return a cell as a CSV file has it: composed text (NFC), spellings joined by ``|``."""
    if isinstance(cell, (tuple, list)):
        return "|".join(_text(part, place) for part in cell)
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell)
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return ""
    raise DataError(
        f"{place}: {cell!r} is a {type(cell).__name__}; write words as text, such as 'five'."
    )
