"""Which token of each prompt an intervention changes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from ..errors import TraceError
from ..models.model import Model
from .inputs import Inputs

_SHOWN = 40  # characters at the end of a prompt that a message quotes


def positions_of(
    model: Model, inputs: Inputs, encoded: Sequence[Sequence[int]], at: Any
) -> list[int]:
    """Return a position of each prompt, counted from 0.

    Args:
        model: whose tokenizer made the tokens.
        inputs: the prompts.
        encoded: their token ids.
        at: ``"last"``; ``"word"``, the last token of the queried word; or a number, counted from 0
            at the beginning or from -1 at the end.

    Raises:
        TraceError: for another position, one outside a prompt, and a prompt without a queried word.
    """
    if at == "last":
        return [len(ids) - 1 for ids in encoded]
    if at == "word":
        return [_word(model, inputs, row, ids) for row, ids in enumerate(encoded)]
    try:
        if isinstance(at, (str, bool)):
            raise TypeError
        number = index(at)
    except TypeError:
        raise TraceError(
            f"at={at!r} is not a position: use 'last', 'word' or the number of a token."
        ) from None
    for text, ids in zip(inputs.texts, encoded):
        if not -len(ids) <= number < len(ids):
            raise TraceError(
                f"There is no position {number} in the prompt that ends in {text[-_SHOWN:]!r}: it "
                f"has {len(ids)} tokens, 0 to {len(ids) - 1}."
            )
    return [number % len(ids) for ids in encoded]


def _word(model: Model, inputs: Inputs, row: int, ids: Sequence[int]) -> int:
    """Return the position of the last token of a prompt's queried word."""
    text, span = inputs.texts[row], inputs.words[row]
    if span is None:
        raise TraceError(
            f"The prompt that ends in {text[-_SHOWN:]!r} shows no queried word, so it has no "
            "position 'word': use at='last', a number, or prompts of a translation."
        )
    if not model.tokenizer.is_fast:
        raise TraceError(
            f"{model.name}'s tokenizer does not tell where its tokens stand in a text, so 'word' "
            "cannot be found: use at='last' or a number."
        )
    offsets = model.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    last = span[1] - 1
    # Several tokens stand at one character where a tokenizer spells it in bytes: the last counts.
    return max(place for place, (start, end) in enumerate(offsets) if start <= last < end)
