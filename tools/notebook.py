"""Make one form of one notebook from its script."""

from __future__ import annotations

import hashlib
import json
import re

import nbformat

from . import links
from .scripts import Script, slug, tags

FOLDED_TAGS = {"predict", "quiz"}  # of cells whose code holds an answer
MAX_CODE_LINES, MAX_COLUMNS, MAX_WORDS = 12, 100, 150
FOLDED = "# Folded: the answer is computed here."

SETUP = """\
import sys

if "google.colab" in sys.modules:  # Colab: its torch and numpy stay, what is missing is added
    %pip install -q "latentlang[demo-model] @ git+https://github.com/{slug}"
import latentlang as ll

ll.checks.check_environment()"""
END = (
    "You have reached the end of the course. Words and limits are in the [glossary](GLOSSARY.md); "
    "[INSTRUCTOR.md](INSTRUCTOR.md) says how to teach with it."
)


def elsewhere(name: str) -> str:
    """Return the row of links that open this notebook elsewhere.

    They are words: a picture from the network is broken in a room without one.
    """
    row = {
        "Open in Colab": links.colab(name),
        "Open in Binder": links.binder(name),
        "Pull into your JupyterHub": links.pull(name),
    }
    return " · ".join(f"[{text}]({address})" for text, address in row.items())


def make(script: Script, form: str, following: Script | None) -> nbformat.NotebookNode:
    """Return one form of a notebook, without outputs; its ids depend on the content alone.

    Args:
        script: The notebook's script.
        form: ``"student"`` or ``"solutions"``.
        following: The script of the next notebook; None for the last one.

    Raises:
        SystemExit: A cell is too long to be read at one glance.
    """
    skipped = {"claims", "right", "wrong", {"student": "solution", "solutions": "stub"}[form]}
    sources = [cell for cell in script.cells if not skipped.intersection(tags(cell))]
    last_text = [cell for cell in sources if cell.cell_type == "markdown"][-1]
    cells = [nbformat.v4.new_markdown_cell(elsewhere(script.name))]
    for source in sources:
        text = _text(source)
        if source is last_text:
            text = f"{text}\n\n{_next(following)}"
        if form == "solutions":  # it stands one folder deeper than the guides
            text = re.sub(r"\]\((\w+\.md)\)", r"](../\1)", text)
        is_code = source.cell_type == "code"
        new = nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell
        cells.append(new(text, metadata=_metadata(tags(source))))
    for number, cell in enumerate(cells):
        _check_size(script, number, cell)
        content = f"{number}\n{cell.cell_type}\n{cell.source}".encode()
        cell["id"] = hashlib.sha256(content).hexdigest()[:12]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as it is written to a file."""
    return f"{json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)}\n"


def counts(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """Return how many cells, words of text, checked exercises and predictions a notebook holds."""
    after_links = notebook.cells[1:]
    text = "\n".join(cell.source for cell in after_links if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return {
        "cells": len(notebook.cells),
        "words": len(text.split()),
        "exercises": len(re.findall(r"\.exercise\(", code)),
        "predictions": len(re.findall(r"\bll\.predict\(", code)),
    }


def _text(cell: nbformat.NotebookNode) -> str:
    """Return what a cell of a script becomes in a notebook."""
    if "setup" in tags(cell):
        return SETUP.format(slug=slug())
    if "predict" in tags(cell):  # the first line of a folded cell is seen: it gives nothing away
        return f"{FOLDED}\n{cell.source}"
    return cell.source


def _next(following: Script | None) -> str:
    """Return how a notebook ends: with the way to the next one."""
    return f"**Next:** [{following.title}]({following.name}.ipynb)" if following else END


def _metadata(cell_tags: list[str]) -> dict:
    """Return a cell's metadata.

    The code of a question holds its answer, so JupyterLab folds it away and the site leaves it out.
    """
    if FOLDED_TAGS.intersection(cell_tags):
        return {"tags": [*cell_tags, "remove-input"], "jupyter": {"source_hidden": True}}
    return {"tags": cell_tags} if cell_tags else {}


def _check_size(script: Script, number: int, cell: nbformat.NotebookNode) -> None:
    """Refuse a cell that is too long to be read at one glance."""
    lines = sum(1 for line in cell.source.splitlines() if line.strip())
    words = len(cell.source.split())
    where = f"{script.path.name}, cell {number}"
    if cell.cell_type == "code" and lines > MAX_CODE_LINES:
        raise SystemExit(f"{where}: {lines} lines of code; keep it to {MAX_CODE_LINES}.")
    widest = max(map(len, cell.source.splitlines()), default=0)
    if cell.cell_type == "code" and widest > MAX_COLUMNS:
        raise SystemExit(f"{where}: a line of {widest} columns; keep it to {MAX_COLUMNS}.")
    if cell.cell_type == "markdown" and words > MAX_WORDS:
        raise SystemExit(f"{where}: {words} words; keep it to {MAX_WORDS}.")
