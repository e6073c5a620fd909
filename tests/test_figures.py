"""What holds for every figure that takes a run, a new one included."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest

import latentlang as ll

HOSTILE = "<script>alert(1)</script>"
FOLDER = Path(ll.plots.__file__).parent
# Files of the folder that hold no figure.
HELPERS = {"__init__", "describe", "globe", "layer_curves", "style", "text"}


def astray(folder: Path) -> Iterator[str]:
    """Find files that are not helpers, and in which no figure is found."""
    for path in sorted(folder.glob("*.py")):
        if path.stem in HELPERS:
            continue
        nodes = ast.parse(path.read_text("utf-8")).body
        functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        if path.stem not in functions:
            yield f"{path.name} has no function `{path.stem}`"
        elif last_name(functions[path.stem].returns) != "Figure":
            yield f"{path.name}: `{path.stem}` does not say that it returns a go.Figure"


def last_name(annotation: object) -> str:
    """Return ``Figure`` for the class, the text ``go.Figure`` and the same in a parsed file."""
    if isinstance(annotation, ast.expr):
        annotation = ast.unparse(annotation)
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.rpartition(".")[2]


def takes_a_run(figure) -> bool:
    """Tell whether a function draws a run, and asks for nothing else."""
    if not inspect.isfunction(figure):
        return False
    signature = inspect.signature(figure)
    first, *others = signature.parameters.values()
    optional = all(parameter.default is not parameter.empty for parameter in others)
    names = last_name(signature.return_annotation), last_name(first.annotation)
    return names == ("Figure", "Run") and optional


FIGURES = sorted(name for name in dir(ll.plots) if takes_a_run(getattr(ll.plots, name)))


@pytest.fixture(scope="module")
def run(tiny) -> ll.Run:
    return ll.run_experiment(tiny("llama"), "translation", "fr", "zh", every=40, progress=False)


def test_the_known_ones_are_among_them():
    assert {"language_probability", "difference", "energy", "phases"} <= set(FIGURES)


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
    assert takes_a_run(as_text) and takes_a_run(as_class) and not takes_a_run(two_runs)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_returned_with_its_setting_and_number_of_prompts_and_never_shown(
    name, run, monkeypatch
):
    monkeypatch.setattr(go.Figure, "show", lambda *_: pytest.fail("The figure shows itself."))
    figure = getattr(ll.plots, name)(run)
    title = re.sub(r"<[^>]*>", " ", figure.layout.title.text)
    assert f"n = {len(run)}" in title and run.setting.title in title
    assert len(ll.plots.describe(figure)) > 40


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_hostile_text_as_text(name, run):
    figure = getattr(ll.plots, name)(replace(run, model=HOSTILE))
    assert "&lt;script&gt;" in figure.layout.title.text
    assert HOSTILE not in figure.to_json()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_takes_a_single_prompt_and_refuses_anything_else(name, run):
    assert getattr(ll.plots, name)(run[0]).data
    with pytest.raises(ll.errors.DataError, match="run"):
        getattr(ll.plots, name)([1, 2])
