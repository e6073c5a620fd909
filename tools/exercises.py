"""Try the exercises of a script: the right answers, and the typical wrong ones with their hints.

An exercise that needs no model is tried here, in a second. One whose answer is a run is tried by
``store.py``, at the end of the notebook's solutions form, in its kernel.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

from .claim_cells import changed_after, names
from .scripts import Exercise, Script

Outcome = tuple[str, str, str, str]  # the status and words that must come; status and message


def expression(exercise: Exercise) -> str:
    """Return the expression that checks the listed answers; it gives a list of ``Outcome``."""
    right = f"(('right', '', answer) for answer in {exercise.right.strip()})"
    wrong = f"(('wrong', words, answer) for words, answer in {exercise.wrong.strip()}.items())"
    check = f"ll.checks.exercise({exercise.number!r}, answer)"
    tried = f"((*must, {check}) for *must, answer in (*{right}, *{wrong}))"
    return f"[(*must, outcome.status, outcome.message) for *must, outcome in {tried}]"


def require_lasting(script: Script) -> None:
    """Refuse answers that would be others at the end of the notebook, where they are tried.

    Raises:
        SystemExit: A later cell changes a name that they use.
    """
    for exercise in script.exercises():
        if not needs_a_model(script, exercise):
            continue
        at = [cell.source for cell in script.cells].index(exercise.wrong)
        if again := sorted(names(expression(exercise)) & changed_after(script.cells, at)):
            raise SystemExit(
                f"{script.path.name}, answers to {exercise.number}: "
                f"a later cell changes {', '.join(again)}."
            )


def needs_a_model(script: Script, exercise: Exercise) -> bool:
    """Tell whether an exercise uses what its notebook computed."""
    code = symtable.symtable(exercise.solution, "solution", "exec")
    assigned = {s.get_name() for s in code.get_symbols() if s.is_assigned()}
    imported = symtable.symtable(script.imports(), "imports", "exec").get_identifiers()
    known = {"ll", *assigned, *imported, *dir(builtins)}
    used = {s.get_name() for s in code.get_symbols() if s.is_referenced()}
    for inner in _inside(code):
        used |= {s.get_name() for s in inner.get_symbols() if s.is_global()}
    return bool((used | names(expression(exercise))) - known)


def solved(script: Script, exercise: Exercise) -> tuple[object, list[Outcome]]:
    """Return the solution's answer to an exercise that needs no model, and what becomes of others.

    Raises:
        Exception: whatever the solution raises.
    """
    here: dict = {}
    exec(f"import latentlang as ll\n{script.imports()}", here)
    *statements, check = ast.parse(exercise.solution).body
    exec(ast.unparse(ast.Module(statements, [])), here)
    answer = eval(ast.unparse(check.value.args[1]), here)
    return answer, eval(expression(exercise), here)


def _inside(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield the scopes inside a scope."""
    for inner in table.get_children():
        yield inner
        yield from _inside(inner)
