"""The tasks: ways to ask for a word (paper, section 3.3).

A new task is a class here and a row of ``TASKS``.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import pandas as pd

from ..errors import DataError, near
from .cells import BLANK
from .words import language, load_cloze


class Task:
    """One way to ask for the word of a concept, for one source and one target language.

    A subclass sets ``name``, how many ``demonstrations`` a prompt shows by default, and whether the
    task ``needs_source``, a language other than the target. It also writes ``line``.

    ``words``: the spellings by language and concept, ``{code: {concept: spellings}}``.
    """

    name: ClassVar[str]
    demonstrations: ClassVar[int] = 4
    needs_source: ClassVar[bool] = False

    def __init__(self, words: pd.DataFrame, source: str, target: str) -> None:
        self.source, self.target = source, target
        codes = dict.fromkeys((source, target))
        self.words: dict[str, dict[str, tuple[str, ...]]] = words[list(codes)].to_dict()

    def word(self, concept: str, code: str) -> str:
        """Return the word that prompts use for a concept in a language."""
        return self.words[code][concept][0]

    def usable(self, concept: str) -> bool:
        """Return whether this task can ask about a concept."""
        return bool(self.words[self.source][concept] and self.words[self.target][concept])

    def meanings(self, concept: str) -> tuple[str, ...]:
        """Return the concepts whose words answer the question about ``concept``, itself first.

        A translation of Russian ``язык`` may name the tongue or the language. A task of one
        language asks for one word.
        """
        if not self.needs_source:
            return (concept,)
        return tuple(dict.fromkeys((concept, *self._owners[self.word(concept, self.source)])))

    def accepted(self, concept: str) -> set[str]:
        """Return the words of the target language that answer the question about ``concept``."""
        words = self.words[self.target]
        return {word for each in self.meanings(concept) for word in words[each]}

    @cached_property
    def _owners(self) -> dict[str, list[str]]:
        """The concepts that each spelling of the source language stands for."""
        owners: dict[str, list[str]] = {}
        for concept, cell in self.words[self.source].items():
            for word in cell:
                owners.setdefault(word, []).append(concept)
        return owners

    def line(self, concept: str, answer: str | None = None) -> str:
        """Return one line of a prompt about ``concept``.

        ``answer``: the concept whose word is shown as the answer. None ends the line at the
        opening quote, where the model continues.

        Raises ``DataError`` for a task that does not write it.
        """
        raise DataError(
            f"The task '{self.name}' has no method line: "
            f"write line(self, concept, answer=None) in the class {type(self).__name__}."
        )

    @classmethod
    def title(cls, source: str, target: str) -> str:
        """Return the task and its languages, as titles show them.

        >>> Translation.title("fr", "zh"), Cloze.title("zh", "zh")
        ('translation fr → zh', 'cloze zh')
        """
        return f"{cls.name} {source} → {target}" if cls.needs_source else f"{cls.name} {target}"


class Translation(Task):
    """``Français: "fleur" - 中文: "花"``: a word and its translation."""

    name = "translation"
    needs_source = True

    def line(self, concept: str, answer: str | None = None) -> str:
        source_part = f'{language(self.source)["endonym"]}: "{self.word(concept, self.source)}"'
        question = f'{source_part} - {language(self.target)["endonym"]}: "'
        return question if answer is None else f'{question}{self.word(answer, self.target)}"'


class Repetition(Translation):
    """``中文: "花" - 中文: "花"``: the same line with one language on both sides."""

    name = "repetition"
    needs_source = False


class Cloze(Task):
    """``A "___" is used to play sports. Answer: "ball".``: a definition with a gap."""

    name = "cloze"
    demonstrations = 2

    def __init__(self, words: pd.DataFrame, source: str, target: str) -> None:
        super().__init__(words, source, target)
        self.sentences = load_cloze(target)

    def usable(self, concept: str) -> bool:
        return concept in self.sentences and super().usable(concept)

    def line(self, concept: str, answer: str | None = None) -> str:
        own = language(self.target)
        # A full-width colon needs no space after it.
        gap = "" if own["answer"].endswith("：") else " "
        sentence = self.sentences[concept].replace(BLANK, f'"{BLANK}"')
        question = f'{sentence}{gap}{own["answer"]}{gap}"'
        end = "" if answer is None else f'{self.word(answer, self.target)}"{own["stop"]}'
        return question + end


TASKS: dict[str, type[Task]] = {task.name: task for task in (Translation, Repetition, Cloze)}


def find_task(name: str) -> type[Task]:
    """Return the task of this name. Raises ``DataError`` with the nearest known one."""
    if name not in TASKS:
        raise DataError(f"Unknown task '{name}'.{near(name, TASKS)} Use one of {', '.join(TASKS)}.")
    return TASKS[name]
