"""The student's own word: chosen once, shown in every notebook, collected on one slide.

A word is a line of text, such as ``fr-zh-flower 2:0.0118/0.126 3:16/17``: source, target and
concept, and for each notebook what it measures for this word and for the mean of many. The lines
are kept in the user's data folder, and a reader may copy one to another machine.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd
import plotly.graph_objects as go

from ..errors import DataError, near
from ..plots.slide import slide
from ..plots.text import language_name
from ..prompts.words import language, load_words
from .kept_lines import keep_lines, kept_lines

# What each notebook measures, and in which unit.
QUANTITIES = {
    1: ("P(target) at the last layer", "probability"),
    2: ("P(English), highest", "probability"),
    3: ("the target leads from", "layer"),
    4: ("P(a random English word), highest", "probability"),
    5: ("the concept is largest at", "layer"),
    6: ("P(English) in Qwen, highest", "probability"),
    7: ("a patch brings the word from", "layer"),
    8: ("share of P(target) left without English", "probability"),
    9: ("P(English) in the Patchscope, highest", "probability"),
}
_FILE = "my-words.txt"
_EXAMPLE = "fr-zh-flower"
_NUMBER = r"-|\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_FIELD = re.compile(rf"(\d{{1,2}}):({_NUMBER})/({_NUMBER})", re.ASCII)


@dataclass(frozen=True, repr=False)
class MyWord:
    """A concept, the pair of languages it is asked in, and what the notebooks measured.

    ``results``: by notebook, the numbers for the word and for the mean; None where a notebook finds
    none. The text of the object is the line to copy.

    Raises:
        DataError: for an unknown language or concept, a pair with English, or a concept that has
            no word in one of the two languages.

    >>> MyWord("fr", "zh", "flower", {2: (0.0118, 0.126), 3: (16, None)})
    fr-zh-flower 2:0.0118/0.126 3:16/-
    """

    source: str
    target: str
    concept: str
    results: Mapping[int, tuple[float | None, float | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pair = (self.source, self.target)
        names = [language(code)["name"] for code in pair]
        if "en" in pair or self.source == self.target:
            raise DataError(
                f"{names[0]} to {names[1]} cannot show English on the way: choose two different "
                f"languages other than English, such as '{_EXAMPLE}'."
            )
        words = load_words()
        if self.concept not in words.index:
            raise DataError(
                f"The word list has no concept '{self.concept:.40}'."
                f"{near(self.concept, words.index)} "
                "ll.load_words() lists them, by their English names."
            )
        for code, name in zip(pair, names):
            if not words.loc[self.concept, code]:
                raise DataError(
                    f"The word list has no {name} word for '{self.concept}': "
                    "choose another concept or another language."
                )

    @property
    def languages(self) -> tuple[str, str]:
        """Source and target, as ``ll.build_prompts`` takes them."""
        return self.source, self.target

    @property
    def name(self) -> str:
        """Source, target and concept: the beginning of the line."""
        return f"{self.source}-{self.target}-{self.concept}"

    def __repr__(self) -> str:
        fields = [self.name]
        for notebook, numbers in sorted(self.results.items()):
            word, mean = ("-" if number is None else f"{number:.3g}" for number in numbers)
            fields.append(f"{notebook}:{word}/{mean}")
        return " ".join(fields)

    def note(self, notebook: int, word: object, mean: object) -> MyWord:
        """Keep what a notebook measures, and return the word with it.

        A warning says if the word cannot be kept on this machine; then its line is the only copy.

        Args:
            notebook: its number, one of ``QUANTITIES``.
            word: the number for this word, or None where there is none; kept to three digits.
            mean: the same for the mean of many words.

        Raises:
            DataError: for an unknown notebook, and for anything but a finite number or None.
        """
        result = {_notebook(notebook): (_number(word), _number(mean))}
        return _keep(replace(self, results={**self.results, **result}))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per notebook; its numbers are None if it has not measured the word.

        The columns are notebook, quantity, unit, word, mean.
        """
        rows = [(n, *QUANTITIES[n], *self.results.get(n, (None, None))) for n in QUANTITIES]
        return pd.DataFrame(rows, columns=["notebook", "quantity", "unit", "word", "mean"])

    def slide(
        self, sentence: str, *, theme: str | None = None, width: int | None = None
    ) -> go.Figure:
        """Return one figure with what all notebooks measured, to print or to hand in.

        Args:
            sentence: what the reader concludes; it stands below the title.
            theme, width: see ``ll.plots.slide``.

        Raises:
            DataError: for an unknown theme.
        """
        title = f"{self.concept}, {language_name(self.source)} → {language_name(self.target)}"
        return slide(self.to_frame(), title, sentence, theme=theme, width=width)


