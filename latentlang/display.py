"""Tokens and text made safe and visible, and the colours and fonts of every figure."""

from __future__ import annotations

import html
import unicodedata

from .data import languages
from .tokens import vocabulary

# Okabe and Ito's colour-blind safe palette; English orange and target blue as in the paper.
PIVOT, TARGET, SOURCE, OTHER = "#D55E00", "#0072B2", "#009E73", "#CC79A7"
MUTED = "#5F6B7A"
FONT = (
    "Noto Sans, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Hiragino Sans', "
    "'Noto Naskh Arabic', 'Noto Sans Devanagari', Arial, sans-serif"
)
_SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "\u00a0": "⍽", "\u3000": "⬚"}
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def visible(text: str) -> str:
    """Return ``text`` with white space and control characters as visible signs and bidirectional text isolated.

    >>> visible(" fleur\\n")
    '␣fleur⏎'
    """
    signs = "".join(
        _SIGNS.get(c) or (f"⟨{ord(c):X}⟩" if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn") else c) for c in text
    )
    return isolate(signs)


def isolate(text: str) -> str:
    """Return ``text`` so that right-to-left letters in it do not turn round what stands beside them."""
    mixed = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text)
    return _ISOLATE + text + _END_ISOLATE if mixed else text


def escape(text: str) -> str:
    """Return ``text`` that neither HTML nor Plotly (which reads tags in labels and hovers) will interpret as tags."""
    # Plotly would print &quot; as it stands; a pair of dollars would be set as mathematics where MathJax is loaded.
    return html.escape(text, quote=False).replace("$", "&#36;")


def token_text(token_id: int, tokenizer) -> str:
    """Return one token as visible text; bytes that are no whole character appear as ``⟨E4⟩``."""
    spelled = vocabulary(tokenizer).bytes_of.get(int(token_id))
    if spelled is None:  # a special token such as <bos>
        return visible(str(tokenizer.convert_ids_to_tokens(int(token_id))))
    text = spelled.decode("utf-8", errors="surrogateescape")
    lone = {c: f"⟨{ord(c) - 0xDC00:02X}⟩" for c in text if 0xDC80 <= ord(c) <= 0xDCFF}
    return "".join(lone.get(c) or visible(c) for c in text) if lone else visible(text)


def token_label(token_id: int, tokenizer) -> str:
    """Return one token as ``token_text`` that is also safe in HTML and Plotly: ``</b>`` is shown, not obeyed."""
    return escape(token_text(token_id, tokenizer))


def language_label(code: str) -> str:
    """Return ``"Chinese (中文)"`` for a language code; a code we do not know stands for itself."""
    table = languages()
    if code not in table.index:
        return escape(code)
    name, endonym = table.loc[code, ["name", "endonym"]]
    return name if name == endonym else f"{name} ({isolate(endonym)})"


def language_style(code: str, target: str, pivot: str, source: str = "") -> dict:
    """Return the colour, dash and marker of a language's curve, so that no curve is told by colour alone."""
    if code == pivot:
        return {"color": PIVOT, "dash": "solid", "symbol": "circle"}
    if code == target:
        return {"color": TARGET, "dash": "dash", "symbol": "square"}
    if code == source:
        return {"color": SOURCE, "dash": "dot", "symbol": "diamond"}
    return {"color": OTHER, "dash": "dashdot", "symbol": "x"}
