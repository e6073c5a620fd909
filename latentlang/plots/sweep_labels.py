"""What the labels of a sweep stand for: whose word, in which language; their names and looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from ..lens.sweep_result import Sweep
from ..lens.tensors import YARDSTICK
from ..prompts.words import languages
from .style import OTHER_COLOR, PIVOT_COLOR, SOURCE_COLOR, TARGET_COLOR, language_style
from .text import escape, language_name

OWN, OTHER = "own", "other"
# Of labels that name no language. Shapes tell them apart as well.
_FREE = (
    (OTHER_COLOR, "circle"),
    (TARGET_COLOR, "square"),
    (PIVOT_COLOR, "diamond"),
    (SOURCE_COLOR, "x"),
)
_PAIR = re.compile(r"([AB]) in (\S+)")


@dataclass(frozen=True)
class Answer:
    """What a label stands for.

    ``whose``: the word of the concept that the prompt asks about (``OWN``), of another concept
    (``OTHER``), or nothing where the label does not say. ``code``: the language of the word, or
    nothing. ``name``: for titles and line ends. ``short``: for a cell of a table.
    """

    whose: str
    code: str
    name: str
    short: str = ""


def answers_of(sweep: Sweep) -> dict[str, Answer]:
    """Return what each label of a sweep stands for.

    ``ll.pairs`` makes labels such as ``"A in en"``: A is the concept that the latents are about, B
    the one that the prompt asks about. Its label ``"pivot"`` is for the words of both in the pivot
    language. The code of a language stands for the prompt's own word, and ``"other:zh"`` for the
    words of its yardstick.
    """
    return {
        label: Answer("", sweep.pivot, f"A or B in {language_name(sweep.pivot)}", "p")
        if label == "pivot" and sweep.pivot
        else _answer(label)
        for label in sweep.labels
    }


def _answer(label: str) -> Answer:
    """Return what a label stands for in any sweep.

    >>> _answer("A in zh")
    Answer(whose='other', code='zh', name='A in Chinese', short='A')
    >>> _answer("other:zh").name, _answer("right").name
    ('Chinese, another word', 'right')
    """
    if pair := _PAIR.fullmatch(label):
        letter, code = pair.groups()
        whose = OTHER if letter == "A" else OWN
        return Answer(whose, code, f"{letter} in {language_name(code)}", letter)
    code = label.removeprefix(YARDSTICK)
    if code not in languages().index:
        return Answer("", "", escape(label), escape(label[:1]))
    if code == label:
        return Answer(OWN, code, language_name(code), code)
    return Answer(OTHER, code, f"{language_name(code)}, another word", "?")


def letters_note(labels: Sequence[str]) -> list[str]:
    """Return a sentence that explains A and B, if labels speak of them; else nothing."""
    if not any(_PAIR.fullmatch(label) for label in labels):
        return []
    return ["A: the concept that the latents come from. B: the concept of the changed prompt."]


def looks(sweep: Sweep) -> dict[str, dict]:
    """Return the colour, dash and marker of the curve of each label.

    A language has its colour and its shape. The shape is open, and the line dashed, for the word
    that the change should not bring: that of B in a pair, and that of a yardstick.
    """
    source = sweep.setting.sources[0] if sweep.setting.sources else ""
    free = cycle(_FREE)
    styles = {}
    for label, answer in answers_of(sweep).items():
        if not answer.code:
            color, symbol = next(free)
            styles[label] = {"color": color, "dash": "solid", "symbol": symbol}
            continue
        style = language_style(answer.code, sweep.target, sweep.pivot, source)
        faint = label.startswith(("B ", YARDSTICK))
        style |= {"dash": "dash" if faint else "solid"}
        styles[label] = style | ({"symbol": f"{style['symbol']}-open"} if faint else {})
    return styles
