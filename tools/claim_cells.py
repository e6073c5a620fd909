"""Read the claims of a script: what its sentences rest on.

A ``claims`` cell follows the text, or the question of a quiz, that quotes a result and stays in the
script. It holds one dict:
from the quoted fragment of that text to the expression that must be true at the end of the
notebook. Where the fragment's number is not a result, a string says what it is instead, such as
``"a definition"``. The expression has the numbers of its fragment, so that neither changes without
the other. ``store.py`` evaluates the expressions, ``claims.py`` reports on them.
"""

from __future__ import annotations

import ast
import math
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

from .scripts import Script, tags

# Methods that change a list, a dict or a set in place.
_FILLING = ("append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "clear")
# A number in figures, apart from names such as 7B and 8-bit.
_SAID = re.compile(r"(?<![\w.,-])(\d++(?:[.,]\d++)*+)(?![\w-])( %)?")
_WRITTEN = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True)
class Claim:
    """A quoted fragment, and the expression or the reason behind it."""

    text: str
    expression: str | None
    reason: str | None

    def unlinked(self) -> list[str]:
        """Return a sentence per number of the text that the expression lacks; 12 % is 0.12 there.

        >>> Claim("falls from 0.3 to 12 % in 8-bit", "table.min() < 0.3", None).unlinked()
        ['`table.min() < 0.3` does not have the number 12 %.']
        """
        if self.expression is None:
            return []
        written = [float(number) for number in _WRITTEN.findall(self.expression)]
        missing = []
        for said in _SAID.finditer(self.text):
            value = float(said[1].replace(",", "")) / (100 if said[2] else 1)
            if not any(math.isclose(value, number) for number in written):
                missing.append(f"`{self.expression}` does not have the number {said[0]}.")
        return missing


def claims(script: Script) -> dict[str, str]:
    """Return the claims of a script that are evaluated: from fragment to expression.

    Raises:
        SystemExit: As ``read``.
    """
    return {claim.text: claim.expression for claim in read(script) if claim.expression}


def read(script: Script) -> list[Claim]:
    """Return the claims of a script, with those that only give a reason.

    Raises:
        SystemExit: A cell is not one dict, a fragment is not in the text above its cell or comes
            twice, or an expression names no result of the notebook, or one that a later cell
            changes, or lacks a number of its fragment. The message has one line per fault.
    """
    cells, known = script.cells, results(script)
    found: dict[str, Claim] = {}
    faults: list[str] = []
    for number, cell in enumerate(cells):
        if "claims" not in tags(cell):
            continue
        above = [text for c in cells[:number] if (text := text_of(c))][-1:]
        later = changed_after(cells, number)
        for claim in pairs(cell.source, script.path.name):
            said = _wrong(claim, " ".join(above), known, later)
            if claim.text in found:
                said.append("it stands there twice.")
            faults += [f"{script.path.name}, claim {claim.text!r}: {fault}" for fault in said]
            found[claim.text] = claim
    refuse(faults)
    return list(found.values())


def text_of(cell: nbformat.NotebookNode) -> str:
    """Return what a cell says to a reader: a text, or the sentences of a question of a quiz."""
    if cell.cell_type == "markdown":
        return cell.source
    if "quiz" not in tags(cell):
        return ""
    parts = [node.value for node in ast.walk(ast.parse(cell.source)) if _is_sentence(node)]
    return "\n\n".join(parts)


def _is_sentence(node: ast.AST) -> bool:
    """Tell whether a part of the code is a text of more than one word."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def refuse(faults: list[str]) -> None:
    """Raise ``SystemExit`` with all faults, one per line, if there are any."""
    if faults:
        raise SystemExit("\n".join(faults))


def _wrong(claim: Claim, above: str, known: set[str], later: set[str]) -> list[str]:
    """Return what is wrong with a claim under a text: each fault as a sentence.

    ``known`` are the names of results, and ``later`` those that change behind the claim.
    """
    said = []
    if claim.text not in " ".join(above.split()):
        said.append("the text above it does not say this.")
    used = names(claim.expression) if claim.expression else set()
    if claim.expression and not (used & known or _reads_table(claim.expression)):
        said.append(f"`{claim.expression}` names no Run, table or other result.")
    said += claim.unlinked()
    if again := sorted(used & later):
        said.append(f"a later cell changes {', '.join(again)}.")
    return said


def changed_after(cells: list[nbformat.NotebookNode], number: int) -> set[str]:
    """Return the names that a cell, or one below it, assigns, fills or deletes."""
    return set().union(*(bound(c.source) for c in cells[number:] if c.cell_type == "code"))


def names(code: str, kind: str = "eval") -> set[str]:
    """Return the names that an expression, or ``"exec"`` statements, look up in the notebook."""
    return set(_looked_up(symtable.symtable(code, "claim", kind)))


def bound(code: str) -> set[str]:
    """Return the names that code assigns, fills or deletes (not those that it imports)."""
    symbols = symtable.symtable(code, "cell", "exec").get_symbols()
    parts = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Subscript | ast.Attribute))
    filled = (part.value for part in parts if _fills(part))
    names_filled = {value.id for value in filled if isinstance(value, ast.Name)}
    # A function's own variables are not names of the notebook.
    return {s.get_name() for s in symbols if s.is_assigned() or s.get_name() in names_filled}


def _fills(part: ast.Subscript | ast.Attribute) -> bool:
    """Return whether ``part`` changes the object before its dot or bracket: ``rows.append``."""
    return not isinstance(part.ctx, ast.Load) or getattr(part, "attr", "") in _FILLING


def results(script: Script) -> set[str]:
    """Return the names of what a notebook computes."""
    cells = script.cells
    return set().union(*map(_results, cells)) - set().union(*map(_settings, cells))


def pairs(code: str, file: str) -> Iterator[Claim]:
    """Yield the claims of a dict, each with its expression on one line.

    Raises:
        SystemExit: The code is another thing than one dict from texts; ``file`` names it.
    """
    body = ast.parse(code).body
    if len(body) != 1 or not isinstance(getattr(body[0], "value", None), ast.Dict):
        raise SystemExit(f"{file}: a claims cell holds one dict, from text to expression.")
    for text, value in zip(body[0].value.keys, body[0].value.values):
        if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
            raise SystemExit(f"{file}: a claim begins with the text that it backs.")
        fragment = " ".join(text.value.split())
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield Claim(fragment, None, value.value)
        else:
            yield Claim(fragment, ast.unparse(value), None)


def _looked_up(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a scope and the scopes inside it look up outside of them."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _looked_up(inner)


def _results(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names that a cell of both forms computes: neither literals nor functions."""
    only_one_form = {"claims", "stub", "solution", "right", "wrong"}
    if cell.cell_type != "code" or only_one_form.intersection(tags(cell)):
        return set()
    computed: set[str] = set()
    for statement in ast.parse(cell.source).body:
        if _computes(statement):
            computed |= bound(ast.unparse(statement))
    return computed


def _computes(statement: ast.stmt) -> bool:
    """Tell whether a statement makes values out of others."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return any(isinstance(node.ctx, ast.Load) for node in nodes)


def _settings(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names that a reader sets: they are not results, whatever becomes of them."""
    return bound(cell.source) if "parameters" in tags(cell) else set()


def _reads_table(expression: str) -> bool:
    """Tell whether an expression reads one of the tables that ``make results`` writes."""
    calls = (node for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) == "ll.data.results" for call in calls)
