"""Every notebook runs from top to bottom, untouched and with its solutions, and says the right things."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
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


@pytest.mark.timeout(1500)
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


@pytest.mark.timeout(600)
def test_papermill_runs_one_configuration(tiny, tmp_path):
    """Another model, another pair and fewer concepts, from the command line that notebook 4 names."""
    folder, out = tiny.folder("llama"), tmp_path / "out.ipynb"
    given = {"model": folder, "source": "de", "target": "fr", "every": 40}
    arguments = [word for name, value in given.items() for word in ("-p", name, str(value))]
    command = [sys.executable, "-m", "papermill", str(NOTEBOOKS / "04_run_the_experiments.ipynb"), str(out), *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = shown(notebook := nbformat.read(out, as_version=4))
    assert f"Model({folder}" in text and "translation fr+ru → de" not in text and "translation de+ru → fr" in text
    assert figures(notebook) >= 7
    assert (tmp_path / "translation.csv").exists()
