"""Every notebook runs from top to bottom, untouched and with its solutions, and says the right things."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import execute  # noqa: E402

import build  # noqa: E402

NAMES = sorted(path.stem for path in (NOTEBOOKS / "source").glob("*.py"))


def shown(notebook) -> str:
    """Return all text that the code cells printed or displayed."""
    parts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            parts.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def figures(notebook) -> int:
    """Count the Plotly figures among the outputs."""
    return sum("application/vnd.plotly.v1+json" in o.get("data", {}) for c in notebook.cells for o in c.get("outputs", []))


def exercises(notebook) -> list[str]:
    """Return the numbers of the exercises that the notebook asks."""
    return re.findall(r'exercise\("([\d.]+)"', "\n".join(c.source for c in notebook.cells if c.cell_type == "code"))


def test_course_has_its_first_three_notebooks():
    assert NAMES[:3] == ["01_build_prompts", "02_decode_layer_by_layer", "03_trace_three_phases"]


def test_no_notebook_is_stale():
    assert build.main(["--check"]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_student_form_runs_untouched(name):
    notebook = execute.run(NOTEBOOKS / f"{name}.ipynb")
    text = shown(notebook)
    assert len(exercises(notebook)) >= 2
    assert text.count("not tried yet:") == len(exercises(notebook))
    assert figures(notebook) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_solution_form_passes_every_check(name):
    notebook = execute.run(NOTEBOOKS / "solutions" / f"{name}.ipynb")
    text = shown(notebook)
    assert text.count("right:") == len(exercises(notebook)) >= 2
    assert "wrong:" not in text and "not tried yet:" not in text
