"""How wide a text is on the screen, lines that fit, and labels that keep apart."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

# Widths of Noto Sans and Arial in em, rounded up: a text that is thought too wide does no harm.
_NARROW, _WIDE, _USUAL, _CAPITAL = 0.34, 0.92, 0.60, 0.70


def text_width(text: str, size: float) -> float:
    """Return how wide a text is, in pixels, without the tags that Plotly reads; its widest line.

    >>> text_width("<b>to</b><br>lay", 10) < text_width("layer", 10) < text_width("中文字字", 10)
    True
    """
    lines = re.split(r"<br\s*/?>", text)
    return size * max(sum(map(_em, plain(line))) for line in lines)


def plain(text: str) -> str:
    """Return text without the tags that Plotly reads."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def _em(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in "iljtfrI.,:;'|!()[]· ":
        return _NARROW
    if character in "mwMW%@→—…":
        return _WIDE
    return _CAPITAL if character.isupper() else _USUAL


def wrapped(text: str, size: float, room: float) -> list[str]:
    """Return the lines of a text that fit into ``room`` pixels, broken at spaces.

    >>> wrapped("English rises to 9 %", 10, 80)
    ['English rises to', '9 %']
    """
    return _filled(re.split(r" (?![^<]*>)", text), " ", size, room)  # not inside a tag


def wrapped_facts(facts: Sequence[str], size: float, room: float) -> list[str]:
    """Return facts in lines that fit into ``room`` pixels; a fact is broken only if it must be.

    >>> wrapped_facts(["n = 9", "a model", "mean"], 10, 110)
    ['n = 9 · a model', 'mean']
    """
    pieces = [line for fact in facts for line in wrapped(fact, size, room)]
    return _filled(pieces, " · ", size, room)


def _filled(pieces: Sequence[str], joint: str, size: float, room: float) -> list[str]:
    lines: list[str] = []
    for piece in pieces:
        longer = joint.join([*lines[-1:], piece])
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def apart(places: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Return new middles for labels on a line, so that none covers another, close to the old ones.

    Labels that meet share the shift, and all stay between ``low`` and ``high`` if they fit.

    Args:
        places: the wanted middles, in pixels, in any order.
        sizes: how long each label is.
        low: where the line begins.
        high: where it ends.

    >>> apart([10, 12, 50], [10, 10, 10], 0, 100)
    [6.0, 16.0, 50.0]
    """
    order = sorted(range(len(places)), key=lambda n: places[n])
    # Each block is a row of labels that touch: its labels, and where its first one begins.
    blocks: list[tuple[list[int], float]] = []
    for n in order:
        block, start = [n], places[n] - sizes[n] / 2
        while blocks and blocks[-1][1] + sum(sizes[m] for m in blocks[-1][0]) > start:
            block = blocks.pop()[0] + block
            start = _start(block, places, sizes)
        blocks.append((block, start))
    moved = list(places)
    floor = low
    for number, (block, start) in enumerate(blocks):
        behind = sum(sizes[m] for later, _ in blocks[number:] for m in later)
        at = max(floor, min(start, high - behind))
        for n in block:
            moved[n] = at + sizes[n] / 2
            at += sizes[n]
        floor = at
    return [float(place) for place in moved]


def _start(block: Sequence[int], places: Sequence[float], sizes: Sequence[float]) -> float:
    """Return where a row of touching labels begins so that their shifts add up to zero."""
    offsets, at = [], 0.0
    for n in block:
        offsets.append(places[n] - (at + sizes[n] / 2))
        at += sizes[n]
    return sum(offsets) / len(offsets)
