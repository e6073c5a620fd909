"""Questions with choices: each choice shows its own reply.

``predict`` asks before a figure, and ``choose`` at the end of a notebook.
Both are plain HTML. They work without a kernel in JupyterLab, in Colab and on a static page, with a
mouse or with the keyboard. In JupyterLab and on a static page, the output behind a prediction is
out of focus until a choice is made: after "run all" the answer would be in view before the
question.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from ..errors import DataError

_STYLE = """
.ll-asked { border: 1px solid #5b6770; border-left-width: 5px; border-radius: 4px; }
.ll-asked { padding: .4em 1em .7em; margin: .5em 0; max-width: 46em; }
.ll-asked legend { font-weight: 600; padding: 0 .3em; }
.ll-asked input { margin: .35em .5em .35em 0; }
.ll-asked .ll-told { display: none; margin-top: .4em; }
"""
# JupyterLab else takes the arrow keys, which go from choice to choice, to go from cell to cell.
_KEEPS_ITS_KEYS = "data-lm-suppress-shortcuts='true'"
_IN_A_ROW = ".ll-predict label { margin-right: 1.4em; }"
_ONE_BELOW_THE_OTHER = """
.ll-quiz { display: grid; grid-template-columns: auto 1fr; align-items: baseline; }
.ll-quiz .ll-told { grid-column: 1 / 3; }
"""
_SHOW = "show anyway"
# Cells and their outputs are called ``.jp-…`` in JupyterLab, ``.cell…`` on the static site.
_NEXT_OUTPUT = (
    ":is(.cell, .jp-Cell):has(.ll-predict):not(:has(.ll-predict :checked)) "
    "+ :is(.cell, .jp-Cell):not(:has(.ll-predict)) :is(.cell_output, .jp-Cell-outputArea)"
)
_VEIL = f"""
@media screen {{
  {_NEXT_OUTPUT}::before {{ content: "Out of focus until you predict above."; }}
  {_NEXT_OUTPUT} > * {{ filter: blur(14px); }}
}}
"""


@dataclass(frozen=True)
class Prediction:
    """A question to answer before a figure; a click on a choice shows the measured answer.

    The last choice is not a guess: it shows the answer, and the figure, to those who only look.
    """

    question: str
    choices: tuple[str, ...]
    measured: str
    detail: str = ""

    def __repr__(self) -> str:
        return "\n".join(
            (f"Predict: {self.question}", *(f"  - {choice}" for choice in self.choices))
        )

    def _repr_html_(self) -> str:
        legend = f"Predict: {self.question}"
        replies = [*map(self._reply, self.choices), self._told(self._measured())]
        return _form("ll-predict", _IN_A_ROW + _VEIL, legend, (*self.choices, _SHOW), replies)

    def _reply(self, choice: str) -> str:
        """Return the text that a click on ``choice`` shows."""
        if choice == self.measured:
            lead = "✔ <b>Correct.</b>"
        else:
            lead = f"✘ You said <i>{html.escape(choice)}</i>. {self._measured()}"
        return self._told(lead)

    def _measured(self) -> str:
        return f"<b>Measured here: {html.escape(self.measured)}.</b>"

    def _told(self, lead: str) -> str:
        """Return a reply: how it begins, and the numbers."""
        return f"{lead} {html.escape(self.detail)}".rstrip()


def predict(
    question: str, choices: Sequence[str], measured: object, detail: str = ""
) -> Prediction:
    """Return a question to answer before you look at a figure.

    Args:
        question: what to predict.
        choices: at least two different answers.
        measured: the choice that the numbers support. Compute it from a run; do not write it down.
            It may be none of the choices, because another model may surprise.
        detail: the numbers, shown beside the measured answer.

    Raises:
        DataError: for fewer than two different choices.

    >>> predict("Which is larger?", ["1", "2"], max(1, 2)).measured
    '2'
    """
    texts = tuple(str(choice) for choice in choices)
    if len(set(texts)) < 2:
        raise DataError("A prediction needs at least two different choices.")
    return Prediction(question, texts, str(measured), detail)


@dataclass(frozen=True)
class Choice:
    """A question with some sentences, of which a figure supports one; each has its reply."""

    question: str
    sentences: tuple[str, ...]
    replies: tuple[str, ...]
    supported: str

    @property
    def lettered(self) -> tuple[str, ...]:
        """The sentences, each behind its letter."""
        return tuple(f"{a}. {text}" for a, text in zip(ascii_lowercase, self.sentences))

    def __repr__(self) -> str:
        return "\n".join((self.question, *(f"  {sentence}" for sentence in self.lettered)))

    def _repr_html_(self) -> str:
        replies = []
        for letter, reply in zip(ascii_lowercase, self.replies):
            lead = "✔ <b>Correct.</b>" if letter == self.supported else "✘ <b>Not supported.</b>"
            replies.append(f"{lead} {html.escape(reply)}")
        return _form("ll-quiz", _ONE_BELOW_THE_OTHER, self.question, self.lettered, replies)


def choose(question: str, *sentences: str, supported: str) -> Choice:
    """Return a question of a quiz: which of some sentences does a figure support?

    Args:
        question: names the figure or the table.
        sentences: at least three, each followed by the reply that its choice shows: why it
            follows from the figure, or why not.
        supported: the letter of the sentence that the figure supports; the first one is ``"a"``.

    Raises:
        DataError: for fewer than three sentences, two that are the same, a sentence without a
            reply, or a letter that no sentence has.

    >>> choose("The bars?", "1 > 2", "No.", "2 > 1", "Yes.", "1 = 2", "No.", supported="b")
    The bars?
      a. 1 > 2
      b. 2 > 1
      c. 1 = 2
    """
    shown, replies = sentences[::2], sentences[1::2]
    if len(set(shown)) < max(3, len(shown)) or len(replies) < len(shown):
        raise DataError(
            "A question of a quiz needs at least three different sentences, each followed by its "
            "reply."
        )
    letters = ascii_lowercase[: len(shown)]
    if len(supported) != 1 or supported not in letters:
        raise DataError(
            f"'{supported}' is not the letter of a sentence: choose among {', '.join(letters)}."
        )
    return Choice(question, shown, replies, supported)


def _form(
    kind: str, style: str, legend: str, choices: Sequence[str], replies: Sequence[str]
) -> str:
    """Return a question as HTML: one button per choice, which shows the reply of its place.

    ``replies`` are HTML; ``legend`` and ``choices`` are text.
    """
    content = "".join((legend, *choices, *replies))
    key = "p" + hashlib.sha256(content.encode()).hexdigest()[:10]
    rules = [
        f"#{key} input:checked ~ .ll-told {{ display: block; }}",
        f"#{key} .ll-told > div {{ display: none; }}",
    ]
    inputs, told = [], []
    for n, (choice, reply) in enumerate(zip(choices, replies)):
        rules.append(f"#{key} #{key}-{n}:checked ~ .ll-told .ll-{n} {{ display: block; }}")
        inputs.append(
            f"<input type='radio' name='{key}' id='{key}-{n}' {_KEEPS_ITS_KEYS}>"
            f"<label for='{key}-{n}'>{html.escape(choice)}</label>"
        )
        told.append(f"<div class='ll-{n}'>{reply}</div>")
    return (
        f"<style>{_STYLE}{style}{' '.join(rules)}</style>"
        f"<fieldset class='ll-asked {kind}' id='{key}'><legend>{html.escape(legend)}</legend>"
        f"{''.join(inputs)}"
        f"<div class='ll-told' aria-live='polite'>{''.join(told)}</div></fieldset>"
    )
