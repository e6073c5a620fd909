"""Every notebook runs from top to bottom, in both forms, and says the right things."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from urllib.parse import unquote

import nbformat
import pytest

import latentlang as ll
from tools import build, guides, store
from tools.scripts import ROOT, scripts

NOTEBOOKS = ROOT / "notebooks"
every_script = pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)


def shown(notebook) -> str:
    """Return all text that the code cells printed or displayed."""
    parts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            parts.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def figures(notebook) -> int:
    """Count the Plotly figures among the outputs."""
    return sum(
        "application/vnd.plotly.v1+json" in o.get("data", {})
        for c in notebook.cells
        for o in c.get("outputs", [])
    )


def html_of(output) -> str:
    return output.get("data", {}).get("text/html", "")


def markdown(notebook) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def exercises(notebook) -> list[str]:
    """Return the numbers of the exercises that the notebook asks."""
    return re.findall(
        r'exercise\("([\d.]+)"',
        "\n".join(c.source for c in notebook.cells if c.cell_type == "code"),
    )


def test_the_folder_that_lab_opens_holds_only_what_a_student_opens():
    names = {path.name for path in NOTEBOOKS.iterdir() if not path.name.startswith(".")}
    course = {f"{script.name}.ipynb" for script in scripts()}
    names -= {"translation.csv", "my_word.html"}  # what notebooks 4 and 10 write where they run
    guides = {"GLOSSARY.md", "INSTRUCTOR.md", "REPORT.md"}
    assert names == course | guides | {"solutions"} and len(course) >= 6


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)
def test_an_explorer_opens_with_a_concept_that_its_pair_has(script, tokenizer):
    """Else a student's first sight of it is an empty figure."""
    code = "\n".join(cell.source for cell in script.cells if cell.cell_type == "code")
    for pair in re.findall(r'^source, target = "(\w+)", "(\w+)"', code, re.MULTILINE):
        prompts = ll.build_prompts("translation", *pair, tokenizer=tokenizer)
        for concept in re.findall(r'explore\.\w+\(.*concept="(\w+)"', code):
            assert concept in prompts, (pair, concept)


def test_no_notebook_is_stale():
    assert build.main(["--check"]) == 0


@pytest.mark.timeout(1500)
@every_script
def test_student_form_runs_untouched(script, executed):
    notebook = nbformat.read(executed(script, "student"), 4)
    text = shown(notebook)
    assert text.count("not tried yet:") == len(exercises(notebook)) >= 4
    assert figures(notebook) >= 2
    # A prediction is asked, and what was measured is one of its choices.
    asked = [
        page
        for c in notebook.cells
        for o in c.get("outputs", [])
        if "ll-predict" in (page := html_of(o))
    ]
    assert len(asked) >= 2 and all(page.count("Correct.") == 1 for page in asked)


@pytest.mark.timeout(1500)
@every_script
def test_every_claim_holds(script):
    """What its text, and guides, say of the results is what the student form shows."""
    results = store.answers(script, "student")
    said = {text: results[text] for text in guides.evaluated(script)}
    assert {text: each["value"] for text, each in said.items() if not each["holds"]} == {}


@every_script
def test_exercises_have_minutes_and_a_level_and_get_harder(script):
    notebook = nbformat.read(store.blank(script, "solutions"), 4)
    titles = re.findall(
        r"^## Exercise ([\d.]+) · .+ \((\d+) minutes, (easy|medium|open)\)$",
        markdown(notebook),
        re.M,
    )
    assert [number for number, _, _ in titles] == exercises(notebook)
    assert [number for number, _, _ in titles] == [
        f"{script.number}.{n}" for n in range(1, len(titles) + 1)
    ]
    order = ["easy", "medium", "open"]
    levels = [order.index(level) for _, _, level in sorted(titles)]
    assert levels[0] <= 1 and levels[-1] == 2
    explained = [c.source for c in notebook.cells if "solution" in c.metadata.get("tags", [])]
    assert all("#" in source for source in explained), "a solution says why"


@every_script
def test_headings_go_down_one_level_at_a_time(script):
    levels = [
        len(marks)
        for marks in re.findall(
            r"^(#+) ", markdown(nbformat.read(store.blank(script, "student"), 4)), re.M
        )
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


@pytest.mark.more
@pytest.mark.timeout(1500)
@every_script
def test_solution_form_passes_every_check(script, executed):
    notebook = nbformat.read(executed(script, "solutions"), 4)
    text = shown(notebook)
    assert text.count("right:") == len(exercises(notebook)) >= 4
    assert "wrong:" not in text and "not tried yet:" not in text


@pytest.mark.timeout(600)
def test_papermill_runs_one_configuration(tiny, tmp_path):
    """Notebook 4 names a command line for another model, another pair and fewer concepts."""
    folder, out = tiny.folder("llama"), tmp_path / "out.ipynb"
    given = {"model": folder, "source": "de", "target": "fr", "every": 40}
    arguments = [word for name, value in given.items() for word in ("-p", name, str(value))]
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(NOTEBOOKS / "04_run_the_experiments.ipynb"),
        str(out),
        *arguments,
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = shown(notebook := nbformat.read(out, as_version=4))
    assert (
        f"Model({folder}" in text
        and "translation fr+ru → de" not in text
        and "translation de+ru → fr" in text
    )
    assert figures(notebook) >= 7
    assert (tmp_path / "translation.csv").exists()


def test_the_instructors_expected_figures_are_the_measured_ones():
    """One row of each kind, put together here from the files of ``make results``."""
    text = (NOTEBOOKS / "INSTRUCTOR.md").read_text()
    headlines, experiments = (
        ll.data.results(name).to_dict("records") for name in ("headlines", "experiments")
    )
    (german,) = (
        row for row in headlines if (row["pair"], row["words"]) == ("de → zh", "no cognates")
    )
    (repeated,) = (row for row in experiments if row["experiment"] == "repetition zh")
    for beginning, found in (
        ("| German → Chinese | no cognates", german),
        ("| repetition, Chinese | no shared tokens", repeated),
    ):
        (line,) = (line for line in text.splitlines() if line.startswith(beginning))
        n, peak, layer, median, share, _, last, right = line.strip("| ").split(" | ")[2:]
        assert (int(n), int(layer)) == (found["n"], found["at_layer"])
        assert list(map(float, re.findall(r"[\d.]+", peak))) == [
            round(found[name], 3) for name in ("pivot_peak", "lower", "upper")
        ]
        columns = ("median", "above_10", "target_last", "right")
        assert [*map(float, (median, share, last, right))] == [found[name] for name in columns]


def test_every_link_leads_to_something_that_is_there():
    """Relative links of both forms and of the guides, and the paths in links and set-up cells."""
    root, missing = NOTEBOOKS.parent, []
    for path in [
        *NOTEBOOKS.glob("*.ipynb"),
        *NOTEBOOKS.glob("solutions/*.ipynb"),
        *NOTEBOOKS.glob("*.md"),
        *root.glob("*.md"),
    ]:
        text = (
            markdown(nbformat.read(path, 4))
            if path.suffix == ".ipynb"
            else path.read_text(encoding="utf-8")
        )
        for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
            address = unquote(link[0] or link[1])
            inside = re.search(
                r"(?:blob/main|tree/latentlang|lab/tree)/(notebooks/[\w./]+)", address
            )
            place = (
                root / inside.group(1)
                if inside
                else None
                if "://" in address
                else path.parent / address.partition("#")[0]
            )
            if place is not None and not place.exists():
                missing.append(f"{path.relative_to(root)}: {address}")
    assert missing == []
