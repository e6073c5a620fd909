"""The texts of the tokens that stored answers name, for a machine without the tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, NoReturn

import numpy as np

from ..errors import DataError

# What a token stands for: its bytes; the name of a special token; None for a row of the output
# layer beyond the tokenizer.
TokenText = bytes | str | None


class _MissingError(DataError, AttributeError):
    """What only a tokenizer has; ``hasattr`` finds that it is not there."""


class TokenTexts:
    """Stands where a model's tokenizer would: it names tokens, and it encodes no text.

    Args:
        name: of the model.
        advice: how to get a tokenizer, for the sentence that says that one is needed.
        tables: functions that return ``{token id: its text}``. Each is called when it is first
            needed, and never again.
    """

    def __init__(
        self, name: str, advice: str, tables: Iterable[Callable[[], Mapping[int, TokenText]]]
    ) -> None:
        self._name, self._advice = name, advice
        self._unread = list(tables)
        self._known: dict[int, TokenText] = {}
        self._lock = Lock()  # an explorer reads in several threads

    @classmethod
    def joined(cls, parts: Sequence[Any]) -> Any:
        """Return what names the tokens of all parts of one model; None if there is nothing.

        ``parts``: tokenizers, objects of this class, or None.
        """
        if any(part is None for part in parts):
            return None
        whole = [part for part in parts if not isinstance(part, TokenTexts)]
        if whole or len(set(parts)) == 1:
            return [*whole, parts[0]][0]
        return cls(parts[0]._name, parts[0]._advice, [part.all for part in dict.fromkeys(parts)])

    def all(self) -> Mapping[int, TokenText]:
        """Return every token that has a name here."""
        with self._lock:
            while self._unread:
                self._known = {**self._unread.pop(0)(), **self._known}
            return self._known

    def bytes_of(self, token_id: int) -> bytes | None:
        """Return the bytes of a token; None for a special token, and for an id without a token."""
        text = self._text(token_id)
        return text if isinstance(text, bytes) else None

    def convert_ids_to_tokens(self, token_id: int) -> str | None:
        """Return the name of a special token, or the text of any other one."""
        text = self._text(token_id)
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text

    def _text(self, token_id: int) -> TokenText:
        with self._lock:
            while token_id not in self._known:
                if not self._unread:
                    raise DataError(
                        f"No stored answer of {self._name} names token {token_id}: {self._advice}."
                    )
                self._known = {**self._unread.pop(0)(), **self._known}
            return self._known[token_id]

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise _MissingError(
            f"{self._name} was loaded without its tokenizer, and this needs one: {self._advice}."
        )

    __call__ = __len__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what Python and Jupyter ask of every object
            raise AttributeError(name)
        self._refuse()


def arrays_of(texts: Mapping[int, TokenText]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the texts of tokens as arrays, and what has no bytes as facts; see ``texts_of``."""
    ids = sorted(texts)
    pieces = [text if isinstance(text, bytes) else b"" for text in map(texts.get, ids)]
    arrays: dict[str, np.ndarray] = {
        "tokens": np.array(ids, dtype=np.uint32),
        "token_sizes": np.array([len(piece) for piece in pieces], dtype=np.uint16),
        "token_bytes": np.frombuffer(b"".join(pieces), dtype=np.uint8),
    }
    special = {str(n): texts[n] for n in ids if not isinstance(texts[n], bytes)}
    return arrays, {"special": special}


def texts_of(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> dict[int, TokenText]:
    """Return the texts of the tokens in the file of an answer; raises for anything else."""
    whole = arrays["token_bytes"].tobytes()
    ends = arrays["token_sizes"].cumsum().tolist()
    pieces = [whole[start:end] for start, end in zip([0, *ends], ends)]
    texts: dict[int, TokenText] = dict(zip(arrays["tokens"].tolist(), pieces, strict=True))
    for token_id, name in facts["special"].items():
        if name is not None and not isinstance(name, str):
            raise ValueError("not the name of a token")
        texts[int(token_id)] = name
    return texts
