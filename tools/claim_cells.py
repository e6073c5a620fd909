"""Read the claims of a script: what its sentences rest on.

A ``claims`` cell follows the text that quotes a result and stays in the script. It holds one dict:
from the quoted fragment of that text to the expression that must be true at the end of the
notebook. Where the fragment's number is not a result, a string says what it is instead, such as
``"a definition"``. ``store.py`` evaluates the expressions, ``claims.py`` reports on them.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

from .scripts import Script, tags


@dataclass(frozen=True)
class Claim:
    """A quoted fragment, and the expression or the reason behind it."""

    text: str
    expression: str | None
    reason: str | None


def claims(script: Script) -> dict[str, str]:
    """Return the claims of a script that are evaluated: from fragment to expression.

    Raises:
        SystemExit: As ``read``.
    """
    return {claim.text: claim.expression for claim in read(script) if claim.expression}


def read(script: Script) -> list[Claim]:
    """Return the claims of a script, with those that only give a reason.

    Raises:
        SystemExit: A cell is not one dict, a fragment is not in the text above its cell, or an
            expression names no result of the notebook, or one that a later cell changes.
    """
    cells = script.cells
    results = set().union(*map(_results, cells)) - set().union(*map(_settings, cells))
    found: dict[str, Claim] = {}
    for number, cell in enumerate(cells):
        if "claims" not in tags(cell):
            continue
        above = [c.source for c in cells[:number] if c.cell_type == "markdown"][-1:]
        later = changed_after(cells, number)
        for claim in _pairs(script, cell.source):
            where = f"{script.path.name}, claim {claim.text!r}"
            if claim.text not in " ".join(" ".join(above).split()):
                raise SystemExit(f"{where}: the text above it does not say this.")
            if claim.text in found:
                raise SystemExit(f"{where}: it stands there twice.")
            if claim.expression:
                used = names(claim.expression)
                if not (used & results or _reads_table(claim.expression)):
                    raise SystemExit(
                        f"{where}: `{claim.expression}` names no Run, table or other result."
                    )
                if again := sorted(used & later):
                    raise SystemExit(f"{where}: a later cell changes {', '.join(again)}.")
            found[claim.text] = claim
    return list(found.values())


def changed_after(cells: list[nbformat.NotebookNode], number: int) -> set[str]:
    """Return the names that a cell, or one below it, assigns, fills or deletes."""
    return set().union(*(_bound(c.source) for c in cells[number:] if c.cell_type == "code"))


def names(expression: str) -> set[str]:
    """Return the names that an expression looks up in the notebook."""
    return set(_looked_up(symtable.symtable(expression, "claim", "eval")))


def _pairs(script: Script, code: str) -> Iterator[Claim]:
    """Yield the claims of a cell, each with its expression on one line."""
    body = ast.parse(code).body
    if len(body) != 1 or not isinstance(getattr(body[0], "value", None), ast.Dict):
        raise SystemExit(
            f"{script.path.name}: a claims cell holds one dict, from text to expression."
        )
    for text, value in zip(body[0].value.keys, body[0].value.values):
        if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
            raise SystemExit(f"{script.path.name}: a claim begins with the text that it backs.")
        fragment = " ".join(text.value.split())
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield Claim(fragment, None, value.value)
        else:
            yield Claim(fragment, ast.unparse(value), None)


def _bound(code: str) -> set[str]:
    """Return the names that code assigns, fills or deletes (not those that it imports)."""
    symbols = symtable.symtable(code, "cell", "exec").get_symbols()
    parts = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Subscript | ast.Attribute))
    filled = (part.value for part in parts if not isinstance(part.ctx, ast.Load))
    bound = {value.id for value in filled if isinstance(value, ast.Name)}
    return bound | {symbol.get_name() for symbol in symbols if symbol.is_assigned()}


def _looked_up(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a scope and the scopes inside it look up outside of them."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _looked_up(inner)


def _results(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names that a cell of both forms computes: neither literals nor functions."""
    only_one_form = {"claims", "stub", "solution", "wrong"}
    if cell.cell_type != "code" or only_one_form.intersection(tags(cell)):
        return set()
    computed: set[str] = set()
    for statement in ast.parse(cell.source).body:
        if _computes(statement):
            computed |= _bound(ast.unparse(statement))
    return computed


def _computes(statement: ast.stmt) -> bool:
    """Tell whether a statement makes values out of others."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return any(isinstance(node.ctx, ast.Load) for node in nodes)


def _settings(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names that a reader sets: they are not results, whatever becomes of them."""
    return _bound(cell.source) if "parameters" in tags(cell) else set()


def _reads_table(expression: str) -> bool:
    """Tell whether an expression reads one of the tables that ``make results`` writes."""
    calls = (node for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) == "ll.data.results" for call in calls)
