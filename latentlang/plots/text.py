"""Tokens, words and language names made visible, and safe for HTML and Plotly."""

from __future__ import annotations

import html
import unicodedata
from typing import TYPE_CHECKING

from ..prompts.tokens import vocabulary
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
    spelled = vocabulary(tokenizer).bytes_of.get(int(token_id))
    if spelled is None:  # a special token such as <bos>
        return visible(str(tokenizer.convert_ids_to_tokens(int(token_id))))
    text = spelled.decode("utf-8", errors="surrogateescape")
    lone = {c: f"⟨{ord(c) - 0xDC00:02X}⟩" for c in text if 0xDC80 <= ord(c) <= 0xDCFF}
    return "".join(lone.get(c) or visible(c) for c in text) if lone else visible(text)


def token_label(token_id: int, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return one token as ``token_text``, safe in HTML and Plotly.

    A tag such as ``</b>`` is shown, not obeyed.
    """
    return escape(token_text(token_id, tokenizer))


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
