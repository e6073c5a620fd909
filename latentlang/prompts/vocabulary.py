"""A tokenizer's entries as bytes, for any family of tokenizers."""

from __future__ import annotations

import re
import weakref
from functools import cache
from typing import TYPE_CHECKING

from ..errors import DataError
from .token_texts import TokenText, TokenTexts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Vocabulary:
    """A tokenizer's entries as bytes.

    The families are SentencePiece, byte-level BPE, byte fallback, and BPE that marks the end of a
    word (OpenAI-GPT's ``the</w>``, read as ``b"the "``).

    ``bytes_of``: id -> its bytes; special tokens (``<s>``, ``<unk>``) have none. ``ids_of``: bytes
    -> the ids with exactly these bytes. ``fallback``: byte value -> id of the token for that single
    byte, empty in tokenizers without byte fallback. ``size``: how many entries; only here do
    special tokens count. ``length``: of the tokenizer, which grows when somebody adds tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        entries = tokenizer.get_vocab()
        added = tokenizer.get_added_vocab()
        self.size, self.length = len(entries), len(tokenizer)
        core = getattr(tokenizer, "backend_tokenizer", None)
        self._normalizer = getattr(core, "normalizer", None)
        self._end = getattr(getattr(core, "model", None), "end_of_word_suffix", None) or ""
        special = set(tokenizer.all_special_ids)
        own = entries.keys() - added.keys()
        byte_level = "Ġ" in own and "▁" not in own
        self.bytes_of: dict[int, bytes] = {}
        self.ids_of: dict[bytes, list[int]] = {}
        self.fallback: dict[int, int] = {}
        for entry, token_id in entries.items():
            if token_id in special:
                continue
            single = None if byte_level else _BYTE_TOKEN.fullmatch(entry)
            if single:
                value = int(single.group(1), 16)
                self.fallback[value] = token_id
                self.bytes_of[token_id] = bytes([value])
                continue
            # A token that somebody added is plain text, also in a byte-level vocabulary.
            spelled = self._spelled(entry, byte_level and entry not in added)
            self.bytes_of[token_id] = spelled
            self.ids_of.setdefault(spelled, []).append(token_id)

    def _spelled(self, entry: str, byte_level: bool) -> bytes:
        """Return the bytes of an entry; a space at the end says that the word ends there."""
        body = entry.removesuffix(self._end)
        end = b" " if body != entry else b""
        return (_byte_level(body) if byte_level else body.replace("▁", " ").encode()) + end

    def forms(self, word: str) -> tuple[str, ...]:
        """Return a word as entries spell it whole, in what the tokenizer makes of its letters.

        They have a space before it or none; where entries mark the end of a word, a space after it.
        """
        if self._normalizer is not None:
            word = self._normalizer.normalize_str(word)
        word = word.replace("▁", " ").strip(" ")
        if not word:
            return ()
        return (word + " ",) if self._end else (word, " " + word)

    def spells(self, token_ids: list[int]) -> bool:
        """Return whether there are tokens, and each of them is known to be a piece of text."""
        return bool(token_ids) and all(token_id in self.bytes_of for token_id in token_ids)


_vocabularies: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def vocabulary(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    """Return the tokenizer's ``Vocabulary``, built again only when tokens were added.

    Counting the tokens takes 2 ms for 262,144 of them: in a loop, ask once before it.
    """
    # One that is not on this machine says so itself.
    if not isinstance(tokenizer, TokenTexts) and not hasattr(tokenizer, "get_vocab"):
        raise DataError(
            f"A tokenizer is needed here, and this is a {type(tokenizer).__name__}: "
            "pass model.tokenizer."
        )
    kept = _vocabularies.get(tokenizer)
    if kept is None or kept.length != len(tokenizer):
        kept = _vocabularies[tokenizer] = Vocabulary(tokenizer)
    return kept


def token_bytes(token_id: int, tokenizer: PreTrainedTokenizerBase | TokenTexts) -> bytes | None:
    """Return the bytes of one token; None for a special token, and for an id without a token."""
    if isinstance(tokenizer, TokenTexts):
        return tokenizer.bytes_of(token_id)
    kept = _vocabularies.get(tokenizer)
    if kept is None or token_id not in kept.bytes_of:
        kept = vocabulary(tokenizer)
    return kept.bytes_of.get(token_id)


def token_name(token_id: int, tokenizer: PreTrainedTokenizerBase | TokenTexts) -> TokenText:
    """Return what one token stands for, as ``TokenText`` says."""
    spelled = token_bytes(token_id, tokenizer)
    if spelled is not None:
        return spelled
    entry = tokenizer.convert_ids_to_tokens(token_id)
    return None if entry is None else str(entry)


@cache
def _byte_alphabet() -> dict[str, int]:
    """Return the printable character of each byte in byte-level BPE (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(rest)}


def _byte_level(entry: str) -> bytes:
    """Return the bytes of a byte-level BPE entry; plain text entries are taken literally."""
    alphabet = _byte_alphabet()
    if all(c in alphabet for c in entry):
        return bytes(alphabet[c] for c in entry)
    return entry.encode()
