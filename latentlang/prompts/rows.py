"""One way to index prompts, runs and paths: by number, slice, mask or concept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from operator import index
from typing import Any, Self

import pandas as pd

from ..errors import DataError, near


class HasPrompts(ABC):
    """The prompts of a run or a path: a table with one row per prompt."""

    prompts: pd.DataFrame

    def __len__(self) -> int:
        return len(self.prompts)

    @abstractmethod
    def __getitem__(self, item: Any) -> Self:
        """Return some of the prompts, indexed as ``rows_of`` says."""

    def __iter__(self) -> Iterator[Self]:
        """Yield each prompt on its own."""
        return (self[row] for row in range(len(self)))

    def __contains__(self, concept: object) -> bool:
        """Return whether a prompt asks about a concept: ``"eagle" in run``."""
        return concept in set(self.prompts["concept"])

    @property
    def clusters(self) -> list:
        """One label per prompt for intervals: its concept; a typed text is its own cluster."""
        return [concept or row for row, concept in enumerate(self.prompts["concept"])]

    def without_cognates(self) -> Self:
        """Return the prompts whose words are not spelled alike; see ``Prompt.cognate``."""
        return self[not_cognate(self.prompts["cognate"])]


def not_cognate(grades: Iterable[str]) -> list[bool]:
    """Return which prompts ``without_cognates`` keeps, from the grade of each.

    >>> not_cognate(["no", "near", "identical"])
    [True, False, False]
    """
    return [grade == "no" for grade in grades]


def rows_of(item: Any, concepts: Sequence[str]) -> list[int]:
    """Return the row numbers that an index names.

    Args:
        item: a row number, a slice, a concept, or a list (array, tensor, Series) of row
            numbers, of concepts, or of one bool per row. A Series of bools goes by its index, as in
            pandas: row numbers in any order, or concepts (of a word list, for example).
        concepts: the concept of each row.

    Raises:
        DataError: for a missing row or concept, and for a mask that does not cover the rows.

    >>> rows_of("sky", ["sea", "sky", "sky"]), rows_of(-1, ["sea", "sky"])
    ([1, 2], [1])
    >>> rows_of([True, False], ["sea", "sky"]), rows_of(slice(1, None), ["sea", "sky"])
    ([0], [1])
    >>> rows_of(pd.Series({"sky": True, "sea": False}), ["sea", "sky"])
    [1]
    """
    if isinstance(item, slice):
        return _rows_of_slice(item, len(concepts))
    if isinstance(item, tuple):
        raise DataError(
            "One index at a time: take run[2] for a prompt, and run.between(3, 3) for a layer."
        )
    if names_one(item):
        return _rows_of_one(_plain(item), concepts)
    items = [_plain(part) for part in _plain(item)]
    if items and all(isinstance(part, bool) for part in items):
        if isinstance(item, pd.Series):
            items = _aligned(item, concepts)
        if len(items) != len(concepts):
            raise DataError(
                f"This mask has {len(items)} values and there are {len(concepts)} rows: "
                "make the mask from the same prompts."
            )
        return [row for row, keep in enumerate(items) if keep]
    return [row for part in items for row in _rows_of_one(part, concepts)]


def _aligned(mask: pd.Series, concepts: Sequence[str]) -> list[bool]:
    """Return the values of a mask in the order of the rows that its index names."""
    rows, concepts, labels = list(range(len(concepts))), list(concepts), list(mask.index)
    if labels == concepts:  # which a pool has several times
        return mask.tolist()
    if mask.index.is_unique and set(labels) == set(rows):
        return mask.loc[rows].tolist()
    if mask.index.is_unique and set(labels) >= set(concepts):
        return mask.loc[concepts].tolist()
    raise DataError(
        "The index of this mask names other rows than there are here: make the mask from the same "
        "prompts, or take its values alone, mask.to_numpy()."
    )


def _rows_of_slice(item: slice, n_rows: int) -> list[int]:
    try:
        return list(range(n_rows)[item])
    except (TypeError, ValueError):
        raise DataError(f"{item} is not an index: write a slice with whole numbers.") from None


def names_one(item: object) -> bool:
    """Return whether an index names one thing, by number or concept, and not a list of things."""
    items = _plain(item)
    return isinstance(items, str) or not isinstance(items, (slice, Sequence))


def _plain(item: Any) -> Any:
    """Return an array, tensor or Series as a list, or as a number where it holds just one."""
    return item.tolist() if hasattr(item, "tolist") else item


def _rows_of_one(item: Any, concepts: Sequence[str]) -> list[int]:
    if isinstance(item, str):
        rows = [row for row, concept in enumerate(concepts) if concept == item]
        if not rows:
            raise DataError(
                f"There is no concept '{item}' here.{near(item, concepts)} "
                "Choose one of these prompts."
            )
        return rows
    try:
        if isinstance(item, bool):
            raise TypeError
        row = index(item)
    except TypeError:
        raise DataError(
            f"{item!r} is not an index: use a number, a slice, a concept, "
            "or a mask with one True or False per prompt."
        ) from None
    if not -len(concepts) <= row < len(concepts):
        raise DataError(f"There is no row {row}: there are {len(concepts)}, counted from 0.")
    return [row % len(concepts)]
