"""Run every notebook, in the student and the solution form, and keep HTML pages with their figures.

    python notebooks/execute.py --out build

The first cell that fails stops the run and is named. A cell may take twenty minutes: the first run of all pairs is long on a slow machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

# Plain figures reach an HTML page only through a renderer that embeds them; this one needs no network.
os.environ["PLOTLY_RENDERER"] = "plotly_mimetype+notebook"

import nbformat
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


def main(arguments: list[str] | None = None) -> int:
    """Execute what is asked for (default: all) and return the number of notebooks that failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook in both forms")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder for the HTML pages")
    options = parser.parse_args(arguments)
    failed = 0
    for path in options.notebooks or [*sorted(HERE.glob("*.ipynb")), *sorted((HERE / "solutions").glob("*.ipynb"))]:
        page = options.out / path.resolve().relative_to(HERE).with_suffix(".html")
        page.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        try:
            html, _ = HTMLExporter().from_notebook_node(run(path))
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"FAILED {path.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        page.write_text(html, encoding="utf-8")
        print(f"{page}  {time.perf_counter() - started:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
