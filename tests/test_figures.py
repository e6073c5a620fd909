"""What holds for every figure of a run, sweep, pivot test or retrieval, a new one included."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import planted
import plotly.graph_objects as go
import pytest

import latentlang as ll

HOSTILE = "<script>alert(1)</script>"
FOLDER = Path(ll.plots.__file__).parent
# Files of the folder that hold no figure.
HELPERS = {
    "__init__",
    "beside",
    "describe",
    "evidence",
    "fit",
    "globe",
    "grid_data",
    "grid_pack",
    "grid_state",
    "grid_style",
    "layer_curves",
    "lens_story",
    "marks",
    "measure",
    "messages",
    "naming",
    "phases_story",
    "plane",
    "player",
    "points",
    "style",
    "sweep_labels",
    "sweep_story",
    "text",
    "walk",
}


def astray(folder: Path) -> Iterator[str]:
    """Find files that are not helpers, and in which no figure is found."""
    for path in sorted(folder.glob("*.py")):
        if path.stem in HELPERS:
            continue
        nodes = ast.parse(path.read_text("utf-8")).body
        functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        if path.stem not in functions:
            yield f"{path.name} has no function `{path.stem}`"
        elif last_name(functions[path.stem].returns) not in ("Figure", "Grid"):
            yield f"{path.name}: `{path.stem}` does not say that it returns a go.Figure"


def last_name(annotation: object) -> str:
    """Return ``Figure`` for the class, the text ``go.Figure`` and the same in a parsed file."""
    if isinstance(annotation, ast.expr):
        annotation = ast.unparse(annotation)
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.rpartition(".")[2]


def takes(kind: str, figure) -> bool:
    """Tell whether a function draws rows of a kind, such as a ``Run``, and needs nothing else."""
    if not inspect.isfunction(figure):
        return False
    signature = inspect.signature(figure)
    first, *others = signature.parameters.values()
    optional = all(parameter.default is not parameter.empty for parameter in others)
    drawn = last_name(first.annotation).split(" | ")
    return last_name(signature.return_annotation) == "Figure" and kind in drawn and optional


def figures_of(kind: str) -> list[str]:
    return sorted(name for name in dir(ll.plots) if takes(kind, getattr(ll.plots, name)))


KINDS = ("Run", "Sweep", "PivotTest", "Retrieval")
FIGURES, SWEPT, PIVOTS, RETRIEVALS = map(figures_of, KINDS)
NAMES = {"Run": "run", "Sweep": "sweep", "PivotTest": "pivot test", "Retrieval": "retrieval"}


@pytest.fixture(scope="module")
def run(tiny) -> ll.Run:
    return ll.run_experiment(tiny("llama"), "translation", "fr", "zh", every=40, progress=False)


@pytest.fixture(scope="module", params=[*FIGURES, *SWEPT, *PIVOTS, *RETRIEVALS])
def figure_and_rows(request, run):
    """Return each figure with what it draws."""
    rows = run
    if request.param in SWEPT:
        rows = planted.planted_sweep("language first", controls=True)
    elif request.param in PIVOTS:
        rows = planted.planted_pivot_test("hub")
    elif request.param in RETRIEVALS:
        rows = planted.planted_retrieval("source best")
    return getattr(ll.plots, request.param), rows


def test_the_known_ones_are_among_them():
    assert {"language_probability", "difference", "energy", "phases"} <= set(FIGURES)
    assert {"sweep", "sweep_grid"} <= set(SWEPT) and "pivot_test" in PIVOTS
    assert "retrieval" in RETRIEVALS


def test_every_file_is_a_figure_or_a_helper():
    assert list(astray(FOLDER)) == []
    assert {path.stem for path in FOLDER.glob("*.py")} >= HELPERS


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def ranks(run: Run) -> go.Figure: ...", "rank.py has no function `rank`"),
        ("def rank(run): ...", "rank.py: `rank` does not say that it returns a go.Figure"),
    ],
)
def test_a_file_without_its_figure_is_named(source, fault, tmp_path):
    (tmp_path / "rank.py").write_text(source, encoding="utf-8")
    assert list(astray(tmp_path)) == [fault]


def as_text(run: ll.Run, top: int = 5) -> go.Figure: ...


def as_class(run, top=5): ...


# The annotations of this file are text, as in every module with the future import.
as_class.__annotations__ = {"run": ll.Run, "return": go.Figure}


def two_runs(run: ll.Run, other: ll.Run) -> go.Figure: ...


def test_a_figure_is_known_by_its_annotations_as_text_or_as_classes():
    assert takes("Run", as_text) and takes("Run", as_class) and not takes("Run", two_runs)


def test_a_figure_is_returned_with_its_setting_and_number_of_prompts_and_never_shown(
    figure_and_rows, monkeypatch
):
    draw, rows = figure_and_rows
    monkeypatch.setattr(go.Figure, "show", lambda *_: pytest.fail("The figure shows itself."))
    figure = draw(rows)
    title = re.sub(r"<[^>]*>", " ", figure.layout.title.text)
    assert f"n = {len(rows)}" in title and rows.setting.title in title
    assert len(ll.plots.describe(figure)) > 40


def test_a_figure_shows_hostile_text_as_text(figure_and_rows):
    draw, rows = figure_and_rows
    figure = draw(replace(rows, model=HOSTILE))
    assert "&lt;script&gt;" in figure.layout.title.text
    assert HOSTILE not in figure.to_json()


def test_a_figure_takes_a_single_prompt_and_refuses_anything_else(figure_and_rows):
    draw, rows = figure_and_rows
    if not isinstance(rows, ll.Retrieval):  # which is about all its prompts together
        assert draw(rows[0]).data
    with pytest.raises(ll.errors.DataError, match=NAMES[type(rows).__name__]):
        draw([1, 2])
