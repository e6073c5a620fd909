"""Build the student and the solution notebooks from the scripts in ``notebooks/source``.

    python notebooks/build.py            write both forms of every notebook
    python notebooks/build.py --check    fail when a written notebook differs from its source

Cells are marked by tags in the percent scripts: ``stub`` cells exist only in the student form,
``solution`` cells only in the solution form, and a ``setup`` cell is filled in here, so that the
installation line stands in one place. The badges come from the repository slug in pyproject.toml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
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


def badges(name: str) -> str:
    """Return the row of links that open this notebook elsewhere."""
    shown = (
        ("Open in Colab", "https://colab.research.google.com/assets/colab-badge.svg", links.colab(name)),
        ("Open in Binder", "https://mybinder.org/badge_logo.svg", links.binder(name)),
        ("Pull into your JupyterHub", "https://img.shields.io/badge/nbgitpuller-JupyterHub-orange", links.pull(name)),
    )
    return "\n".join(f"[![{text}]({picture})]({address})" for text, picture, address in shown)


def build(source: Path, solutions: bool) -> nbformat.NotebookNode:
    """Return one form of one notebook, without outputs and with ids that depend on the content alone."""
    script = jupytext.read(source, fmt="py:percent")
    unwanted = "stub" if solutions else "solution"
    cells = [nbformat.v4.new_markdown_cell(badges(source.stem))]
    for cell in script.cells:
        tags = cell.metadata.get("tags", [])
        if unwanted in tags:
            continue
        text = SETUP.format(slug=links.slug()) if "setup" in tags else cell.source
        if "predict" in tags:  # a folded cell shows its first line, which must not give the answer away
            text = f"{FOLDED}\n{text}"
        if solutions:  # they stand one folder deeper than the guides
            text = re.sub(r"\]\((\w+\.md)\)", r"](../\1)", text)
        make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        cells.append(make(text, metadata=_metadata(tags)))
    for number, cell in enumerate(cells):
        _check_size(source, number, cell)
        cell["id"] = hashlib.sha256(f"{number}\n{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _metadata(tags: list[str]) -> dict:
    """Return a cell's metadata; the code of a prediction computes its answer, so JupyterLab folds it away and the site leaves it out."""
    if "predict" in tags:
        return {"tags": [*tags, "remove-input"], "jupyter": {"source_hidden": True}}
    return {"tags": tags} if tags else {}


def _check_size(source: Path, number: int, cell: nbformat.NotebookNode) -> None:
    """Refuse a cell that is too long to be read at one glance."""
    lines = sum(1 for line in cell.source.splitlines() if line.strip())
    words = len(cell.source.split())
    if cell.cell_type == "code" and lines > MAX_CODE_LINES:
        raise SystemExit(f"{source.name}, cell {number}: {lines} lines of code; keep it to {MAX_CODE_LINES}.")
    if cell.cell_type == "markdown" and words > MAX_WORDS:
        raise SystemExit(f"{source.name}, cell {number}: {words} words; keep it to {MAX_WORDS}.")


def wanted() -> dict[Path, str]:
    """Return every notebook file that should exist, with its text."""
    files = {}
    for source in sorted((HERE / "source").glob("*.py")):
        for folder, solutions in ((HERE, False), (HERE / "solutions", True)):
            text = json.dumps(build(source, solutions), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
            files[folder / f"{source.stem}.ipynb"] = text
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write the notebooks, or with ``--check`` say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a notebook is stale")
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
            print(f"Stale: {', '.join(stale)}. Edit notebooks/source and run `python notebooks/build.py`.", file=sys.stderr)
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
