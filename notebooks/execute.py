"""Run every notebook, in the student and the solution form, keep HTML pages with their figures, and print a table of the course.

    python notebooks/execute.py --out build

The first cell that fails stops the run and is named. A cell may take twenty minutes: the first run of all pairs is long on a slow machine.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

import nbformat
import pages
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter

HERE = Path(__file__).resolve().parent
SECONDS_A_CELL = 1200


def run(path: Path) -> nbformat.NotebookNode:
    """Execute one notebook from top to bottom in a kernel of its own and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}})
    return client.execute()


def counts(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """Return what a notebook holds: cells, words of text, exercises that check themselves, predictions."""
    text = "\n".join(cell.source for cell in notebook.cells[1:] if cell.cell_type == "markdown")  # the first cell is the badges
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    numbers = {"cells": len(notebook.cells), "words": len(text.split())}
    return numbers | {"exercises": len(re.findall(r"\.exercise\(", code)), "predictions": len(re.findall(r"\bll\.predict\(", code))}


def page(notebook: nbformat.NotebookNode, scripts: str) -> str:
    """Return an executed notebook as an HTML page that draws its figures with the scripts in the folder ``scripts``."""
    html, _ = HTMLExporter(require_js_url="", mathjax_url="").from_notebook_node(pages.still(notebook))
    html = re.sub(r'<script[^>]*src=""[^>]*>\s*</script>', "", html)  # what nbconvert would fetch from elsewhere
    tags = f'<link rel="stylesheet" href="{scripts}/{pages.STYLE}">'
    tags += "".join(f'<script defer src="{scripts}/{name}"></script>' for name in pages.SCRIPTS)
    return html.replace("</head>", f"{tags}</head>", 1)


def main(arguments: list[str] | None = None) -> int:
    """Execute what is asked for (default: all) and return the number of notebooks that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook in both forms")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder for the HTML pages")
    options = parser.parse_args(arguments)
    failed, rows = 0, {}
    pages.copy_scripts(options.out / "scripts")
    for path in options.notebooks or [*sorted(HERE.glob("*.ipynb")), *sorted((HERE / "solutions").glob("*.ipynb"))]:
        name = path.resolve().relative_to(HERE)
        target = options.out / name.with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        try:
            notebook = run(path)
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"FAILED {path.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        rows[str(name.with_suffix(""))] = counts(notebook) | {"minutes": round((time.perf_counter() - started) / 60, 1)}
        target.write_text(page(notebook, "../scripts" if len(name.parts) > 1 else "scripts"), encoding="utf-8")
        print(f"{target}  {time.perf_counter() - started:.0f} s", flush=True)
    print(pd.DataFrame(rows).T.to_string())
    return failed


if __name__ == "__main__":
    sys.exit(main())
