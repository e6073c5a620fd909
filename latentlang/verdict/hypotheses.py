"""The four hypotheses as data: what each predicts of each quantity.

A prediction is a row of ``PREDICTIONS`` about a row of ``QUANTITIES``. Where a hypothesis says
nothing about a quantity, there is no row.
"""

from __future__ import annotations

from dataclasses import dataclass

HYPOTHESES = {
    "pivot": "The model computes the answer through the English word.",
    "hub": "The middle layers hold the meaning in no language's words.",
    "copy": "The middle layers carry the source word, and what looks like meaning is its copy.",
    "artefact": "The lens shows English because the output layer prefers it.",
}


@dataclass(frozen=True)
class Prediction:
    """What a hypothesis expects of a quantity, and why, in a plain sentence.

    ``expects``: see ``judge``.
    """

    hypothesis: str
    quantity: str
    expects: str
    sentence: str


# By hypothesis: quantity, what is expected of it, and the sentence that says so.
_ROWS = {
    "pivot": (
        (
            "pivot over target",
            "above",
            "In the middle, {pivot} is more probable than {target}.",
        ),
        (
            "pivot over source",
            "above",
            "In the middle, {pivot} is more probable than {source}.",
        ),
        (
            "pivot over others",
            "above",
            "In the middle, {pivot} is more probable than languages that nobody asks for.",
        ),
        (
            "source over others",
            "not above",
            "In the middle, {source} is not more probable than languages that nobody asks for.",
        ),
        (
            "pivot over target, linear lens",
            "above",
            "Through the linear lens, {pivot} is more probable than {target}.",
        ),
        (
            "pivot retrieved beyond others",
            "above",
            "{pivot} words tell the concept better than words of languages that nobody asks for.",
        ),
        (
            "source retrieved beyond pivot",
            "not above",
            "{source} words do not tell the concept better than {pivot} words.",
        ),
        (
            "pivot uninvited",
            "may be above",
            "{pivot} may appear in the answer although no prompt asks for it.",
        ),
        (
            "pivot erased beyond controls",
            "above",
            "The answer needs the {pivot} word more than any control.",
        ),
        (
            "pivot's own part erased",
            "above",
            "The answer needs what the {pivot} word does not share with the {target} word.",
        ),
        (
            "source erased beyond pivot",
            "not above",
            "The answer does not need the {source} word more than the {pivot} word.",
        ),
    ),
    "hub": (
        (
            "pivot over others",
            "not above",
            "In the middle, {pivot} is not more probable than languages that nobody asks for.",
        ),
        (
            "source over others",
            "not above",
            "In the middle, {source} is not more probable than languages that nobody asks for.",
        ),
        (
            "pivot retrieved beyond others",
            "not above",
            "{pivot} words do not tell the concept better than words of languages that "
            "nobody asks for.",
        ),
        (
            "others retrieved unequally",
            "not above",
            "Words of the languages that nobody asks for tell the concept equally well.",
        ),
        (
            "source retrieved beyond pivot",
            "not above",
            "{source} words do not tell the concept better than {pivot} words.",
        ),
        (
            "pivot uninvited",
            "not above",
            "{pivot} does not appear in the answer if no prompt asks for it.",
        ),
        (
            "language without concept",
            "above",
            "A patch can change the language of the answer and leave its concept.",
        ),
        (
            "pivot erased beyond controls",
            "not above",
            "The answer does not need the {pivot} word more than the controls.",
        ),
        (
            "source erased beyond pivot",
            "not above",
            "The answer does not need the {source} word more than the {pivot} word.",
        ),
        (
            "others erased beyond random",
            "may be above",
            "The answer may need what the words of all languages share.",
        ),
    ),
    "copy": (
        (
            "pivot over source",
            "below",
            "In the middle, {pivot} is less probable than {source}.",
        ),
        (
            "pivot over others",
            "not above",
            "In the middle, {pivot} is not more probable than languages that nobody asks for.",
        ),
        (
            "source over others",
            "above",
            "In the middle, {source} is more probable than languages that nobody asks for.",
        ),
        (
            "source retrieved beyond pivot",
            "above",
            "{source} words tell the concept better than {pivot} words.",
        ),
        (
            "pivot retrieved beyond others",
            "not above",
            "{pivot} words do not tell the concept better than words of languages that "
            "nobody asks for.",
        ),
        (
            "pivot uninvited",
            "not above",
            "{pivot} does not appear in the answer if no prompt asks for it.",
        ),
        (
            "source erased beyond pivot",
            "may be above",
            "Erasing the {source} word may cost more, even at the layers where {pivot} shows.",
        ),
        (
            "pivot erased beyond controls",
            "not above",
            "The answer does not need the {pivot} word more than the controls.",
        ),
        (
            "pivot's own part erased",
            "not above",
            "The answer does not need what the {pivot} word does not share with the {target} word.",
        ),
    ),
    "artefact": (
        (
            "pivot over target",
            "above",
            "The logit lens shows {pivot} above {target} in the middle.",
        ),
        (
            "pivot over others",
            "above",
            "The logit lens shows {pivot} above languages that nobody asks for.",
        ),
        (
            "pivot over target, linear lens",
            "not above",
            "Through the linear lens, {pivot} is not more probable than {target}.",
        ),
        (
            "pivot retrieved beyond others",
            "not above",
            "{pivot} words do not tell the concept better than words of languages that "
            "nobody asks for.",
        ),
        (
            "pivot erased beyond controls",
            "not above",
            "The answer does not need the {pivot} word more than the controls.",
        ),
        (
            "pivot's own part erased",
            "not above",
            "The answer does not need what the {pivot} word does not share with the {target} word.",
        ),
    ),
}

PREDICTIONS = tuple(
    Prediction(hypothesis, *row) for hypothesis, rows in _ROWS.items() for row in rows
)
