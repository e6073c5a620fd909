"""Start(w): the token ids with which a tokenizer can begin to spell a word (paper, App. A.2).

A model that is asked for a word does not put all its probability on one token: ``fleur`` may begin
with ``fleur``, with `` fle`` or with ``f``. The probability of a word at a layer is therefore the
sum over all the tokens that begin it.
"""

from __future__ import annotations

import random
import re
import unicodedata
import weakref
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from ..errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerBase

MODES = ("prefix", "word", "first")
LARGE_VOCABULARY = 100_000
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Vocabulary:
    """A tokenizer's entries as bytes, for any family of tokenizers.

    The families are SentencePiece, byte-level BPE and byte fallback. ``bytes_of``: id -> its bytes.
    ``ids_of``: bytes -> the ids with exactly these bytes. ``fallback``: byte value -> id of the
    token for that single byte, empty in tokenizers without byte fallback. ``size``: how many
    entries; only here do special tokens (``<s>``, ``<pad>``) count.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
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


def vocabulary(tokenizer: PreTrainedTokenizerBase) -> Vocabulary:
    """Return the tokenizer's ``Vocabulary``, built once per tokenizer."""
    if not hasattr(tokenizer, "get_vocab"):
        raise DataError(
            f"A tokenizer is needed here, and this is a {type(tokenizer).__name__}: "
            "pass model.tokenizer."
        )
    if tokenizer not in _vocabularies:
        _vocabularies[tokenizer] = Vocabulary(tokenizer)
    return _vocabularies[tokenizer]


def start_ids(
    word: str, tokenizer: PreTrainedTokenizerBase, mode: str | None = "prefix"
) -> frozenset[int]:
    """Return the ids of the tokens that begin ``word``, with or without a space before it.

    Source: paper, App. A.2.

    Args:
        word: one spelling of a word.
        tokenizer: the model's, ``model.tokenizer``.
        mode: which tokens count.
            ``"prefix"``: every entry that is a non-empty prefix of the word (the paper's rule).
            For a script other than Latin also the tokens that end inside the first character:
            the first UTF-8 byte if the tokenizer falls back to bytes.
            ``"word"``: only entries that spell the whole word.
            ``"first"``: the token that the tokenizer itself puts first, with and without the space.
            None: ``"prefix"`` for vocabularies of up to 100,000 entries. In larger ones nearly
            every short string is a token, and ``f`` would count for fleur and flower alike. There
            it is ``"word"`` if the word is one token right after a quote, else ``"first"``.

    Returns:
        The ids; none, for example, if no entry spells the word in mode ``"word"``.

    Raises:
        DataError: for an empty word or an unknown mode.

    >>> import latentlang as ll
    >>> tokenizer = ll.load_model().tokenizer
    >>> tokenizer.convert_ids_to_tokens(sorted(ll.start_ids("fleur", tokenizer)))
    ['▁f', '▁fl', 'fl', '▁fle', 'fle', '▁fleur', 'f']
    >>> tokenizer.convert_ids_to_tokens(sorted(ll.start_ids("fleur", tokenizer, "first")))
    ['▁fleur', 'f']
    """
    if not word or not word.strip():
        raise DataError("An empty word begins with no token: give start_ids a word.")
    vocab = vocabulary(tokenizer)
    if mode is None:
        if vocab.size <= LARGE_VOCABULARY:
            return start_ids(word, tokenizer, "prefix")
        single = len(tokenize_word(word, tokenizer)) == 1
        return start_ids(word, tokenizer, "word" if single else "first")
    texts = (word, " " + word)
    if mode == "prefix":
        return frozenset(_prefix_ids(word, vocab))
    if mode == "word":
        return frozenset(i for text in texts for i in vocab.ids_of.get(text.encode(), ()))
    if mode == "first":
        spellings = (tokenize_word(text, tokenizer) for text in texts)
        return frozenset(ids[0] for ids in spellings if ids)
    raise DataError(f"Unknown mode '{mode}': use one of {', '.join(MODES)}.")


def start_ids_of_all(
    spellings: Iterable[str], tokenizer: PreTrainedTokenizerBase, mode: str | None
) -> frozenset[int]:
    """Return Start(w) for a word with several accepted spellings: the union of their sets."""
    return frozenset().union(*(start_ids(spelling, tokenizer, mode) for spelling in spellings))


def tokenize_word(word: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that spell ``word`` right after an opening quote or a line's start.

    SentencePiece tokenizers put a space before the first word of an input, and some byte-level
    ones join an opening quote to the word. So the word is read behind an anchor, and the anchor's
    own tokens are skipped, as are bare spaces. The list is empty if the tokenizer has no tokens for
    the word.
    """
    vocab = vocabulary(tokenizer)
    for anchor in ('"', "\n"):
        ids = tokenizer.encode(anchor + word, add_special_tokens=False)
        read = b""
        for position, token_id in enumerate(ids):
            if read.lstrip(b" ") == anchor.encode():
                rest = ids[position:]
                while rest and not vocab.bytes_of.get(rest[0], b" ").strip(b" "):
                    rest = rest[1:]
                if rest:
                    return rest
            read += vocab.bytes_of.get(token_id, b"")
    return []


def matched_controls(
    words: pd.Series, tokenizer: PreTrainedTokenizerBase, seed: int
) -> dict[str, str]:
    """Return for each concept another one whose word is of similar length and frequency.

    The rank of a word's first token stands for its frequency: tokenizers number their entries
    roughly from frequent to rare. The other concept is drawn from the five nearest ranks among the
    words that differ by at most one letter in length.

    Args:
        words: spellings by concept.
        tokenizer: the model's, ``model.tokenizer``.
        seed: draws the concepts.
    """
    usable = {
        concept: cell[0]
        for concept, cell in words.items()
        if cell and tokenize_word(cell[0], tokenizer)
    }
    rank = {concept: tokenize_word(" " + word, tokenizer)[0] for concept, word in usable.items()}
    controls = {}
    for concept, word in usable.items():
        alike = [
            other
            for other in usable
            if other != concept and abs(len(usable[other]) - len(word)) <= 1
        ]
        nearest = sorted(alike, key=lambda other: abs(rank[other] - rank[concept]))[:5]
        controls[concept] = random.Random(f"{seed}|{concept}").choice(nearest or [concept])
    return controls


def _prefix_ids(word: str, vocab: Vocabulary) -> Iterable[int]:
    """Yield the ids of all entries that are a prefix of ``word`` or of ``" " + word``."""
    latin = is_latin(word)
    for text in (word, " " + word):
        spelled = text.encode()
        starts_at = len(text) - len(word)
        whole = {len(text[:n].encode()) for n in range(starts_at + 1, len(text) + 1)}
        for length in range(starts_at + 1, len(spelled) + 1):
            # A token that ends inside a character says too little about a Latin word to count.
            if length in whole or not latin:
                yield from vocab.ids_of.get(spelled[:length], ())
    if not latin and word.encode()[0] in vocab.fallback:
        yield vocab.fallback[word.encode()[0]]


def is_latin(word: str) -> bool:
    """Return whether the word's first letter is of the Latin script.

    >>> is_latin("fleur"), is_latin("книга")
    (True, False)
    """
    first = next((c for c in word if c.isalpha()), word[0])
    return unicodedata.name(first, "").startswith("LATIN")


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
