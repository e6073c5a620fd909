"""The page of the site with the atlas of models: its text, its figure and its table."""

from __future__ import annotations

import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import latentlang as ll

from . import pages
from .scripts import ROOT

TEXT = ROOT / "tools" / "web" / "atlas.md"
NAME = "atlas"


def page(picture: str) -> nbformat.NotebookNode:
    """Return the page as ``pages.still`` returns those of notebooks.

    Args:
        picture: the address of the figure's picture.
    """
    table = 'll.data.results("atlas")'
    # Sphinx leaves out what a cell without code shows.
    shown = {
        "figure": (f"ll.plots.atlas({table})", {pages.FIGURE: figure().to_plotly_json()}),
        "table": (table, {"text/html": html(ll.data.results(NAME))}),
    }
    cells = []
    for number, part in enumerate(TEXT.read_text(encoding="utf-8").split("{{ ")):
        name, _, text = part.partition(" }}") if number else ("", "", part)
        if name:
            code, data = shown[name]
            output = new_output("display_data", {"text/plain": name, **data})
            cells.append(new_code_cell(code, outputs=[output]))
        cells.append(new_markdown_cell(text.strip()))
    language = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    return pages.still(new_notebook(cells=cells, metadata=language), [picture])


def html(table: pd.DataFrame) -> str:
    """Return an atlas as HTML, with all of each text, and nothing where a cell is empty."""
    with pd.option_context("display.max_colwidth", None):  # else the end of a text is dots
        return table.round(3).astype(object).fillna("").to_html(index=False)


def figure():
    """Return the figure of the page."""
    return ll.plots.atlas(ll.data.results(NAME))
