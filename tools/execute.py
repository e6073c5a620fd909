"""Make HTML pages with figures of every notebook, in both forms, and print a table of the course.

    python -m tools.execute                       every notebook
    python -m tools.execute 03_trace_three_phases --out build

A notebook that was not executed yet is run first. A cell that fails is named, and so is a notebook
whose kernel died; the others are run all the same.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import nbformat
import pandas as pd
from nbconvert import HTMLExporter

from . import pages, store
from .notebook import counts
from .scripts import FORMS, ROOT, scripts

MARK = '<meta name="generator" content="latentlang">'  # only a page with this is written again


def page(notebook: nbformat.NotebookNode, scripts_folder: str) -> str:
    """Return an executed notebook as an HTML page.

    Its figures are drawn by the scripts in the folder ``scripts_folder``.
    """
    exporter = HTMLExporter(require_js_url="", mathjax_url="")
    html, _ = exporter.from_notebook_node(pages.still(notebook))
    # What nbconvert would fetch from elsewhere.
    html = re.sub(r'<script[^>]*src=""[^>]*>\s*</script>', "", html)
    tags = f'{MARK}<link rel="stylesheet" href="{scripts_folder}/{pages.STYLE}">'
    for name in pages.SCRIPTS:
        tags += f'<script defer src="{scripts_folder}/{name}"></script>'
    return html.replace("</head>", f"{tags}</head>", 1)


def main(arguments: list[str] | None = None) -> int:
    """Write the pages that are asked for (default: all) and return how many notebooks failed."""
    course = {script.name: script for script in scripts()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NAME", help="default: every notebook")
    parser.add_argument("--form", choices=tuple(FORMS), help="default: both")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="folder for the pages")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.notebooks) - course.keys()):
        parser.error(f"there is no notebook {unknown[0]}; there are {', '.join(course)}")
    failed, rows = 0, {}
    pages.copy_scripts(options.out / "scripts")
    for form in [options.form] if options.form else FORMS:
        for name in options.notebooks or course:
            try:
                notebook = nbformat.read(store.executed(course[name], form), as_version=4)
            except store.FAILURES as error:
                print(f"FAILED {name} ({form}): {error}", file=sys.stderr)
                failed += 1
                continue
            minutes = notebook.metadata["latentlang"].get("minutes")
            rows[f"{name} ({form})"] = counts(notebook) | {"minutes": minutes}
            inside = form == "solutions"
            target = options.out / ("solutions" if inside else "") / f"{name}.html"
            if target.exists() and MARK not in target.read_text(encoding="utf-8", errors="replace"):
                parser.error(f"{target} is not a page of this command: name another folder.")
            target.parent.mkdir(parents=True, exist_ok=True)
            html = page(notebook, "../scripts" if inside else "scripts")
            target.write_text(html, encoding="utf-8")
            print(target, flush=True)
    print(pd.DataFrame(rows).T.to_string())
    return failed


if __name__ == "__main__":
    sys.exit(main())
