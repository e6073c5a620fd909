"""The stub is the whole public API: each name exists, explains itself, and editors find it."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import jedi
import pytest

import latentlang as ll

HOME = Path(ll.__file__).parent
STUB = ast.parse(Path(HOME, "__init__.pyi").read_text("utf-8"))
NAMES = [name.name for node in STUB.body if isinstance(node, ast.ImportFrom) for name in node.names]
DOORS = ("metrics", "geometry", "checks", "data", "plots", "explore", "lenses")


def test_dir_and_a_star_import_offer_the_names_of_the_stub_and_no_others():
    assert sorted(ll.__all__) == dir(ll) == sorted(NAMES) and len(set(NAMES)) == len(NAMES) > 20
    star: dict = {}
    exec("from latentlang import *", star)
    assert set(star) - {"__builtins__"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_of_the_stub_has_a_docstring(name):
    public = getattr(ll, name)
    assert inspect.getdoc(public)
    if inspect.isfunction(public):
        parameters = inspect.signature(public).parameters.values()
        assert all(each.annotation is not inspect.Parameter.empty for each in parameters)


def figures(folder: Path) -> set[str]:
    """Return the names of the files that hold a function of their name: plots finds these."""
    names = set()
    for path in folder.glob("*.py"):
        nodes = ast.parse(path.read_text("utf-8")).body
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        names |= functions & {path.stem}
    return names


@pytest.mark.parametrize("name", DOORS)
def test_a_door_exports_just_what_it_imports_and_all_of_it_has_a_docstring(name):
    door = import_module(f"latentlang.{name}")
    nodes = ast.parse(Path(door.__file__).read_text("utf-8")).body
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    names = {name.name for node in imports for name in node.names}
    if name == "plots":
        names |= figures(Path(door.__file__).parent)
    assert sorted(door.__all__) == sorted(names)
    assert all(inspect.getdoc(getattr(door, name)) for name in names)


def test_everything_can_be_imported_at_once():
    """``EAGER_IMPORT`` shows every faulty line of the stub, where lazy imports would hide it."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import latentlang, sys; print('latentlang.lens.decode' in sys.modules)",
        ],
        env={**os.environ, "EAGER_IMPORT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "True\n", done.stderr


def test_rooms_are_reached_by_their_full_name():
    assert import_module("latentlang.lens.run") is ll.lens.run and ll.lens.run.Run is ll.Run


@pytest.mark.parametrize("session", [False, True], ids=["editor", "notebook"])
def test_completion_offers_decode_with_signature_and_docstring(session):
    lines = "import latentlang as ll\nll.dec"
    source = jedi.Interpreter("ll.dec", [{"ll": ll}]) if session else jedi.Script(lines)
    (completion,) = source.complete()
    (signature,) = completion.get_signatures()
    assert completion.name == "decode" and completion.type == "function"
    assert [each.name for each in signature.params][:2] == ["model", "prompts"]
    assert "Read every layer of the model" in completion.docstring()
