"""The generator of the notebooks: two forms from one source, and a check of every kind of stale."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest

import build

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SCRIPT = """# %% [markdown]
# # Title

# %% tags=["setup"]

# %%
shared = 1

# %% tags=["predict"]
ll.predict("Which?", ["one", "two"], "one")

# %% tags=["stub"]
answer = ...

# %% tags=["solution"]
answer = 42
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one small notebook, in a copy of the layout."""
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    shutil.copy(NOTEBOOKS.parent / "pyproject.toml", tmp_path)
    (tmp_path / "notebooks" / "source" / "01_try.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setattr(build, "HERE", tmp_path / "notebooks")
    assert build.main([]) == 0
    return tmp_path / "notebooks"


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_stub_and_solution_part_ways(course):
    student = sources(course / "01_try.ipynb")
    solution = sources(course / "solutions" / "01_try.ipynb")
    assert "answer = ..." in student and "answer = 42" not in student
    assert "answer = 42" in solution and "answer = ..." not in solution
    assert "shared = 1" in student and "shared = 1" in solution


def test_badges_and_setup_are_filled_in_from_one_place(course):
    badges, _, setup = sources(course / "01_try.ipynb")[:3]
    slug = build.links.slug()
    assert unquote(badges).count(slug) >= 3 and "notebooks/01_try.ipynb" in badges
    assert f"git+https://github.com/{slug}" in setup and "ll.checks.check_environment()" in setup


def test_notebooks_are_valid_without_outputs_and_the_same_every_time(course):
    before = {path: path.read_bytes() for path in course.rglob("*.ipynb")}
    assert build.main([]) == 0
    assert {path: path.read_bytes() for path in course.rglob("*.ipynb")} == before
    for path in before:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        assert all(not cell.get("outputs") for cell in notebook.cells)


def test_fresh_course_passes_the_check(course):
    assert build.main(["--check"]) == 0


@pytest.mark.parametrize("damage", ["edited", "stray", "missing", "source"])
def test_every_kind_of_stale_is_caught_and_named(course, damage, capsys):
    path = course / "01_try.ipynb"
    if damage == "edited":
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("shared = 1", "shared = 2"), encoding="utf-8")
    elif damage == "stray":
        path = course / "99_stray.ipynb"
        shutil.copy(course / "01_try.ipynb", path)
    elif damage == "missing":
        path.unlink()
    else:
        script = course / "source" / "01_try.py"
        script.write_text(SCRIPT.replace("shared = 1", "shared = 3"), encoding="utf-8")
    assert build.main(["--check"]) == 1
    assert path.name in capsys.readouterr().err
    assert build.main([]) == 0 and build.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("# %%\n" + "x = 1\n" * 13, "13 lines of code"),
        ("# %% [markdown]\n# " + "word " * 151, "151 words"),
    ],
)
def test_a_cell_too_long_to_read_is_refused(course, cell, complaint):
    (course / "source" / "01_try.py").write_text(cell, encoding="utf-8")
    with pytest.raises(SystemExit, match=complaint):
        build.main([])


def test_a_hubs_link_says_what_to_pull_and_what_to_open():
    """As nbgitpuller reads it: repository, branch, and path in a folder of that name."""
    repository = "https://github.com/someone/my-course.git"
    link = urlsplit(build.links.pull("01_try", "https://hub.example.org/", repository))
    assert (link.netloc, link.path) == ("hub.example.org", "/hub/user-redirect/git-pull")
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    wanted = {
        "repo": repository,
        "branch": "main",
        "urlpath": "lab/tree/my-course/notebooks/01_try.ipynb",
    }
    assert asked == wanted


def test_the_link_generator_prints_one_link_a_notebook(run_python):
    hub = "https://hub.example.org"
    code = f"import sys; sys.path.insert(0, 'notebooks'); sys.argv = ['links', '{hub}']\n"
    said = run_python(code + "import links; links.main()")
    scripts = list((build.HERE / "source").glob("*.py"))
    assert said.count(f"{hub}/hub/user-redirect/git-pull?") == len(scripts)


def test_a_predictions_code_is_folded_away(course):
    cells = nbformat.read(course / "01_try.ipynb", as_version=4).cells
    folded = [cell for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    code = 'll.predict("Which?", ["one", "two"], "one")'
    assert [cell.source.splitlines() for cell in folded] == [[build.FOLDED, code]]
    assert "remove-input" in folded[0].metadata.tags
