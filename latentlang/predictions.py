"""Predict, then look: a question with choices, answered by a click, beside what was measured.

The widget is plain HTML, so it answers in JupyterLab, in Colab and on a static page alike, with no kernel behind it.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import DataError

_STYLE = """
.ll-predict { border: 1px solid #5b6770; border-left-width: 5px; border-radius: 4px; }
.ll-predict { padding: .4em 1em .7em; margin: .5em 0; max-width: 46em; }
.ll-predict legend { font-weight: 600; padding: 0 .3em; }
.ll-predict input { margin: .35em .5em .35em 0; }
.ll-predict label { margin-right: 1.4em; }
.ll-predict .ll-told { display: none; margin-top: .4em; }
"""


@dataclass(frozen=True)
class Prediction:
    """A question to answer before looking at a figure; shows the measured answer when one of the ``choices`` is picked."""

    question: str
    choices: tuple[str, ...]
    measured: str
    detail: str = ""

    def __repr__(self) -> str:
        return "\n".join((f"Predict: {self.question}", *(f"  - {choice}" for choice in self.choices)))

    def _repr_html_(self) -> str:
        key = "p" + hashlib.sha256(f"{self.question}{self.choices}{self.measured}{self.detail}".encode()).hexdigest()[:10]
        picked = (f"#{key} #{key}-{n}:checked ~ .ll-told .ll-{n} {{ display: block; }}" for n in range(len(self.choices)))
        shown = f"#{key} input:checked ~ .ll-told {{ display: block; }} #{key} .ll-told > div {{ display: none; }} {' '.join(picked)}"
        inputs = "".join(
            f"<input type='radio' name='{key}' id='{key}-{n}'><label for='{key}-{n}'>{html.escape(choice)}</label>"
            for n, choice in enumerate(self.choices)
        )
        told = "".join(f"<div class='ll-{n}'>{self._told(choice)}</div>" for n, choice in enumerate(self.choices))
        question = html.escape(self.question)
        return (
            f"<style>{_STYLE}{shown}</style><fieldset class='ll-predict' id='{key}'><legend>Predict: {question}</legend>"
            f"{inputs}<div class='ll-told' aria-live='polite'>{told}</div></fieldset>"
        )

    def _told(self, choice: str) -> str:
        if choice == self.measured:
            lead = "✔ <b>So it is.</b>"
        else:
            lead = f"✘ You said <i>{html.escape(choice)}</i>. <b>Measured here: {html.escape(self.measured)}.</b>"
        return f"{lead} {html.escape(self.detail)}".rstrip()


def predict(question: str, choices: Sequence[str], measured: object, detail: str = "") -> Prediction:
    """Return a question to answer before looking; ``measured`` is the choice that the numbers support, ``detail`` the numbers.

    ``measured`` is computed from a run, never written down; it may be none of the choices (another model may surprise).
    Raises ``DataError`` for fewer than two choices.

    >>> predict("Which is larger?", ["1", "2"], max(1, 2)).measured
    '2'
    """
    chosen = tuple(str(choice) for choice in choices)
    if len(set(chosen)) < 2:
        raise DataError("A prediction needs at least two different choices.")
    return Prediction(question, chosen, str(measured), detail)
