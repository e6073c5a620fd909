"""The exceptions that latentlang raises on purpose.

Each message is one sentence that names the problem and the next step, so that a
student who sees only the last line of a traceback knows what to type.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LatentLangError(Exception):
    """Base of every error that latentlang raises on purpose."""


class DataError(LatentLangError):
    """A data file, language code, concept or prompt request that cannot be used."""


class ModelError(LatentLangError):
    """A model that cannot be found, loaded or read layer by layer."""


class NotFiniteError(ModelError):
    """A model whose numbers overflow in its number format."""


class TraceError(LatentLangError):
    """A decoding request that does not fit the model or the prompts."""


def near(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` when some known name is close, else an empty string.

    >>> near("chinese", ["Chinese", "German"])
    " Did you mean 'Chinese'?"
    """
    by_lower = {str(k).lower(): str(k) for k in known}
    match = get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[match[0]]}'?" if match else ""
