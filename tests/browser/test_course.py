"""Every notebook of the course, as a student opens it: Run All in JupyterLab, figures drawn, no error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
FIGURE, WIDGET = "application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"
SCREEN = 850  # how far to scroll between two screenshots
MOST_SCREENS = 40


def test_the_course_has_notebooks():
    assert NOTEBOOKS, "notebooks/ holds no notebook: run `make notebook-files`."


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_the_browser(notebook, shoot, path):
    notebook.open(f"notebooks/{path.name}")
    notebook.run_all(seconds=600)
    assert notebook.failures() == []

    with_figures = [index for index, outputs in enumerate(notebook.outputs()) if any(FIGURE in o.get("data", {}) for o in outputs)]
    if ".plots." in json.dumps(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        assert with_figures, "The notebook names figures and shows none."
    for index in with_figures:
        notebook.show_cell(index).locator(".js-plotly-plot .main-svg").first.wait_for(state="attached")
    for index, outputs in enumerate(notebook.outputs()):
        if any(WIDGET in o.get("data", {}) for o in outputs):
            notebook.show_cell(index).locator(".jupyter-widgets").first.wait_for(state="attached")
    _photograph(notebook.page, shoot)
    assert notebook.errors == []
    assert notebook.external == []


def _photograph(page, shoot) -> None:
    """Save what a reader sees from top to bottom, one screen after the other."""
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
    panel.evaluate("panel => { panel.scrollTop = 0; }")
    for screen in range(MOST_SCREENS):
        page.wait_for_timeout(700)  # cells that come into view are drawn
        shoot(page, f"{screen + 1:02d}")
        if panel.evaluate("panel => panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 2"):
            return
        panel.evaluate("(panel, step) => { panel.scrollTop += step; }", SCREEN)
