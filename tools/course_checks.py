"""Refuse a course that readers could not follow, or that the tools would build wrongly."""

from __future__ import annotations

import ast
import re
from collections import Counter

from . import claim_cells, exercises
from .scripts import TAGS, Script, tags


def check_course(course: list[Script]) -> None:
    """Refuse the first mistake in some scripts, in one sentence.

    Raises:
        SystemExit: names the script and, where there is one, the cell.
    """
    for script in course:
        _check_cells(script)
        _check_tags(script)
        _check_quiz(script)
        _check_numbers(script)
        claim_cells.read(script)
        exercises.require_lasting(script)
    repeated = [number for number, n in Counter(s.number for s in course).items() if n > 1]
    if repeated:
        names = ", ".join(s.path.name for s in course if s.number == repeated[0])
        raise SystemExit(f"{names}: two notebooks have the number {repeated[0]}; rename one.")


def _check_cells(script: Script) -> None:
    """Refuse code that is not Python: claims and exercises are read from it."""
    for number, cell in enumerate(script.cells, 1):
        if cell.cell_type != "code":
            continue
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise SystemExit(
                f"{script.path.name}, cell {number}: `{line}` is not Python; "
                "correct it (the course's cells hold no magics)."
            ) from None


def _check_tags(script: Script) -> None:
    """Refuse tags that mean nothing, and a set-up cell or a stub that is missing."""
    counts: Counter[str] = Counter()
    for number, cell in enumerate(script.cells, 1):
        where = f"{script.path.name}, cell {number}"
        listed = tags(cell)
        if not isinstance(listed, list) or not set(listed) <= TAGS.keys():
            raise SystemExit(f'{where}: write tags=["name"] with names among {", ".join(TAGS)}.')
        if "setup" in listed and cell.source.strip():
            raise SystemExit(f"{where}: leave the set-up cell empty; the builder fills it in.")
        counts.update(listed)
    if counts["setup"] != 1:
        raise SystemExit(
            f'{script.path.name}: mark one empty cell with tags=["setup"]; there are '
            f"{counts['setup']}."
        )
    for exercise in script.exercises():
        stubs = [cell.source for cell in script.cells if "stub" in tags(cell)]
        if not any(f'"{exercise.number}"' in source for source in stubs):
            raise SystemExit(
                f"{script.path.name}: exercise {exercise.number} has a solution and no stub; "
                "add a cell tagged 'stub' that checks `answer = ...`."
            )


def _check_quiz(script: Script) -> None:
    """Refuse a question of a quiz that computes something: its sentences are read from the code."""
    for number, cell in enumerate(script.cells, 1):
        if "quiz" not in tags(cell):
            continue
        body = ast.parse(cell.source).body
        call = getattr(body[0], "value", None) if len(body) == 1 else None
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "ll.choose"):
            raise SystemExit(f"{script.path.name}, cell {number}: write one `ll.choose(…)`.")


def _check_numbers(script: Script) -> None:
    """Refuse a title or an exercise that bears another notebook's number."""
    number = int(script.number)
    if not re.match(rf"{number} · \S", script.title):
        raise SystemExit(
            f"{script.path.name}: begin the heading with the notebook's number, "
            f"`# {number} · Title`."
        )
    for exercise in script.exercises():
        if not exercise.number.startswith(f"{script.number}."):
            raise SystemExit(
                f"{script.path.name}: exercise {exercise.number} belongs to another notebook; "
                f"number it {script.number}.1 and so on."
            )
