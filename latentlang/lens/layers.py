"""Layer numbers, as readers write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import DataError
from ..numbers import whole


def layer_number(layer: Any) -> int:
    """Return a layer's number; numbers of numpy, pandas and torch are as good as Python's.

    A mask is not a list of layers: True is not layer 1.

    Raises:
        DataError: for anything but a whole number.

    >>> import torch
    >>> layer_number(torch.tensor(16))
    16
    """
    try:
        return whole(layer)
    except TypeError:
        raise DataError(
            f"{layer!r} is not the number of a layer: write whole numbers, such as 16."
        ) from None


def places_between(layers: Sequence[int], first: Any, last: Any) -> list[int]:
    """Return where the layers from ``first`` to ``last``, both included, are among some layers.

    Raises:
        DataError: for none, and for anything but whole numbers.

    >>> places_between([1, 2, 4, 5], 2, 4)
    [1, 2]
    """
    first, last = layer_number(first), layer_number(last)
    places = [place for place, layer in enumerate(layers) if first <= layer <= last]
    if not places:
        raise DataError(
            f"There is no layer from {first} to {last}: this run has layers {layers[0]} "
            f"to {layers[-1]}."
        )
    return places


def layer_spans(layers: Iterable[int]) -> str:
    """Return layers in words; an empty text for none.

    >>> layer_spans([12, 13, 14, 17]), layer_spans([3])
    ('layers 12–14, 17', 'layer 3')
    """
    numbers = sorted(set(layers))
    firsts = [n for n in numbers if n - 1 not in numbers]
    lasts = [n for n in numbers if n + 1 not in numbers]
    spans = [f"{a}–{b}" if a < b else f"{a}" for a, b in zip(firsts, lasts)]
    word = "layer" if len(numbers) == 1 else "layers"
    return f"{word} {', '.join(spans)}" if spans else ""
