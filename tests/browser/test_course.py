"""Every notebook of the course, as a student opens it: Run All in JupyterLab, no error.

This is the one execution of the student form. Saved as Lab saves it, it goes to the store, from
which the other tests, the site and the claims read it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from latentlang.files import user_data
from tools import pages, store
from tools.scripts import ROOT, Script, scripts

SCREEN = 850  # how far to scroll between two screenshots
MOST_SCREENS = 40
DRAWN = ".js-plotly-plot .main-svg, td[aria-label^='layer ']"  # a figure, or a lens grid
# Lab lets a reader scroll on until the last cell is out of sight.
AT_THE_END = """panel => {
    const last = window.jupyterapp.shell.currentWidget.content.widgets.at(-1).node;
    const bottom = panel.getBoundingClientRect().bottom;
    return last.isConnected && last.getBoundingClientRect().bottom <= bottom; }"""
# Whoever has nothing to do is done with drawing.
IDLE = """() => new Promise(
    done => setTimeout(() => requestIdleCallback(done, { timeout: 600 }), 150))"""


@pytest.fixture
def kept(script: Script) -> Iterator[Path]:
    """The place of the executed notebook in the store; who reads it waits until it is there."""
    with store.running(script, "student"):
        yield store.place(script, "student")


@pytest.fixture(autouse=True)
def reader_without_results() -> None:
    """Each notebook is that of a reader whose word no other notebook has measured."""
    shutil.rmtree(user_data(), ignore_errors=True)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)
def test_notebook_runs_in_the_browser(notebook, shoot, kept: Path, script: Script):
    path = store.blank(script, "student")
    saved = notebook.lab.root / path.relative_to(ROOT)
    text = saved.read_text(encoding="utf-8")
    notebook.open(f"notebooks/{path.name}")
    start = time.perf_counter()
    notebook.run_all(seconds=1200)
    minutes = (time.perf_counter() - start) / 60
    assert notebook.failures() == []

    cells = nbformat.reads(text, 4).cells
    drawn = [
        _draws(outputs) or _explores(cell["source"])
        for cell, outputs in zip(cells, notebook.outputs())
    ]
    assert any(drawn) or ".plots." not in text, "The notebook names figures and shows none."
    for index in (n for n, figure in enumerate(drawn) if figure):
        notebook.show_cell(index).locator(DRAWN).first.wait_for(state="attached")
    _photograph(notebook.page, shoot)
    assert notebook.errors == []
    assert notebook.external == [], "A notebook asks nobody else for anything."

    answers = notebook.ask(store.questions(script, "student"))
    notebook.save()
    executed = nbformat.read(saved, 4)
    on_screen = [_kinds(outputs) for outputs in notebook.outputs()]
    assert [_kinds(cell.get("outputs", [])) for cell in executed.cells] == on_screen
    store.keep(kept, executed, answers, minutes)


def _draws(outputs: list[dict]) -> bool:
    """Tell whether a cell put out a figure or a lens grid.

    A closed progress bar is a widget as well, so the source tells which widgets are explorers.
    """
    forms = [output.get("data", {}) for output in outputs]
    return any(
        pages.FIGURE in form or pages.GRID in "".join(form.get("text/html", "")) for form in forms
    )


def _kinds(outputs: list[dict]) -> list[list[str]]:
    """Return, per output, the figures and widgets among its forms: the site needs them."""
    return [
        [kind for kind in o.get("data", {}) if kind.startswith("application/")] for o in outputs
    ]


def _explores(source: str) -> bool:
    """Tell whether a cell shows an explorer with a figure; that of tokens has a table."""
    return ".explore." in source and ".explore.tokens(" not in source


def _photograph(page, shoot) -> None:
    """Save what a reader sees from top to bottom, one screen after the other."""
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
    panel.evaluate("panel => { panel.scrollTop = 0; }")
    for screen in range(MOST_SCREENS):
        page.evaluate(IDLE)  # cells that come into view are drawn
        shoot(page, f"{screen + 1:02d}")
        if panel.evaluate(AT_THE_END):
            return
        panel.evaluate("(panel, step) => { panel.scrollTop += step; }", SCREEN)
