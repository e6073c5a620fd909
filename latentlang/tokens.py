"""Start(w): the token ids with which a tokenizer can begin to spell a word (paper, App. A.2).

Asked for a word, a model does not put all its probability on one token: ``fleur`` may begin
with ``fleur``, with `` fle`` or with ``f``. The probability of a word at a layer is
therefore the sum over all the tokens that begin it.
"""

from __future__ import annotations

import re
import unicodedata
import weakref
from collections.abc import Iterable
from functools import cache

from .errors import DataError

MODES = ("prefix", "word", "first")
LARGE_VOCABULARY = 100_000
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Vocabulary:
    """A tokenizer's entries as bytes, whatever its family (SentencePiece, byte-level BPE, byte fallback).

    ``bytes_of``: id -> the bytes it stands for. ``ids_of``: bytes -> ids that stand for just
    these bytes. ``size``: how many entries, special ones too. ``fallback``: byte value -> id of the token for that single byte, empty in
    tokenizers without byte fallback. Special tokens (``<s>``, ``<pad>``) are left out.
    """

    def __init__(self, tokenizer) -> None:
        entries = tokenizer.get_vocab()
        self.size = len(entries)
        special = set(tokenizer.all_special_ids)
        byte_level = "Ġ" in entries and "▁" not in entries
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
            spelled = _byte_level(entry) if byte_level else entry.replace("▁", " ").encode()
            self.bytes_of[token_id] = spelled
            self.ids_of.setdefault(spelled, []).append(token_id)


_vocabularies: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def vocabulary(tokenizer) -> Vocabulary:
    """Return the tokenizer's ``Vocabulary``, built once for each tokenizer."""
    if tokenizer not in _vocabularies:
        _vocabularies[tokenizer] = Vocabulary(tokenizer)
    return _vocabularies[tokenizer]


def start_ids(word: str, tokenizer, mode: str | None = "prefix") -> frozenset[int]:
    """Return the ids of the tokens that begin ``word``, with or without a space before it.

    ``mode``
        ``"prefix"``: every entry that is a non-empty prefix of the word (the paper's rule).
        For a script other than Latin also the tokens that end inside the first character:
        the first UTF-8 byte where the tokenizer falls back to bytes.
        ``"word"``: only entries that spell the whole word.
        ``"first"``: the token that the tokenizer itself puts first, with and without the space.
        ``None``: ``"prefix"`` for vocabularies of up to 100,000 entries; above, ``"word"``
        where the word is one token and ``"first"`` where it is not (nearly every short
        string is a token there, and ``f`` would count towards fleur and flower alike).

    The set may be empty (``"word"`` when no entry spells it). Raises ``DataError`` for an
    empty word or an unknown mode.
    """
    if not word or not word.strip():
        raise DataError("An empty word begins with no token: give start_ids a word.")
    vocab = vocabulary(tokenizer)
    if mode is None:
        if vocab.size <= LARGE_VOCABULARY:
            return start_ids(word, tokenizer, "prefix")
        return start_ids(word, tokenizer, "word") or start_ids(word, tokenizer, "first")
    if mode == "prefix":
        return frozenset(_prefix_ids(word, vocab))
    if mode == "word":
        return frozenset(i for text in (word, " " + word) for i in vocab.ids_of.get(text.encode(), ()))
    if mode == "first":
        return frozenset(i for i in (_first_id(word, tokenizer, vocab), _first_id(" " + word, tokenizer, vocab)) if i is not None)
    raise DataError(f"Unknown mode '{mode}': use one of {', '.join(MODES)}.")


def start_ids_of_all(spellings: Iterable[str], tokenizer, mode: str | None) -> frozenset[int]:
    """Return Start(w) for a word with several accepted spellings: the union of their sets."""
    return frozenset().union(*(start_ids(spelling, tokenizer, mode) for spelling in spellings))


def answer_token(word: str, tokenizer) -> int:
    """Return the id of the token that a model should say right after ``"`` to begin ``word``."""
    token_id = _first_id(word, tokenizer, vocabulary(tokenizer))
    if token_id is None:
        raise DataError(f"This tokenizer cannot spell '{word}': leave the word out.")
    return token_id


def _prefix_ids(word: str, vocab: Vocabulary) -> Iterable[int]:
    """Yield the ids of all entries that are a prefix of ``word`` or of ``" " + word``."""
    latin = is_latin(word)
    for text in (word, " " + word):
        spelled = text.encode()
        starts_at = len(text) - len(word)
        whole = {len(text[:n].encode()) for n in range(starts_at + 1, len(text) + 1)}
        for length in range(starts_at + 1, len(spelled) + 1):
            # A token that ends inside a character tells letters of a Latin word apart too badly to count.
            if length in whole or not latin:
                yield from vocab.ids_of.get(spelled[:length], ())
    if not latin and word.encode()[0] in vocab.fallback:
        yield vocab.fallback[word.encode()[0]]


def _first_id(text: str, tokenizer, vocab: Vocabulary) -> int | None:
    """Return the first token of ``text`` when it stands inside a line, not at the start of the input.

    SentencePiece tokenizers put a space before the first word of an input, and some byte-level
    ones glue an opening quote to the word; so the text is read behind an anchor, and the
    anchor's own tokens are skipped. A bare space does not count as a beginning.
    """
    for anchor in ('"', "\n"):
        ids = tokenizer.encode(anchor + text, add_special_tokens=False)
        read = b""
        for position, token_id in enumerate(ids):
            if read.lstrip(b" ") == anchor.encode():
                rest = [i for i in ids[position:] if vocab.bytes_of.get(i, b" ").strip(b" ")]
                return rest[0] if rest else None
            read += vocab.bytes_of.get(token_id, b"")
    return None


def is_latin(word: str) -> bool:
    """Return whether the word's first letter is of the Latin script.

    >>> is_latin("fleur"), is_latin("книга")
    (True, False)
    """
    first = next((c for c in word if c.isalpha()), word[0])
    return unicodedata.name(first, "").startswith("LATIN")


@cache
def _byte_alphabet() -> dict[str, int]:
    """Return the printable stand-in of every byte in byte-level BPE (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + n): b for n, b in enumerate(rest)}


def _byte_level(entry: str) -> bytes:
    """Return the bytes of a byte-level BPE entry; entries added as plain text are taken as they are."""
    alphabet = _byte_alphabet()
    if all(c in alphabet for c in entry):
        return bytes(alphabet[c] for c in entry)
    return entry.encode()
