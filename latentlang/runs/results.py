"""The tables of results that ship with latentlang."""

from __future__ import annotations

import pandas as pd

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
    return pd.read_csv(data_file(f"results/{name}.csv"), dtype_backend="numpy_nullable")
