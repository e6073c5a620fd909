"""Start(w): the token ids with which a tokenizer can begin to spell a word (paper, App. A.2).

A model that is asked for a word does not put all its probability on one token: ``fleur`` may begin
with ``fleur``, with `` fle`` or with ``f``. The probability of a word at a layer is therefore the
sum over all the tokens that begin it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from ..errors import DataError
from .vocabulary import Vocabulary, vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MODES = ("prefix", "word", "first")
LARGE_VOCABULARY = 100_000


def start_ids(
    word: str, tokenizer: PreTrainedTokenizerBase, mode: str | None = "prefix"
) -> frozenset[int]:
    """Return the ids of the tokens that begin ``word``, with or without a space before it.

    Source: paper, App. A.2.

    Args:
        word: one spelling of a word; spaces around it do not count.
        tokenizer: the model's, ``model.tokenizer``.
        mode: which tokens count.
            ``"prefix"``: every entry that is a non-empty prefix of the word (the paper's rule).
            For a script other than Latin also the tokens that end inside the first character:
            the first UTF-8 byte if the tokenizer falls back to bytes.
            ``"word"``: only entries that spell the whole word.
            ``"first"``: the token that the tokenizer itself puts first, with and without the space;
            none if it is unknown to the tokenizer.
            None: ``"prefix"`` for vocabularies of up to 100,000 entries. There ``f`` counts for
            fleur and flower alike, and the paper drops such words. To lose fewer, in larger ones
            it is ``"word"`` if the word is one token right after a quote, else ``"first"``.

    Returns:
        The ids; none, for example, if no entry spells the word in mode ``"word"``.

    Raises:
        DataError: for anything but a word, an empty one, and an unknown mode.

    >>> import latentlang as ll
    >>> tokenizer = ll.load_model().tokenizer
    >>> tokenizer.convert_ids_to_tokens(sorted(ll.start_ids("fleur", tokenizer)))
    ['▁f', '▁fl', 'fl', '▁fle', 'fle', '▁fleur', 'f']
    >>> tokenizer.convert_ids_to_tokens(sorted(ll.start_ids("fleur", tokenizer, "first")))
    ['▁fleur', 'f']
    """
    if not isinstance(word, str) or not word.strip():
        raise DataError(f"{word!r} is not a word: give start_ids a word, such as 'fleur'.")
    return Starts(tokenizer, mode).of(word)


def tokenize_word(word: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens that spell ``word`` right after an opening quote or a line's start.

    SentencePiece tokenizers put a space before the first word of an input, and some byte-level
    ones join an opening quote to the word. So the word is read behind an anchor, and the anchor's
    own tokens are skipped, as are bare spaces. The list is empty if the first token of the word is
    unknown to the tokenizer.
    """
    return Starts(tokenizer).tokenize(word)


class Starts:
    """Start(w) of many words, for one tokenizer and mode; the tokenizer is looked at once.

    ``mode``: as ``start_ids`` takes it; None for a small vocabulary is kept as ``"prefix"``.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mode: str | None = None) -> None:
        if mode is not None and mode not in MODES:
            raise DataError(f"Unknown mode '{mode}': use one of {', '.join(MODES)}.")
        self.tokenizer, self.vocab = tokenizer, vocabulary(tokenizer)
        small = self.vocab.size <= LARGE_VOCABULARY
        self.mode = "prefix" if mode is None and small else mode
        self._read: dict[str, list[int]] = {}

    def read(self, words: list[str]) -> None:
        """Tokenize many words at once where the mode asks for it: it is faster than one by one."""
        if self.mode in (None, "first"):
            self._encode(words)
            cut = [word for word in words if self.mode or len(self.tokenize(word)) != 1]
            self._encode([" " + word for word in cut])

    def of(self, word: str) -> frozenset[int]:
        """Return the ids of the tokens that begin a word that is not empty."""
        word = word.strip()
        if self.mode == "prefix":
            return frozenset(_prefix_ids(word, self.vocab))
        if self.mode == "word":
            return self.whole(word)
        spelled = self.tokenize(word)
        if self.mode is None and len(spelled) == 1:
            return self.whole(word)
        return frozenset([*spelled[:1], *self.tokenize(" " + word)[:1]])

    def whole(self, word: str) -> frozenset[int]:
        """Return the ids of the tokens that spell the whole of a word."""
        forms = self.vocab.forms(word)
        return frozenset(i for form in forms for i in self.vocab.ids_of.get(form.encode(), ()))

    def tokenize(self, word: str) -> list[int]:
        """Return the tokens that spell a word right after a quote, as ``tokenize_word`` does."""
        pieces = self.vocab.bytes_of
        for anchor in ('"', "\n"):
            if anchor + word not in self._read:
                self._encode([word], anchor)
            ids, read = self._read[anchor + word], b""
            for position, token_id in enumerate(ids):
                if read.strip(b" ") == anchor.encode():
                    rest = ids[position:]
                    while rest and pieces.get(rest[0], b"?").strip(b" ") == b"":
                        rest = rest[1:]
                    if rest:
                        return rest if rest[0] in pieces else []
                read += pieces.get(token_id, b"")
        return []

    def _encode(self, words: list[str], anchor: str = '"') -> None:
        texts = [anchor + word for word in words]
        if texts:
            options = {"add_special_tokens": False, "return_attention_mask": False}
            self._read.update(zip(texts, self.tokenizer(texts, **options)["input_ids"]))


def _prefix_ids(word: str, vocab: Vocabulary) -> Iterator[int]:
    """Yield the ids of all entries that are a prefix of ``word``, also with a space before it."""
    for form in vocab.forms(word):
        latin = script(form.strip()) == "LATIN"
        spelled = form.encode()
        starts_at = len(form) - len(form.lstrip(" "))
        lengths: Iterable[int] = range(starts_at + 1, len(spelled) + 1)
        if latin:  # a token that ends inside a character says too little about a word to count
            letters = (len(letter.encode()) for letter in form[starts_at:])
            lengths = islice(accumulate(letters, initial=starts_at), 1, None)
        for length in lengths:
            yield from vocab.ids_of.get(spelled[:length], ())
        if not latin and spelled[starts_at] in vocab.fallback:
            yield vocab.fallback[spelled[starts_at]]


def script(word: str) -> str:
    """Return the script of the word's first letter, as Unicode names it.

    >>> script("fleur"), script("книга"), script("花")
    ('LATIN', 'CYRILLIC', 'CJK')
    """
    return _script_of(next(filter(str.isalpha, word), word[0]))


@cache
def _script_of(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
