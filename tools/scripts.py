"""The scripts of the course: what their front matter and their cells say.

A script is the one place of a notebook. Its header holds what the README's table, the site and the
instructor's tables show of it; its cells are told apart by ``TAGS``.
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
from yaml import YAMLError

from . import ROOT

FORMS = {"student": "notebooks", "solutions": "notebooks/solutions"}  # and their folders
TAGS = {
    "setup": "is empty, and filled in by the builder",
    "parameters": "what a reader, or papermill, sets",
    "stub": "stands in the student form only",
    "solution": "stands in the solutions form only",
    "right": "other right answers to the exercise above, as one list; stands in no notebook",
    "wrong": "typical wrong answers to it: a dict from words of the hint to the answer; likewise",
    "predict": "computes the answer to a prediction; its code is folded away",
    "quiz": "asks which sentence a figure supports; its code is folded away",
    "claims": "what sentences rest on (claim_cells.py); stands in no notebook",
}
TEXT, NUMBER = (str,), (int, float)
FRONT = {
    "you_will": TEXT,  # what a student learns, for the README's table
    "figure": TEXT,  # the line whose figure is the notebook's thumbnail
    "alt": TEXT,  # what the thumbnail shows, in words
    "first_run": NUMBER,  # minutes for all cells with an empty cache, as measured
    "again": NUMBER,  # and with the results in the cache
}
_EXERCISE = re.compile(r"\.exercise\(\s*\"([\d.]+)\"")


@dataclass(frozen=True)
class Exercise:
    """An exercise: its number, its solution, other right answers, and typical wrong ones."""

    number: str
    solution: str
    right: str
    wrong: str


@dataclass(frozen=True)
class Script:
    """One script of the course."""

    path: Path

    @cached_property
    def _notebook(self) -> nbformat.NotebookNode:
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
            return jupytext.reads(text, fmt="py:percent")
        except UnicodeDecodeError:
            raise SystemExit(
                f"{self.path.name}: this is not UTF-8 text; save it as UTF-8."
            ) from None
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", near line {mark.line + 2}" if mark else ""
            raise SystemExit(
                f"{self.path.name}{line}: the header is not YAML; "
                "put texts with a colon or quotes into quotation marks."
            ) from None

    @property
    def cells(self) -> list[nbformat.NotebookNode]:
        """All cells, whatever form they stand in."""
        return self._notebook.cells

    @property
    def name(self) -> str:
        """The notebook's name, such as ``"03_trace_three_phases"``."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The notebook's number, such as ``"03"``."""
        return self.name.partition("_")[0]

    @property
    def texts(self) -> list[str]:
        """The text cells."""
        return [cell.source for cell in self.cells if cell.cell_type == "markdown"]

    @property
    def title(self) -> str:
        """The heading, such as ``"3 · Trace the three phases"``.

        Raises:
            SystemExit: The first text has none.
        """
        if not (self.texts and self.texts[0].startswith("# ")):
            raise SystemExit(f"{self.path.name}: begin the first text with a heading, `# Title`.")
        return self.texts[0].splitlines()[0].removeprefix("# ")

    @property
    def minutes(self) -> int:
        """How long a student needs, as the text says.

        Raises:
            SystemExit: The text does not say.
        """
        said = re.search(r"about (\d+) minutes to work through", " ".join(self.texts))
        if not said:
            raise SystemExit(
                f"{self.path.name}: write 'about N minutes to work through' where the text "
                "says what a reader needs."
            )
        return int(said[1])

    @cached_property
    def front(self) -> dict[str, str | float]:
        """The front matter, with the keys of ``FRONT``.

        Raises:
            SystemExit: A key is missing, unknown or of another type, or no cell shows the figure.
        """
        front = self._notebook.metadata.get("course")
        if not isinstance(front, dict):
            raise SystemExit(
                f"{self.path.name}: the header needs `course` with {', '.join(FRONT)}; "
                "another notebook's header is an example."
            )
        for key in front:
            if key not in FRONT:
                meant = get_close_matches(key, FRONT, 1) or FRONT
                raise SystemExit(
                    f"{self.path.name}: the header has an unknown key '{key}'; "
                    f"use {' or '.join(meant)}."
                )
        for key, kind in FRONT.items():
            if not isinstance(front.get(key), kind) or front[key] is True:
                what = "a text" if kind is TEXT else "a number"
                raise SystemExit(f"{self.path.name}: the header needs `{key}`, {what}.")
        lines = [line for cell in self.cells for line in cell.source.splitlines()]
        if front["figure"] not in lines:
            raise SystemExit(
                f"{self.path.name}: no cell has the line `{front['figure']}`, which the header "
                "names as the figure of the thumbnail."
            )
        return dict(front)

    def exercises(self) -> list[Exercise]:
        """Return the exercises in order.

        Raises:
            SystemExit: A solution checks no exercise, or fewer than two wrong answers follow it.
        """
        exercises, solution, right = [], [], "[]"
        for cell in self.cells:
            if "solution" in tags(cell):
                solution.append(cell.source)
            elif "right" in tags(cell) and solution:
                right = cell.source
            elif {"right", "wrong"}.intersection(tags(cell)):
                numbers = _EXERCISE.findall("\n".join(solution))
                if len(numbers) != 1:
                    raise SystemExit(
                        f"{self.path.name}: put right and wrong answers right behind the "
                        "solution that checks the exercise."
                    )
                if _length(cell.source) < 2:
                    raise SystemExit(
                        f"{self.path.name}: exercise {numbers[0]} needs a dict of two or more "
                        "typical wrong answers, each behind its own words of the hint."
                    )
                exercises.append(Exercise(numbers[0], "\n".join(solution), right, cell.source))
                solution, right = [], "[]"
        if solution:
            raise SystemExit(
                f"{self.path.name}: no cell tagged 'wrong' follows the solution that begins with "
                f"{solution[0].splitlines()[0]!r}: add one with typical wrong answers."
            )
        return exercises

    def imports(self) -> str:
        """Return the import statements of all cells."""
        statements = []
        for cell in self.cells:
            if cell.cell_type == "code":
                nodes = ast.parse(cell.source).body
                statements += [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
        return "\n".join(map(ast.unparse, statements))


def scripts() -> list[Script]:
    """Return the scripts of the course in their order.

    Raises:
        SystemExit: A script is not named like one.
    """
    paths = sorted((ROOT / "course").glob("*.py"))
    for path in paths:
        if not re.fullmatch(r"\d\d(_[a-z0-9]+)+", path.stem):
            raise SystemExit(
                f"course/{path.name}: name it NN_verb_topic.py, in small letters, "
                "such as 07_count_layers.py."
            )
    return [Script(path) for path in paths]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def slug() -> str:
    """Return ``owner/repository`` from pyproject's Repository address."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def _length(code: str) -> int:
    """Return how many answers a ``wrong`` cell holds; 0 if it is not one dict, or repeats words."""
    body = ast.parse(code).body
    value = getattr(body[0], "value", None) if len(body) == 1 else None
    keys = value.keys if isinstance(value, ast.Dict) else []
    words = {key.value for key in keys if isinstance(key, ast.Constant)}
    return len(keys) if len(words) == len(keys) else 0
