"""Build the student and the solution notebooks from the scripts in ``notebooks/source``.

    python notebooks/build.py            write both forms of every notebook
    python notebooks/build.py --check    fail when a written notebook differs from its source

Cells are marked by tags in the percent scripts: ``stub`` cells exist only in the student form,
``solution`` cells only in the solution form, and a ``setup`` cell is filled in here, so that the
installation line stands in one place. The badges come from the repository slug in pyproject.toml.

A ``claims`` cell follows the text that quotes a result and stays in the script. It holds one dict:
from the quoted fragment of that text to the expression that must be true at the end of the
notebook. ``store.py`` evaluates the expressions, ``claims.py`` reports on them.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import symtable
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import links
import nbformat

HERE = Path(__file__).resolve().parent
MAX_CODE_LINES, MAX_WORDS = 12, 150
FOLDED = "# Folded: the answer is computed here."

SETUP = """\
import sys

if "google.colab" in sys.modules:  # Colab: its torch and numpy stay, what is missing is added
    %pip install -q "latentlang[demo-model] @ git+https://github.com/{slug}"
import latentlang as ll

ll.checks.check_environment()"""


COLAB_BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
BINDER_BADGE = "https://mybinder.org/badge_logo.svg"
HUB_BADGE = "https://img.shields.io/badge/nbgitpuller-JupyterHub-orange"


def badges(name: str) -> str:
    """Return the row of links that open this notebook elsewhere."""
    row = (
        ("Open in Colab", COLAB_BADGE, links.colab(name)),
        ("Open in Binder", BINDER_BADGE, links.binder(name)),
        ("Pull into your JupyterHub", HUB_BADGE, links.pull(name)),
    )
    return "\n".join(f"[![{text}]({picture})]({address})" for text, picture, address in row)


def build(source: Path, solutions: bool) -> nbformat.NotebookNode:
    """Return one form of one notebook, without outputs; its ids depend on the content alone."""
    script = jupytext.read(source, fmt="py:percent")
    unwanted = {"claims", "stub" if solutions else "solution"}
    cells = [nbformat.v4.new_markdown_cell(badges(source.stem))]
    for cell in script.cells:
        tags = _tags(cell)
        if unwanted.intersection(tags):
            continue
        text = SETUP.format(slug=links.slug()) if "setup" in tags else cell.source
        if "predict" in tags:  # the first line of a folded cell is seen: it gives nothing away
            text = f"{FOLDED}\n{text}"
        if solutions:  # they stand one folder deeper than the guides
            text = re.sub(r"\]\((\w+\.md)\)", r"](../\1)", text)
        is_code = cell.cell_type == "code"
        make = nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell
        cells.append(make(text, metadata=_metadata(tags)))
    for number, cell in enumerate(cells):
        _check_size(source, number, cell)
        content = f"{number}\n{cell.cell_type}\n{cell.source}".encode()
        cell["id"] = hashlib.sha256(content).hexdigest()[:12]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _metadata(tags: list[str]) -> dict:
    """Return a cell's metadata.

    The code of a prediction computes its answer, so JupyterLab folds it away and the site leaves
    it out.
    """
    if "predict" in tags:
        return {"tags": [*tags, "remove-input"], "jupyter": {"source_hidden": True}}
    return {"tags": tags} if tags else {}


def _check_size(source: Path, number: int, cell: nbformat.NotebookNode) -> None:
    """Refuse a cell that is too long to be read at one glance."""
    lines = sum(1 for line in cell.source.splitlines() if line.strip())
    words = len(cell.source.split())
    where = f"{source.name}, cell {number}"
    if cell.cell_type == "code" and lines > MAX_CODE_LINES:
        raise SystemExit(f"{where}: {lines} lines of code; keep it to {MAX_CODE_LINES}.")
    if cell.cell_type == "markdown" and words > MAX_WORDS:
        raise SystemExit(f"{where}: {words} words; keep it to {MAX_WORDS}.")


def claims(source: Path) -> dict[str, str]:
    """Return the claims of a script: from a quoted fragment of its text to an expression.

    Raises:
        SystemExit: A cell is not one dict, a fragment is not in the text above its cell, or an
            expression names no result of the notebook, or one that a later cell changes.
    """
    cells = jupytext.read(source, fmt="py:percent").cells
    results = set().union(*map(_results, cells)) - set().union(*map(_settings, cells))
    pairs: dict[str, str] = {}
    for number, cell in enumerate(cells):
        if "claims" not in _tags(cell):
            continue
        above = [c.source for c in cells[:number] if c.cell_type == "markdown"][-1:]
        later = set().union(*(_bound(c.source) for c in cells[number:] if c.cell_type == "code"))
        for text, expression in _pairs(source, cell.source):
            where = f"{source.name}, claim {text!r}"
            names = set(_names(symtable.symtable(expression, "claim", "eval")))
            if text not in " ".join(" ".join(above).split()):
                raise SystemExit(f"{where}: the text above it does not say this.")
            if not (names & results or _reads_table(expression)):
                raise SystemExit(f"{where}: `{expression}` names no Run, table or other result.")
            if again := sorted(names & later):
                raise SystemExit(f"{where}: a later cell changes {', '.join(again)}.")
            if text in pairs:
                raise SystemExit(f"{where}: it stands there twice.")
            pairs[text] = expression
    return pairs


def _pairs(source: Path, code: str) -> Iterator[tuple[str, str]]:
    """Yield the fragments and expressions of a claims cell, each on one line."""
    body = ast.parse(code).body
    if len(body) != 1 or not isinstance(getattr(body[0], "value", None), ast.Dict):
        raise SystemExit(f"{source.name}: a claims cell holds one dict, from text to expression.")
    for text, expression in zip(body[0].value.keys, body[0].value.values):
        if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
            raise SystemExit(f"{source.name}: a claim begins with the text that it backs.")
        yield " ".join(text.value.split()), ast.unparse(expression)


def _bound(code: str) -> set[str]:
    """Return the names that code assigns, fills or deletes (not those that it imports)."""
    symbols = symtable.symtable(code, "cell", "exec").get_symbols()
    parts = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Subscript | ast.Attribute))
    filled = (part.value for part in parts if not isinstance(part.ctx, ast.Load))
    names = {value.id for value in filled if isinstance(value, ast.Name)}
    return names | {symbol.get_name() for symbol in symbols if symbol.is_assigned()}


def _names(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that an expression looks up in the notebook."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _names(inner)


def _results(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names that a cell of both forms computes: neither literals nor functions."""
    if cell.cell_type != "code" or {"claims", "stub", "solution"}.intersection(_tags(cell)):
        return set()
    names: set[str] = set()
    for statement in ast.parse(cell.source).body:
        if _computes(statement):
            names |= _bound(ast.unparse(statement))
    return names


