"""Make HTML pages with figures of every notebook, in both forms, and print a table of the course.

    python notebooks/execute.py --out build

A notebook that was not executed yet is run first. A cell that fails is named.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import nbformat
import pages
import pandas as pd
import store
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter

import build


def counts(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """Return how many cells, words of text, checked exercises and predictions a notebook holds."""
    after_badges = notebook.cells[1:]
    text = "\n".join(cell.source for cell in after_badges if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return {
        "cells": len(notebook.cells),
        "words": len(text.split()),
        "exercises": len(re.findall(r"\.exercise\(", code)),
        "predictions": len(re.findall(r"\bll\.predict\(", code)),
    }


def page(notebook: nbformat.NotebookNode, scripts: str) -> str:
    """Return an executed notebook as an HTML page.

    Its figures are drawn by the scripts in the folder ``scripts``.
    """
    exporter = HTMLExporter(require_js_url="", mathjax_url="")
    html, _ = exporter.from_notebook_node(pages.still(notebook))
    # What nbconvert would fetch from elsewhere.
    html = re.sub(r'<script[^>]*src=""[^>]*>\s*</script>', "", html)
    tags = f'<link rel="stylesheet" href="{scripts}/{pages.STYLE}">'
    tags += "".join(f'<script defer src="{scripts}/{name}"></script>' for name in pages.SCRIPTS)
    return html.replace("</head>", f"{tags}</head>", 1)


def main(arguments: list[str] | None = None) -> int:
    """Write the pages that are asked for (default: all) and return how many notebooks failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all, in both forms")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder for the HTML pages")
    options = parser.parse_args(arguments)
    every = [*sorted(build.HERE.glob("*.ipynb")), *sorted(build.HERE.glob("solutions/*.ipynb"))]
    failed, rows = 0, {}
    pages.copy_scripts(options.out / "scripts")
    for path in options.notebooks or every:
        name = path.resolve().relative_to(build.HERE)
        form = "solutions" if name.parent.name == "solutions" else "student"
        try:
            notebook = nbformat.read(store.executed(path.stem, form), as_version=4)
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"FAILED {name}: {error}", file=sys.stderr)
            failed += 1
            continue
        minutes = notebook.metadata["latentlang"]["minutes"]
        rows[str(name.with_suffix(""))] = counts(notebook) | {"minutes": minutes}
        target = options.out / name.with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        scripts = "scripts" if form == "student" else "../scripts"
        target.write_text(page(notebook, scripts), encoding="utf-8")
        print(target, flush=True)
    print(pd.DataFrame(rows).T.to_string())
    return failed


if __name__ == "__main__":
    sys.exit(main())
