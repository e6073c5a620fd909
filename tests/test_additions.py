"""Each recipe of CONTRIBUTING, done: the example at the end of the one file of a copy, and the command that proves it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.more

ROOT = Path(__file__).resolve().parents[1]
RECIPE = re.compile(
    r"^### (?P<name>.+?)\n\nFile: `(?P<file>[^`]+)`\n.*?```python\n(?P<example>.*?)```\n.*?```sh\n(?P<command>.*?)\n```",
    re.M | re.S,
)
RECIPES = [
    match.groupdict() for match in RECIPE.finditer((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
]


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the library, its data and its tests."""
    ignore = shutil.ignore_patterns("__pycache__", "*.ipynb")
    for folder in ("latentlang", "data", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    # The notebooks' tools are imported by the fixtures; no notebook is run here.
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def prove(copy: Path, command: str) -> subprocess.CompletedProcess:
    """Run a recipe's command in the copy, whose library goes before the installed one."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    env = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(words, cwd=copy, env=env, capture_output=True, text=True, timeout=300)


def test_there_is_a_recipe_for_each_kind_of_addition():
    assert [recipe["file"].split("/", 1)[1] for recipe in RECIPES] == [
        "lens/readings.py",
        "prompts/tasks.py",
        "models/architectures.py",
        "models/catalogue.py",
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe["file"].rpartition("/")[2])
def test_a_recipe_works_as_it_is_written(copy, recipe):
    before = prove(copy, recipe["command"])
    assert before.returncode == 5 or "deselected" in before.stdout.splitlines()[-1], (
        "proved without the addition"
    )
    assert " passed" not in before.stdout.splitlines()[-1]
    with (copy / recipe["file"]).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{recipe['example']}")
    after = prove(copy, recipe["command"])
    assert after.returncode == 0 and " passed" in after.stdout, after.stdout[-3000:]


PLAIN = """

def cubed(x: Readout) -> torch.Tensor:
    return x.total[:, 0] ** 3


READINGS["cubed"] = Reading(cubed, "prompt", "cubed (none)")
"""


def test_a_reading_without_a_test_is_kept_cut_saved_and_drawn(copy):
    with (copy / "latentlang/lens/readings.py").open("a", encoding="utf-8") as file:
        file.write(PLAIN)
    done = prove(copy, "python -m pytest tests/test_run.py -k cubed")
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout[-3000:]


def test_a_reading_of_the_wrong_shape_is_refused_when_the_run_is_made(copy):
    with (copy / "latentlang/lens/readings.py").open("a", encoding="utf-8") as file:
        file.write(PLAIN.replace("x.total[:, 0] ** 3", "x.logits[:, :2]"))
    done = prove(copy, "python -m pytest tests/test_run.py -k cubed")
    assert done.returncode == 1 and "'cubed' has the shape [7, 4, 2]" in done.stdout, done.stdout[
        -3000:
    ]
