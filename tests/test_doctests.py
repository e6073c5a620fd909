"""The examples in the docstrings of the library show what it really returns."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import latentlang as ll

HOME = Path(ll.__file__).parent


def documented(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield every class and function below a node, with its full name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield f"{name}.{child.name}", child
            yield from documented(child, f"{name}.{child.name}")


def examples() -> Iterator[doctest.DocTest]:
    """Yield the examples of each docstring; the source is read, and nothing is imported."""
    for path in sorted(HOME.rglob("*.py")):
        module = ".".join(path.relative_to(HOME.parent).with_suffix("").parts)
        tree = ast.parse(path.read_text("utf-8"))
        for name, node in [(module, tree), *documented(tree, module)]:
            text = ast.get_docstring(node, clean=False) or ""
            line = node.body[0].lineno - 1 if text else 0
            example = doctest.DocTestParser().get_doctest(
                text, {"__name__": module}, name, str(path), line
            )
            if example.examples:
                yield example


def faults(example: doctest.DocTest) -> str:
    """Run an example and return what differs, in doctest's words; empty if nothing does."""
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=report.append)
    return "".join(report)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_example_is_true(example, request, monkeypatch):
    module = import_module(example.globs["__name__"])
    if any("load_model" in step.source for step in example.examples):
        # An example is complete, so it loads the demo model. That takes 5 s: they share one.
        model = request.getfixturevalue("model")
        monkeypatch.setattr(ll, "load_model", lambda *names, **options: model)
    example.globs.update(vars(module))
    if report := faults(example):
        pytest.fail(report, pytrace=False)


def test_a_false_example_is_reported_with_its_line():
    text = "Add.\n\n>>> 1 + 1\n3\n"
    false = doctest.DocTestParser().get_doctest(text, {}, "add", "add.py", 0)
    assert "line 3" in faults(false) and "Got:\n    2" in faults(false)
