"""Turn the outputs of an executed notebook into what a page without a kernel can show.

Figures become light placeholders with a text and a table for readers who do not see them, and a
picture for readers without scripts and for paper; one copy of Plotly's script, beside the pages,
draws them when they come into view. Lens grids stay as they are. Explorers and progress bars, which
need a kernel, become a sentence or vanish.
"""

from __future__ import annotations

import base64
import html
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
import numpy as np
import plotly
import plotly.graph_objects as go

import latentlang as ll
from latentlang.plots.fit import fit

from . import drawings

FIGURE = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
STATIC = Path(__file__).resolve().parent / "web" / "static"
SCRIPTS = ("plotly.min.js", "figures.js")
STYLE = "figures.css"
GRID = '<div class="ll-grid"'  # how a lens grid begins
LIVE = (
    "<p class='ll-live'>An explorer stands here in a running notebook; this page has no kernel. "
    "The figures around it are live.</p>"
)
PHONE = 358  # pixels that a page leaves a figure on a screen of 390
_ROWS, _COLUMNS = 60, 12  # a larger table helps nobody


def figures(notebook: nbformat.NotebookNode) -> list[go.Figure]:
    """Return the figures of an executed notebook, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    specs = [output["data"][FIGURE] for output in outputs if FIGURE in output.get("data", {})]
    return [go.Figure(data=spec["data"], layout=spec["layout"]) for spec in specs]


def still(notebook: nbformat.NotebookNode, pictures: Sequence[str] = ()) -> nbformat.NotebookNode:
    """Return a copy of an executed notebook whose outputs need neither a kernel nor a network.

    ``pictures``: the address of one picture per figure, or none at all.
    """
    copied = nbformat.from_dict(json.loads(json.dumps(notebook)))
    copied.metadata.pop("widgets", None)
    number = tables = 0
    for cell in copied.cells:
        kept = []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if FIGURE in data:
                number += 1
                picture = pictures[number - 1] if pictures else ""
                kept.append(_html(figure(data[FIGURE], number, picture), "figure"))
            elif WIDGET in data:
                if ".explore." in cell.source:
                    kept.append(_html(LIVE, "explorer"))
            elif GRID in (page := "".join(data.get("text/html", ""))):
                kept.append(_html(page, data.get("text/plain", "grid")))
            elif "<table" in page:
                tables += 1
                kept.append(
                    _html(_scrolling(page, f"Table {tables}"), data.get("text/plain", "table"))
                )
            elif output.get("name") != "stderr":
                kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = kept
    return copied


def figure(spec: dict, number: int, picture: str = "") -> str:
    """Return the HTML of a figure.

    It is a placeholder with a text, a picture if there is one, the figure's numbers in JSON, and a
    table for curves or cells.
    """
    plain = _decoded({key: spec[key] for key in ("data", "layout", "frames") if key in spec})
    drawn = go.Figure(data=plain["data"], layout=plain["layout"])
    table, height = ll.plots.table(drawn), int(drawn.layout.height or 450)
    content = plain | {"narrow": _narrow(drawn, plain["layout"])}
    shown = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    numbers = ""
    if 0 < len(table) <= _ROWS and table.shape[1] <= _COLUMNS:
        page = table.to_html(
            float_format=lambda value: f"{value:.4g}", border=0, na_rep="", escape=True
        )
        scrolling = _scrolling(page, f"Numbers of figure {number}")
        numbers = f"<details><summary>Figure {number} in numbers</summary>{scrolling}</details>"
    told = html.escape(ll.plots.describe(drawn), quote=True)
    place = f"<div class='ll-plot' style='height: {height}px'></div>"
    if picture:
        size = f"width='{drawings.WIDTH}' height='{height}'"
        place = f"<img class='ll-picture' loading='lazy' alt='' src='{picture}' {size}>{place}"
    data = f"<script type='application/json'>{shown}</script>"
    return f"<div class='ll-figure' role='figure' aria-label='{told}'>{place}{data}{numbers}</div>"


def copy_scripts(folder: Path) -> None:
    """Put Plotly's script, ours and the style beside the pages, once."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(plotly.__file__).parent / "package_data" / SCRIPTS[0], folder)
    for name in (SCRIPTS[1], STYLE):
        shutil.copy(STATIC / name, folder)


def _narrow(figure: go.Figure, wide: dict) -> dict:
    """Return the keys of a figure's layout that differ on a phone; None for one that goes."""
    laid_out = fit(go.Figure(figure), PHONE).to_plotly_json()["layout"]
    narrow = _decoded(laid_out)
    return {
        key: narrow.get(key)
        for key in sorted({*narrow, *wide} - {"template", "meta"})
        if narrow.get(key) != wide.get(key)
    }


def _scrolling(inner: str, label: str) -> str:
    """Return what is too wide for a phone in a region that a keyboard can reach and scroll."""
    return f"<div class='ll-scroll' tabindex='0' role='region' aria-label='{label}'>{inner}</div>"


def _html(page: str, text: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"text/html": page, "text/plain": text})


def _decoded(value):
    """Return a figure's dictionary with plain lists where plotly packs numbers as base64."""
    if isinstance(value, dict):
        if "bdata" in value:
            numbers = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
            shape = value.get("shape")
            numbers = numbers.reshape([int(n) for n in str(shape).split(",")]) if shape else numbers
            return (
                np.where(np.isfinite(numbers), numbers, None).tolist()
                if numbers.dtype.kind == "f"
                else numbers.tolist()
            )
        return {key: _decoded(inner) for key, inner in value.items()}
    return [_decoded(inner) for inner in value] if isinstance(value, list) else value
