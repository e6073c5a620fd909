"""A language is a folder, ``data/languages/<code>/``, checked when it is read.

A new language is a new folder there and needs no other edit. ``data/README.md`` gives the schema.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Collection
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from ..errors import DataError, near
from .cells import check_concept, check_gloss, check_sentence, invisible, spellings
from .csv_file import read_csv, read_text


@dataclass(frozen=True)
class Language:
    """One folder: what its ``language.toml`` says, and its tables.

    The fields after ``path`` are the keys of ``language.toml``. Those without a default are
    required. ``order`` sorts the languages: those without one come last, by their code.
    ``dictionaries`` and ``no_dictionary`` are read by ``tools/check_words.py``.
    """

    code: str
    path: Path
    name: str
    endonym: str
    script: str
    direction: str
    answer: str
    stop: str
    quotes: str
    iso639_3: str
    order: int = sys.maxsize
    dictionaries: tuple[str, ...] = ()
    no_dictionary: str = ""

    @property
    def has_sentences(self) -> bool:
        """Whether the folder has a ``cloze.csv``."""
        return (self.path / "cloze.csv").exists()

    def words(self, concepts: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Return ``{concept: its spellings}`` of ``words.csv``, in the order of the file.

        A spelling may stand for several concepts, as Russian ``язык`` does for tongue and language.

        Args:
            concepts: the known concepts, as ``read_concepts`` returns them.

        Raises:
            DataError: names file, line and column of a cell that cannot be used.
        """
        path = self.path / "words.csv"
        if not path.exists():
            raise DataError(
                f"The folder {self.path} has no words.csv: "
                "add the file, with the columns concept,words."
            )
        words = {}
        for line, concept, text in _rows_by_concept(path, "words", concepts):
            words[concept] = spellings(text, f"{path}, line {line}, column 'words'")
        return words

    def sentences(self, concepts: Collection[str]) -> dict[str, str]:
        """Return ``{concept: sentence}`` of ``cloze.csv``; each has the blank ``___`` once.

        Args:
            concepts: the known concepts, as ``read_concepts`` returns them.

        Raises:
            DataError: for a language without the file, and for a sentence that cannot be used.
        """
        path = self.path / "cloze.csv"
        if not self.has_sentences:
            raise DataError(
                f"There are no cloze sentences for {self.name} ('{self.code}'): "
                "choose another language or task."
            )
        sentences = {}
        for line, concept, text in _rows_by_concept(path, "sentence", concepts):
            check_sentence(text, f"{path}, line {line}, column 'sentence'")
            sentences[concept] = text
        return sentences


_KEYS = [field for field in fields(Language) if field.name not in ("code", "path")]


def read_languages(folder: Path) -> dict[str, Language]:
    """Return every language of a folder, ``{code: Language}``, in their order.

    Args:
        folder: ``data/languages``, with one folder per language. A folder whose name begins with
            ``.`` or ``_`` is left out.

    Raises:
        DataError: names the file, the line and the key that cannot be used.
    """
    languages = []
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith((".", "_")):
            languages.append(_read_language(path))
    languages.sort(key=lambda language: (language.order, language.code))
    return {language.code: language for language in languages}


def read_concepts(path: Path) -> dict[str, dict[str, str]]:
    """Return the list of concepts in its order, ``{concept: {"gloss": …, "kind": …}}``.

    A gloss says which sense is meant, so it does not repeat the word that it explains.

    Args:
        path: ``data/concepts.csv``.

    Raises:
        DataError: names file, line and column of a cell that cannot be used.
    """
    concepts: dict[str, dict[str, str]] = {}
    lines: dict[str, int] = {}
    for line, row in read_csv(path, ("concept", "gloss", "kind"), may_be_empty=()):
        concept = row.pop("concept")
        check_concept(concept, lines, line, f"{path}, line {line}, column 'concept'")
        check_gloss(row["gloss"], concept, f"{path}, line {line}, column 'gloss'")
        concepts[concept] = row
    return concepts


def _rows_by_concept(
    path: Path, column: str, concepts: Collection[str]
) -> list[tuple[int, str, str]]:
    """Return ``(line, concept, text of column)`` of each line of a language's table."""
    rows = []
    lines: dict[str, int] = {}
    for line, row in read_csv(path, ("concept", column), may_be_empty=()):
        concept = row["concept"]
        place = f"{path}, line {line}, column 'concept'"
        check_concept(concept, lines, line, place)
        if concept not in concepts:
            raise DataError(
                f"{place}: '{concept}' is not in the list of concepts.{near(concept, concepts)} "
                "Correct it, or add the concept to data/concepts.csv."
            )
        rows.append((line, concept, row[column]))
    return rows


def _read_language(folder: Path) -> Language:
    """Return one language; every mistake in its ``language.toml`` is named."""
    if not re.fullmatch("[a-z]{2,3}", folder.name):
        raise DataError(
            f"The folder {folder} is not named like a language: "
            "use its code of two or three small letters, such as 'de'."
        )
    path = folder / "language.toml"
    if not path.exists():
        raise DataError(
            f"The folder {folder} has no language.toml: add the file, or remove the folder."
        )
    text = read_text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).removesuffix(")").partition(" (at ")
        raise DataError(f"{path}, {place}: this is not TOML ({reason}); correct it.") from None
    names = [field.name for field in _KEYS]
    for key in values:
        if key not in names:
            raise DataError(
                f"{_line(path, text, key)}: the key '{key}' is unknown.{near(key, names)} "
                f"The keys are {', '.join(names)}."
            )
    for field in _KEYS:
        if field.name in values:
            problem = _problem(field.name, values[field.name])
            if problem:
                raise DataError(f"{_line(path, text, field.name)}, key '{field.name}': {problem}.")
        elif field.default is MISSING:
            raise DataError(
                f"{path}: the key '{field.name}' is missing; data/README.md says what it means."
            )
    values["dictionaries"] = tuple(values.get("dictionaries", ()))
    return Language(folder.name, folder, **values)


def _problem(key: str, value: object) -> str:
    """Return what is wrong with the value of a key, and what to write; empty if nothing is."""
    if key == "order":
        return "" if type(value) is int else "write a whole number"
    if key == "dictionaries":
        texts = isinstance(value, list) and all(isinstance(name, str) for name in value)
        return "" if texts else 'write a list of names, such as ["eng-deu", "deu-eng"]'
    if not isinstance(value, str) or not value.strip():
        return "write a text in quotation marks that is not empty"
    if invisible(value):
        return f"remove the character {invisible(value)}"
    if key == "direction" and value not in ("ltr", "rtl"):
        return "write 'ltr' (left to right) or 'rtl' (right to left)"
    if key == "iso639_3" and not re.fullmatch("[a-z]{3}", value):
        return "write the language's code of three small letters, such as 'deu'"
    return ""


def _line(path: Path, text: str, key: str) -> str:
    """Return file and line of a key, as a message names them."""
    start = re.search(rf'^\s*\[*\s*"?{re.escape(key)}\b', text, re.MULTILINE)
    line = text[: start.end()].count("\n") + 1 if start else 1
    return f"{path}, line {line}"
