"""Predict, then look: a question with choices, answered by a click, beside the measured answer.

The widget is plain HTML. It works without a kernel in JupyterLab, in Colab and on a static page.
In JupyterLab and on a static page, the output of the next cell is out of focus until a choice is
made: after "run all" the answer would be in view before the question.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DataError

_STYLE = """
.ll-predict { border: 1px solid #5b6770; border-left-width: 5px; border-radius: 4px; }
.ll-predict { padding: .4em 1em .7em; margin: .5em 0; max-width: 46em; }
.ll-predict legend { font-weight: 600; padding: 0 .3em; }
.ll-predict input { margin: .35em .5em .35em 0; }
.ll-predict label { margin-right: 1.4em; }
.ll-predict .ll-told { display: none; margin-top: .4em; }
"""
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
    """A question to answer before a figure; a click on a choice shows the measured answer."""

    question: str
    choices: tuple[str, ...]
    measured: str
    detail: str = ""

    def __repr__(self) -> str:
        return "\n".join(
            (f"Predict: {self.question}", *(f"  - {choice}" for choice in self.choices))
        )

    def _repr_html_(self) -> str:
        content = f"{self.question}{self.choices}{self.measured}{self.detail}"
        key = "p" + hashlib.sha256(content.encode()).hexdigest()[:10]
        rules = [
            f"#{key} input:checked ~ .ll-told {{ display: block; }}",
            f"#{key} .ll-told > div {{ display: none; }}",
        ]
        inputs, replies = [], []
        for n, choice in enumerate(self.choices):
            rules.append(f"#{key} #{key}-{n}:checked ~ .ll-told .ll-{n} {{ display: block; }}")
            inputs.append(
                f"<input type='radio' name='{key}' id='{key}-{n}'>"
                f"<label for='{key}-{n}'>{html.escape(choice)}</label>"
            )
            replies.append(f"<div class='ll-{n}'>{self._reply(choice)}</div>")
        return (
            f"<style>{_STYLE}{_VEIL}{' '.join(rules)}</style>"
            f"<fieldset class='ll-predict' id='{key}'>"
            f"<legend>Predict: {html.escape(self.question)}</legend>"
            f"{''.join(inputs)}"
            f"<div class='ll-told' aria-live='polite'>{''.join(replies)}</div></fieldset>"
        )

    def _reply(self, choice: str) -> str:
        """Return the text that a click on ``choice`` shows."""
        if choice == self.measured:
            lead = "✔ <b>Correct.</b>"
        else:
            measured = html.escape(self.measured)
            lead = f"✘ You said <i>{html.escape(choice)}</i>. <b>Measured here: {measured}.</b>"
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