def _computes(statement: ast.stmt) -> bool:
    """Tell whether a statement makes values out of others."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return False
    names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return any(isinstance(name.ctx, ast.Load) for name in names)


def _settings(cell: nbformat.NotebookNode) -> set[str]:
    """Return the names that a reader sets: they are no results, whatever becomes of them."""
    return _bound(cell.source) if "parameters" in _tags(cell) else set()


def _reads_table(expression: str) -> bool:
    """Tell whether an expression reads one of the tables that ``make results`` writes."""
    calls = (node for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) == "ll.data.results" for call in calls)


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def wanted() -> dict[Path, str]:
    """Return every notebook file that should exist, with its text."""
    files = {}
    for source in sorted((HERE / "source").glob("*.py")):
        claims(source)  # refuses what cannot be checked
        for folder, solutions in ((HERE, False), (HERE / "solutions", True)):
            notebook = build(source, solutions)
            text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
            files[folder / f"{source.stem}.ipynb"] = f"{text}\n"
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write the notebooks, or with ``--check`` say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is stale")
    check = parser.parse_args(arguments).check
    files = wanted()
    present = {*HERE.glob("*.ipynb"), *(HERE / "solutions").glob("*.ipynb")}
    stale = sorted(
        str(p.relative_to(HERE))
        for p in {*files, *present}
        if p not in files or p not in present or p.read_text(encoding="utf-8") != files[p]
    )
    if check:
        if stale:
            remedy = "Edit notebooks/source and run `python notebooks/build.py`."
            print(f"Stale: {', '.join(stale)}. {remedy}", file=sys.stderr)
        return bool(stale)
    for path in present - files.keys():
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(files)} notebooks, {len(stale)} changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
