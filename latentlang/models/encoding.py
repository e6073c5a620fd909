"""A reader's text as token ids, which must be of a number that the model can read."""

from __future__ import annotations

from ..errors import TraceError
from .model import Model


def encode(model: Model, text: str) -> list[int]:
    """Return the token ids of a text, with what the tokenizer puts in front of it.

    Raises:
        TraceError: The text has no token, or more than the model can read.
    """
    ids = model.tokenizer(text)["input_ids"]
    if not ids:
        raise TraceError(
            f"{model.name}'s tokenizer has no token for the text {text!r}: leave it out."
        )
    check_length(model, len(ids), text)
    return ids


def check_length(model: Model, n_tokens: int, text: str) -> None:
    """Refuse a text, and what follows it, of more tokens than a model has positions for.

    Args:
        model: that is to read it.
        n_tokens: how many there are.
        text: is named in the message.

    Raises:
        TraceError: There are too many.
    """
    if n_tokens > model.longest_text:
        raise TraceError(
            f"{model.name} reads at most {model.longest_text} tokens, and the text that begins "
            f"with {text[:40]!r} has {n_tokens}: shorten it, a prompt with a smaller k."
        )
