"""Each recipe of CONTRIBUTING works.

Its example is put at the end of its one file in a copy, and its command proves it. All of them
together also pass what a contribution must pass.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import ROOT
from tools.scripts import scripts

pytestmark = pytest.mark.more

RECIPE = re.compile(r"^### (?P<name>.+?)\n(?P<text>.*?)(?=^##)", re.M | re.S)
PLACES = re.compile(r"^(?:File|Files|Folder): (.+)$", re.M)
BLOCK = re.compile(
    r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Recipe:
    """One recipe of CONTRIBUTING: where the addition is made, the example, the proof."""

    name: str
    places: tuple[str, ...]
    examples: dict[str, str]
    command: str

    @classmethod
    def read(cls, name: str, text: str) -> Recipe:
        """Read a section of the page; a block without a file's name belongs to the only file."""
        places = tuple(re.findall(r"`([^`]+)`", PLACES.search(text)[1]))
        blocks = [match.groupdict() for match in BLOCK.finditer(text)]
        (command,) = (block["code"].strip() for block in blocks if block["kind"] == "sh")
        examples = {b["file"] or places[0]: b["code"] for b in blocks if b["kind"] != "sh"}
        return cls(name, places, examples, command)


PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = [Recipe.read(match["name"], match["text"]) for match in RECIPE.finditer(PAGE)]


def copied(place: Path) -> Path:
    """Copy everything that an addition may touch; the notebooks are left out."""
    ignore = shutil.ignore_patterns("__pycache__", "*.ipynb")
    for folder in ("latentlang", "data", "tests", "tools", "course", "notebooks", "binder"):
        shutil.copytree(ROOT / folder, place / folder, ignore=ignore)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, place)
    return place


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the repository for one addition."""
    return copied(tmp_path)


def prove(copy: Path, command: str) -> subprocess.CompletedProcess:
    """Run a recipe's command in the copy, whose library goes before the installed one."""
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    env = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(words, cwd=copy, env=env, capture_output=True, text=True, timeout=600)


def add(copy: Path, recipe: Recipe) -> None:
    """Paste the examples: at the end of a file that exists, or into a new one."""
    for name, example in recipe.examples.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = f"{path.read_text(encoding='utf-8')}\n\n" if path.exists() else ""
        path.write_text(before + example, encoding="utf-8")


def test_there_is_a_recipe_for_each_kind_of_addition_and_it_is_made_in_one_place():
    assert {recipe.name.split(" (")[0]: recipe.places for recipe in RECIPES} == {
        "A language": ("data/languages/da/",),
        "A reading": ("latentlang/lens/readings.py",),
        "An intervention": ("latentlang/lens/interventions.py",),
        "A lens": ("latentlang/lenses/linear.py",),
        "A task": ("latentlang/prompts/tasks.py",),
        "An architecture": ("latentlang/models/architectures.py",),
        "A named model": ("latentlang/models/catalogue.py",),
        "A figure": ("latentlang/plots/rank.py",),
        "A notebook": ("course/11_count_layers.py", "latentlang/course/notebook_11.py"),
    }
    for recipe in RECIPES:
        assert all(name.startswith(recipe.places) for name in recipe.examples), recipe.name


# The commands of all recipes in one interpreter: most of a command's time goes into imports.
WITHOUT = """
import pytest
for words in COMMANDS:
    print("STATUS", int(pytest.main([*words, "-p", "no:cacheprovider"])))
"""


@pytest.fixture(scope="module")
def without(tmp_path_factory) -> dict[str, int]:
    """From each recipe to the status of its command where nothing was added."""
    commands = [shlex.split(recipe.command)[3:] for recipe in RECIPES]
    assert all(recipe.command.startswith("python -m pytest ") for recipe in RECIPES)
    program = WITHOUT.replace("COMMANDS", repr(commands))
    done = prove(copied(tmp_path_factory.mktemp("without")), f"python -c {shlex.quote(program)}")
    statuses = re.findall(r"^STATUS (\d)$", done.stdout, re.M)
    assert len(statuses) == len(RECIPES), done.stdout[-3000:] + done.stderr[-3000:]
    return {recipe.name: int(status) for recipe, status in zip(RECIPES, statuses)}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name.split(" (")[0])
def test_a_recipe_works_as_it_is_written(copy, without, recipe):
    no_tests = pytest.ExitCode.NO_TESTS_COLLECTED
    assert without[recipe.name] == no_tests, "proved without the addition"
    add(copy, recipe)
    after = prove(copy, recipe.command)
    assert after.returncode == 0 and " passed" in after.stdout, after.stdout[-3000:]


SUITES = " ".join(
    f"tests/test_{name}.py" for name in ("structure", "public_face", "doctests", "language_folder")
)


@pytest.mark.timeout(1800)
def test_all_recipes_together_pass_what_a_contribution_must_pass(copy):
    """The linters, the types, the rules of style, the notebooks, and tests of the whole library."""
    for recipe in RECIPES:
        add(copy, recipe)
    names = sorted({name for recipe in RECIPES for name in recipe.examples if name.endswith(".py")})
    files = " ".join(names)
    commands = (
        f"ruff check {files}",
        f"ruff format --check {files}",
        "mypy",
        "tools.check_style",
        "tools.build",
        "tools.build --check",
        f'pytest -q -p no:cacheprovider -m "not more" {SUITES}',
    )
    reports = []
    for command in commands:
        done = prove(copy, f"python -m {command}")
        if done.returncode:
            reports.append(f"{command}\n{done.stdout[-5000:]}{done.stderr[-2000:]}")
    assert not reports, "\n\n".join(reports)


def test_a_new_notebook_is_written_and_linked_and_stands_in_every_table(copy):
    """As the recipe says: the notebook in both forms, the link to it, README, guide, site."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == "A notebook")
    add(copy, recipe)
    done = prove(copy, "python -m tools.build")
    assert done.returncode == 0, done.stderr
    link, last = "[11 · Count the layers]", scripts()[-1].name
    for name in (f"notebooks/{last}.ipynb", "notebooks/INSTRUCTOR.md", "README.md"):
        assert link in (copy / name).read_text(encoding="utf-8"), name
    for folder in ("notebooks", "notebooks/solutions"):
        assert (copy / folder / "11_count_layers.ipynb").exists()
    program = "from tools.site import contents; print(contents())"
    assert "11_count_layers" in prove(copy, f"python -c '{program}'").stdout


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
