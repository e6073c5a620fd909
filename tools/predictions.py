"""Ask how sure the answers to a notebook's predictions are.

``store.py`` asks at the end of the notebook, in its kernel; ``resample.py`` answers there.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from . import claim_cells, resample
from .scripts import Script, tags


@dataclass(frozen=True)
class Prediction:
    """A question, its measured answer, and the share of resamples of the concepts that agree.

    ``share`` is None where the answer rests on no run of several concepts.
    """

    question: str
    answer: str
    share: float | None


def questions(script: Script) -> dict[str, str]:
    """Return what a notebook's kernel is asked at its end: one expression per prediction.

    Raises:
        SystemExit: A cell tagged ``predict`` does not end with its prediction.
    """
    absent = {"solution", "claims", "right", "wrong"}
    cells = [
        cell
        for cell in script.cells
        if cell.cell_type == "code" and not absent.intersection(tags(cell))
    ]
    source = Path(resample.__file__).read_text(encoding="utf-8")
    asked: dict[str, str] = {}
    for number, cell in enumerate(cells):
        if "predict" not in tags(cell):
            continue
        before = [step for above in cells[:number] for step in steps(above.source)]
        own = steps(cell.source)
        if not own[-1][0].startswith("ll.predict("):
            raise SystemExit(f"{script.path.name}: end the prediction's cell with `ll.predict(…)`.")
        later = claim_cells.changed_after(cells, number)
        asked[f"prediction {len(asked) + 1}"] = (
            f"(lambda space: exec({source!r}, space) or "
            f"space['agreement'](globals(), {before!r}, {own!r}, {sorted(later)!r}))({{}})"
        )
    return asked


def predictions(script: Script, answers: dict[str, dict]) -> list[Prediction]:
    """Return a notebook's predictions.

    Args:
        script: The notebook's script.
        answers: What became of its questions (``store.answers``).

    Raises:
        ValueError: The kernel did not answer; the message says why.
    """
    found = []
    for name in questions(script):
        said = answers[name]["value"]
        if not said.startswith("("):
            raise ValueError(f"{script.name}, {name}: {said}")
        found.append(Prediction(*ast.literal_eval(said)))
    return found


def steps(code: str) -> list[tuple[str, list[str], list[str]]]:
    """Return the statements of a cell, each with the names that it binds and those that it reads.

    >>> steps("a = b + 1")
    [('a = b + 1', ['a'], ['b'])]
    """
    found = []
    for statement in ast.parse(code).body:
        text = ast.unparse(statement)
        binds = claim_cells.bound(text)
        reads = claim_cells.names(text, "exec")
        kept = binds - _surely_bound(statement)  # what they were before may matter
        found.append((text, sorted(binds), sorted(reads | kept)))
    return found


def _surely_bound(statement: ast.stmt) -> set[str]:
    """Return the names whose value a statement replaces, whatever it was."""
    if isinstance(statement, ast.If):
        ways = (statement.body, statement.orelse)
        both = [set().union(*map(_surely_bound, way)) for way in ways]
        return both[0] & both[1]
    if isinstance(statement, ast.For):
        return {node.id for node in ast.walk(statement.target) if isinstance(node, ast.Name)}
    if isinstance(statement, ast.Assign | ast.FunctionDef):
        return claim_cells.bound(ast.unparse(statement))
    return set()
