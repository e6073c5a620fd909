"""The cells of the course that compute by hand what the library computes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.scripts import Script

# From script to the first words of its cells by hand, in their order.
CELLS = {
    "02_decode_layer_by_layer": ("latents = []", "with torch.no_grad():", "one = ll.decode("),
    "03_trace_three_phases": ("import pandas as pd\n\nparts = ",),
    "05_walk_the_sphere": ("tokens = {}",),
}


def sources(script: str) -> list[str]:
    """Return the cells of a script that ``CELLS`` lists, each of which there is once."""
    cells = [c.source for c in Script(ROOT / "course" / f"{script}.py").cells]
    found = [[cell for cell in cells if cell.startswith(begin)] for begin in CELLS[script]]
    assert all(len(each) == 1 for each in found), f"{script}: a cell of CELLS is not there"
    return [cell for (cell,) in found]


def run(script: str, folder: Path, **names: Any) -> dict[str, Any]:
    """Run the cells by hand with some names defined, and return all names.

    The cells are written to a file first: nnsight reads the body of a ``with`` from there.
    """
    path = folder / f"{script}.py"
    path.write_text("\n\n".join(sources(script)), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"cells_{script}", path)
    module = importlib.util.module_from_spec(spec)
    vars(module).update(names)
    spec.loader.exec_module(module)
    return vars(module)
