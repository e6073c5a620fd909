"""Tokens, words and language names made visible, and safe for HTML and Plotly."""

from __future__ import annotations

import html
import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

from ..prompts.vocabulary import token_bytes
from ..prompts.words import languages

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "\u00a0": "⍽", "\u3000": "⬚"}
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp", "Co", "Cn")  # Unicode categories


def visible(text: str) -> str:
    """Return ``text`` with visible signs for white space and control characters.

    Right-to-left text in it is isolated.

    >>> visible(" fleur\\n")
    '␣fleur⏎'
    """
    return isolate("".join(_sign(character) for character in text))


def _sign(character: str) -> str:
    """Return a character, or a visible sign for one that cannot be seen."""
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.category(character) in _INVISIBLE:
        return f"⟨{ord(character):X}⟩"
    return character


def isolate(text: str) -> str:
    """Return ``text`` so that its right-to-left letters do not reorder the text beside it."""
    mixed = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text)
    return _ISOLATE + text + _END_ISOLATE if mixed else text


def escape(text: str) -> str:
    """Return ``text`` that neither HTML nor Plotly (in labels and hovers) reads as tags.

    >>> escape("<b> $5")
    '&lt;b&gt; &#36;5'
    """
    # Plotly would print &quot; literally. Where MathJax is loaded, a pair of dollars would be set
    # as mathematics.
    return html.escape(text, quote=False).replace("$", "&#36;")


def token_text(token_id: int, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return one token as visible text; bytes that are not a whole character appear as ``⟨E4⟩``.

    Args:
        token_id: of the token.
        tokenizer: the model's, ``model.tokenizer``.
    """
    spelled = token_bytes(int(token_id), tokenizer)
    if spelled is None:
        # A special token such as <bos>, or a row of the output layer beyond the tokenizer.
        entry = tokenizer.convert_ids_to_tokens(int(token_id))
        return "⟨no token⟩" if entry is None else visible(str(entry))
    text = spelled.decode("utf-8", errors="surrogateescape")
    # Letters between lone bytes stay together: isolated one by one, Arabic ones would stand from
    # left to right, and not joined.
    text = re.sub("[^\udc80-\udcff]+", lambda letters: visible(letters[0]), text)
    return re.sub("[\udc80-\udcff]", lambda byte: f"⟨{ord(byte[0]) - 0xDC00:02X}⟩", text)


def token_label(token_id: int, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return one token as ``token_text``, safe in HTML and Plotly.

    A tag such as ``</b>`` is shown, not obeyed.
    """
    return escape(token_text(token_id, tokenizer))


def percent(share: float) -> str:
    """Return a share with three significant digits, so that a small one is not ``0%``.

    >>> percent(0.1234), percent(0.5), percent(0.0000034)
    ('12.3%', '50%', '0.00034%')
    """
    return f"{Decimal(f'{100 * share:.3g}'):f}%"


def language_label(code: str) -> str:
    """Return the name of a language with its endonym; an unknown code is returned as it is.

    >>> language_label("zh")
    'Chinese (中文)'
    """
    table = languages()
    if code not in table.index:
        return escape(code)
    name, endonym = table.loc[code, ["name", "endonym"]]
    return name if name == endonym else f"{name} ({isolate(endonym)})"


def language_name(code: str) -> str:
    """Return the English name of a language; an unknown code is returned as it is.

    >>> language_name("zh")
    'Chinese'
    """
    table = languages()
    return table.loc[code, "name"] if code in table.index else escape(code)
