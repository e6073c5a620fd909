"""The tables of results that ship with latentlang."""

from __future__ import annotations

import pandas as pd

from ..errors import DataError, near
from ..files import data_file


def results(name: str) -> pd.DataFrame:
    """Return a table of results; ``data/README.md`` lists them with the command that made each.

    Args:
        name: of the table, without ``.csv``.

    Raises:
        DataError: for an unknown table.

    >>> results("targets").columns[:4].tolist()
    ['target', 'source', 'n', 'right']
    """
    tables = {path.stem: path for path in sorted(data_file("results").glob("*.csv"))}
    if name not in tables:
        raise DataError(
            f"There is no table '{name}'.{near(name, tables)} There are {', '.join(tables)}."
        )
    return pd.read_csv(tables[name], dtype_backend="numpy_nullable")