def my_word(line: str | None = None) -> MyWord:
    """Return your own word, with what the notebooks have measured for it so far.

    Nothing is written, and no model is needed: a word is kept on this machine when a notebook notes
    its first result (``MyWord.note``).

    Args:
        line: a word, such as ``"fr-zh-flower"`` (source, target, concept), or the line that a
            notebook printed on another machine. None for the word that was kept last, or the
            paper's *flower*, from French to Chinese.

    Returns:
        The word. It has the results of the line, and those that are kept here for other notebooks.

    Raises:
        DataError: for a line that is not a word with its results, and as ``MyWord`` does.

    >>> my_word("es-zh-water").concept
    'water'
    """
    if line is None:
        kept = list(_kept().values())
        return kept[-1] if kept else _parsed(_EXAMPLE)
    word = _parsed(line)
    return _joined(_kept().get(word.name, word), word)


def _parsed(line: object) -> MyWord:
    """Return the word of a line."""
    if not isinstance(line, str) or not line.strip():
        raise DataError(f"{line!r:.60} is not a word: write one as text, such as '{_EXAMPLE}'.")
    name, *fields = line.lower().split()
    parts = name.split("-", 2)
    if len(parts) != 3:
        raise DataError(
            f"{name!r:.60} is not a word: write source, target and concept with hyphens, such as "
            f"'{_EXAMPLE}'."
        )
    source, target, concept = parts
    return MyWord(source, target, concept, dict(map(_result, fields)))


def _result(text: str) -> tuple[int, tuple[float | None, float | None]]:
    """Return the notebook and the two numbers of a field such as ``2:0.0118/0.126``."""
    found = _FIELD.fullmatch(text)
    if not found:
        raise DataError(
            f"{text!r:.60} is not a result of a notebook: copy the whole line again, or pass the "
            "word alone."
        )
    word, mean = (None if number == "-" else _number(number) for number in found.groups()[1:])
    return _notebook(int(found[1])), (word, mean)


def _notebook(number: int) -> int:
    if not isinstance(number, int) or number not in QUANTITIES:
        raise DataError(f"Notebook {number!r:.60} measures no word: use one of {[*QUANTITIES]}.")
    return number


def _number(value: object) -> float | None:
    """Return a number as a line shows it, with three digits; None stays None."""
    try:
        number = None if value is None else float(f"{float(value):.3g}")  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several numbers
        number = math.nan
    if number is not None and not 0 <= number < math.inf:
        raise DataError(f"{value!r:.60} is not a number from 0 upwards: pass one, or None.")
    return number


def _kept(lines: list[str] | None = None) -> dict[str, MyWord]:
    """Return the words that are kept, the last one at the end; a line that is none is left out."""
    words = dict[str, MyWord]()
    for line in kept_lines(_FILE) if lines is None else lines:
        try:
            word = _parsed(line)
        except DataError as error:
            _warn(f"A line of the kept words is left out. {error}")
        else:
            words[word.name] = word
    return words


def _joined(older: MyWord, word: MyWord) -> MyWord:
    """Return a word with the results of an older state of it as well."""
    return replace(word, results={**older.results, **word.results})


def _keep(word: MyWord) -> MyWord:
    """Add a word and its results to those that are kept, as the last one, and return all of it."""
    kept = word

    def change(lines: list[str]) -> list[str]:
        nonlocal kept
        words = _kept(lines)
        kept = _joined(words.pop(word.name, word), word)
        return [*map(repr, words.values()), repr(kept)]

    if reason := keep_lines(_FILE, change):
        _warn(f"Your word is not kept: {reason}. Copy its line, and pass it to ll.my_word.")
    return kept


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=4)
