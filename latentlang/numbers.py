"""Numbers, as readers pass them."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from .errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST_SEED = 2**32 - 1  # as for numpy; torch and random take it too


def whole(value: Any) -> int:
    """Return a whole number; numbers of numpy, pandas and torch are as good as Python's.

    A mask is not a list of numbers: True is not 1.

    Raises:
        TypeError: for anything else.

    >>> import torch
    >>> whole(torch.tensor(16))
    16
    """
    try:
        number = value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError):  # of several numbers
        raise TypeError("several numbers") from None
    if isinstance(number, bool):
        raise TypeError("a truth value")
    return index(number)


def whole_number(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return the whole number that was passed as an argument.

    Args:
        name: of the argument.
        value: what was passed.
        least, most: the smallest and the largest number that is possible; None for any.

    Raises:
        DataError: for anything else.

    >>> whole_number("every", 4, 1)
    4
    """
    try:
        number = whole(value)
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        limit = f"{least} or more" if most is None else f"{least} to {most}"
        raise DataError(f"{name} is a whole number, {limit}, not {value!r}.")
    return number


def seed_number(seed: Any) -> int:
    """Return a seed. Raises ``DataError`` for what draws nothing, or not the same each time."""
    return whole_number("seed", seed, 0, _LARGEST_SEED)


def tensor_of(name: str, values: Any) -> Tensor:
    """Return numbers as a tensor; a list and an array of numpy are as good as one.

    Args:
        name: of the argument.
        values: what was passed.

    Raises:
        DataError: for anything else.

    >>> tensor_of("points", [[1.0, 0.0]])
    tensor([[1., 0.]])
    """
    import torch

    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise DataError(
            f"{name} must be numbers, and it is a {type(values).__name__}: pass a tensor, an array "
            "or a list."
        ) from None
