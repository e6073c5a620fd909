"""The lens grid: the table of top tokens that answers a click, without a kernel or a network."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from ..lens.run import Run
from .grid_data import GridData
from .grid_pack import Packer, packed
from .grid_state import check_state
from .grid_style import stylesheet
from .heatmap import heatmap_message
from .text import percent

_QUESTION = "What is the most probable next token at each layer?"
_THEMES = ("light", "dark")
_FRAGMENT = """<div class="ll-grid" id="{id}">{still}</div>
<script type="module">
{module}
mountPage({data});
</script>
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 16px; background: light-dark(#FFFFFF, #111111); }}
@media print {{ body {{ margin: 0; background: none; }} }}
</style>
</head>
<body>
<main>
{fragment}</main>
</body>
</html>
"""


def grid(
    run: Run,
    beside: Run | None = None,
    *,
    positions: int | Sequence[int] | None = None,
    state: str | None = None,
    theme: str | None = None,
) -> Grid:
    """Show the most probable token at every layer and position, in a table that can be clicked.

    A cell is in the colour of the role of its token: the pivot, the target or the source language,
    if the token begins its word, and grey otherwise. The stronger the colour, the more probable the
    token. A click or Enter lists the candidates; any word, token or sum of tokens can be followed
    through the layers beside the table. It works in a saved notebook, without a kernel.

    A run at several positions has a column per position, and a run of several prompts at their last
    position a column per prompt.

    Args:
        run: what ``decode`` returns; with ``follow=True`` its candidates can be followed.
        beside: another run: of another prompt or model, or after a change. Rows stand side by side
            at the same relative depth, and cells with another token are marked.
        positions: how many of the last columns to show, or their numbers from 0; None for all.
        state: a state that "Copy state" or ``Grid.state`` gave.
        theme: ``"light"`` or ``"dark"``; None follows the notebook or the page.

    Raises:
        DataError: for what is not a run, too many columns, or a state of another grid.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    >>> run = ll.decode(model, prompts["eagle"], positions=3, progress=False)
    >>> ll.plots.grid(run, state="by=entropy")
    Grid(18 layers x 3 columns, state='by=entropy')
    """
    if theme not in (None, *_THEMES):
        raise DataError(f"Unknown theme '{theme}': use {' or '.join(_THEMES)}, or leave it out.")
    runs = [run] if beside is None else [run, beside]
    grids = tuple(GridData.of(each, positions) for each in runs)
    return Grid(grids, check_state(state, grids), theme)


@dataclass(frozen=True, repr=False, eq=False)
class Grid:
    """A lens grid, as ``ll.plots.grid`` makes it: the last line of a cell shows it.

    ``state``: one short string with the choices of the reader that it opens with.
    """

    grids: tuple[GridData, ...]
    state: str = ""
    theme: str | None = None

    def save(self, path: str | Path) -> Path:
        """Write one HTML file, which needs no network and no other file; return its path.

        Raises:
            DataError: It cannot be written.
        """
        title = html.escape(f"Lens grid: {self.grids[0].name}")
        page = _PAGE.format(title=title, fragment=self._repr_html_())
        try:
            Path(path).write_text(page, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{path} cannot be written ({error}): choose another place.") from error
        return Path(path)

    def data(self) -> dict[str, Any]:
        """Return all that ``grid.js`` draws, as plain values; ``mount`` there takes it."""
        pack = Packer()
        grids = [packed(each, pack) for each in self.grids]
        content = {
            "message": self.message,
            "facts": [_QUESTION, *(each.name for each in self.grids)],
            "grids": grids,
            "style": stylesheet(),
            "bytes": pack.base64,
        }
        # A link names the grid that it is about: a page may have several.
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return {**content, "id": f"grid-{digest[:8]}", "state": self.state, "theme": self.theme}

    @property
    def message(self) -> str:
        """The finding: at which layers the last column is a word of a language."""
        first = self.grids[0]
        column = len(first.labels) - 1
        best = first.ids[column, :, 0].tolist()
        kinds = [first.language_of(token, column) for token in best]
        answer = first.text(best[-1])
        chance = first.chances[column, -1, 0].item()
        return html.unescape(heatmap_message(first.run, kinds, answer, chance))

    def to_frame(self) -> pd.DataFrame:
        """Return the candidates of every cell: the table that the page saves as CSV.

        Columns: grid, column, label, layer, rank, token_id, token, language (whose word the token
        begins, or empty) and probability.
        """
        rows = []
        for each in self.grids:
            for column, label in enumerate(each.labels):
                for n, layer in enumerate(each.run.layers):
                    candidates = zip(each.ids[column, n].tolist(), each.chances[column, n].tolist())
                    for rank, (token, chance) in enumerate(candidates, 1):
                        text = each.text(token)
                        language = each.language_of(token, column)
                        place = (each.name, column, label, layer, rank)
                        rows.append((*place, token, text, language, chance))
        names = ["grid", "column", "label", "layer", "rank", "token_id", "token", "language"]
        return pd.DataFrame(rows, columns=[*names, "probability"])

    def __repr__(self) -> str:
        sizes = [
            f"{len(each.run.layers)} layers x {len(each.labels)} columns" for each in self.grids
        ]
        state = f", state='{self.state}'" if self.state else ""
        return f"Grid({' beside '.join(sizes)}{state})"

    def _repr_html_(self) -> str:
        data = self.data()
        # Inside a script only "<" could end it: no text of a model or a word list can.
        shown = json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
        return _FRAGMENT.format(
            id=data["id"], still=self._still(), data=shown, module=module("page")
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def _still(self) -> str:
        """Return what stands there where no script runs: the answers of the last column."""
        first = self.grids[0]
        column = len(first.labels) - 1
        rows = []
        for n in reversed(range(len(first.run.layers))):
            token = int(first.ids[column, n, 0])
            code = first.language_of(token, column)
            cells = (
                str(first.run.layers[n]),
                first.text(token),
                percent(first.chances[column, n, 0].item()),
                first.language_name(code) if code else "",
            )
            rows.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
        head = "".join(f"<th>{name}</th>" for name in ("layer", "token", "probability", "word of"))
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        message = html.escape(self.message)
        return f"<p>{message}</p><table><tr>{head}</tr>{body}</table>"


@cache
def module(host: str) -> str:
    """Return ``grid.js`` with a host, as one ES module: ``"page"`` or ``"widget"``."""
    folder = files("latentlang.plots")
    names = ("grid.js", f"grid_{host}.js")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
