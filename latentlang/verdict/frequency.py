"""How frequent the words of the lists are, by the data of wordfreq."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..files import data_file


def frequency() -> pd.DataFrame:
    """Return the Zipf value of each concept's first word: one column per language.

    The Zipf value is the logarithm (base 10) of how often a word stands in 10^9 words: 3 is once in
    a million. A cell is empty if wordfreq has no such entry, which does not say that the word is
    rare. Some languages have no column. The data are licensed under CC BY-SA 4.0; their sources
    stand in ``data/frequency/LICENSE.md``.

    >>> bool(frequency().loc["water", "en"] > frequency().loc["brook", "en"])
    True
    """
    return _table().copy()


@cache
def _table() -> pd.DataFrame:
    return pd.read_csv(data_file("frequency/zipf.csv"), index_col="concept")
