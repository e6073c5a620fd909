"""The generator of the course: two forms, tables, and a check of every kind of stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
from small import FRONT

from tools import build, execute, links, notebook, pictures, scripts, site, tables

CELLS = """# %% tags=["predict"]
ll.predict("Which?", ["one", "two"], "one")

# %% tags=["stub"]
answer = ...
ll.checks.exercise("01.1", answer)

# %% tags=["solution"]
answer = 42
ll.checks.exercise("01.1", answer)

# %% tags=["wrong"]
{
    "one more": 41,
    "is a number": "many",
}

# %% [markdown]
# ## Recap
"""


@pytest.fixture
def course(small_course) -> Path:
    """A course of one small notebook, in a copy of the layout."""
    return small_course(CELLS).path.parents[1]


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_stub_and_solution_part_ways(course):
    student = sources(course / "notebooks/01_try.ipynb")
    solution = sources(course / "notebooks/solutions/01_try.ipynb")
    stub, answer = (f'answer = {x}\nll.checks.exercise("01.1", answer)' for x in ("...", 42))
    assert stub in student and answer not in student
    assert answer in solution and stub not in solution
    assert "shared = 1" in student and "shared = 1" in solution
    assert not any("many" in source for source in [*student, *solution])


def test_links_and_setup_are_filled_in_from_one_place(course):
    links, _, setup = sources(course / "notebooks/01_try.ipynb")[:3]
    slug = scripts.slug()
    assert unquote(links).count(slug) >= 3 and "notebooks/01_try.ipynb" in links
    assert "![" not in links, "A picture from the network is broken offline."
    assert f"git+https://github.com/{slug}" in setup and "ll.checks.check_environment()" in setup


def test_notebooks_are_valid_without_outputs_and_the_same_every_time(course):
    before = {path: path.read_bytes() for path in course.rglob("*.ipynb")}
    assert build.main([]) == 0
    assert {path: path.read_bytes() for path in course.rglob("*.ipynb")} == before
    for path in before:
        made = nbformat.read(path, as_version=4)
        nbformat.validate(made)
        assert len({cell.id for cell in made.cells}) == len(made.cells)
        assert all(not cell.get("outputs") for cell in made.cells)


def test_a_new_script_is_linked_from_the_one_before_it_and_stands_in_every_table(
    small_course, course
):
    assert sources(course / "notebooks/01_try.ipynb")[-1].endswith(notebook.END)
    cells, front = CELLS.replace("01.1", "02.1"), FRONT.replace("# 1 · Try", "# 2 · Try more")
    small_course(cells, name="02_more", front=front)
    link = "[2 · Try more](02_more.ipynb)"
    assert sources(course / "notebooks/01_try.ipynb")[-1].endswith(f"**Next:** {link}")
    assert sources(course / "notebooks/02_more.ipynb")[-1].endswith(notebook.END)
    readme = (course / "README.md").read_text(encoding="utf-8")
    assert "| [2 · Try more](notebooks/02_more.ipynb) | try something |" in readme
    instructor = (course / "notebooks/INSTRUCTOR.md").read_text(encoding="utf-8")
    words = len(" ".join([*sources(course / "notebooks/02_more.ipynb")[1:2], notebook.END]).split())
    words += len(["##", "Recap"])
    assert f"| {link} | 7 | {words} | 1 | 1 | 0.5 | 0.1 | 5 |" in instructor


def test_fresh_course_passes_the_check(course):
    assert build.main(["--check"]) == 0


@pytest.mark.parametrize("damage", ["edited", "left", "missing", "script", "README", "INSTRUCTOR"])
def test_every_kind_of_stale_is_caught_and_named(small_course, course, damage, capsys):
    path = course / "notebooks/01_try.ipynb"
    if damage == "edited":
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("shared = 1", "shared = 2"), encoding="utf-8")
    elif damage == "left":  # its script is gone
        cells, front = CELLS.replace("01.1", "99.1"), FRONT.replace("# 1 ·", "# 99 ·")
        small_course(cells, name="99_gone", front=front)
        (course / "course/99_gone.py").unlink()
        path = path.with_name("99_gone.ipynb")
    elif damage == "missing":
        path.unlink()
    elif damage == "script":
        script = course / "course/01_try.py"
        script.write_text(script.read_text().replace("shared = 1", "shared = 3", 2))
    else:
        folder = {"README": course, "INSTRUCTOR": course / "notebooks"}[damage]
        path = folder / f"{damage}.md"
        path.write_text(path.read_text(encoding="utf-8").replace("1 · Try", "1 · Tried"))
    assert build.main(["--check"]) == 1
    assert path.name in capsys.readouterr().err
    assert build.main([]) == 0 and build.main(["--check"]) == 0


def test_nothing_of_a_readers_is_deleted_or_overwritten(course, capsys):
    """Notebooks of their own, copies of ours, and ours with their answers in it."""
    ours = course / "notebooks/01_try.ipynb"
    answered = nbformat.read(ours, as_version=4)
    answered.cells[-2].source = "answer = 41  # mine"
    own = [ours.with_name(f"{name}.ipynb") for name in ("diary", "01_try-Copy1", "broken")]
    nbformat.write(nbformat.v4.new_notebook(), own[0])
    shutil.copy(ours, own[1])
    own[2].write_text("{")
    before = {path: path.read_bytes() for path in own}
    assert build.main(["--check"]) == 0, "they are nobody else's business"
    nbformat.write(answered, ours)
    assert build.main([]) == 0
    assert "01_try.ipynb was edited here; it is now 01_try-yours-1.ipynb" in capsys.readouterr().out
    assert "answer = 41  # mine" in sources(ours.with_name("01_try-yours-1.ipynb"))
    assert "answer = 41  # mine" not in sources(ours)
    assert {path: path.read_bytes() for path in own} == before
    # Their answers survive, too, when the script goes away.
    nbformat.write(answered, ours)
    (course / "course/01_try.py").unlink()
    assert build.main([]) == 0
    assert "answer = 41  # mine" in sources(ours.with_name("01_try-yours-2.ipynb"))
    assert not ours.exists() and not (course / "notebooks/solutions/01_try.ipynb").exists()


def test_a_notebook_that_only_ran_is_written_again(course):
    path = course / "notebooks/01_try.ipynb"
    before, ran = path.read_text(encoding="utf-8"), nbformat.read(path, as_version=4)
    ran.metadata["language_info"]["version"] = "3.11.7"
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(ran, path)
    assert build.main([]) == 0
    assert path.read_text(encoding="utf-8") == before
    assert not list(path.parent.glob("*yours*"))


def test_the_site_empties_only_its_own_folder(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit, match="holds files that are not a site: name another folder"):
        site.require_own(own)
    with pytest.raises(SystemExit, match="is a file: name a folder for the site"):
        site.require_own(own / "thesis.txt")
    first, second, folder = (tmp_path / name for name in ("first", "second", "site"))
    for made, page in ((first, "old/page.html"), (second, "new/page.html")):
        (made / page).parent.mkdir(parents=True)
        (made / page).write_text(page)
    site.require_own(folder)
    site.put(first, folder)
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("mine")
    (folder / "old/notes.md").write_text("mine")
    site.require_own(folder)
    site.put(second, folder)
    left = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert left == {site.MARK, ".git/config", "old/notes.md", "new/page.html"}
    assert (own / "thesis.txt").read_text() == "mine"


def test_pages_are_written_over_pages_only(small_course, tmp_path, capsys):
    """JupyterLab exports a notebook under the same name."""
    name = small_course(CELLS).name
    for _ in range(2):
        assert execute.main([name, "--form", "student", "--out", str(tmp_path)]) == 0
    own = tmp_path / f"{name}.html"
    own.write_text("<html>mine</html>")
    with pytest.raises(SystemExit):
        execute.main([name, "--form", "student", "--out", str(tmp_path)])
    assert "is not a page of this command" in capsys.readouterr().err
    assert own.read_text() == "<html>mine</html>"


def test_a_notebook_whose_kernel_dies_is_named_and_the_others_run(small_course, tmp_path, capsys):
    """As where memory runs out."""
    dies = "# %%\nimport os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n\n"
    dead = small_course(dies + CELLS).name
    cells, front = CELLS.replace("01.1", "02.1"), FRONT.replace("# 1 · Try", "# 2 · Try more")
    alive = small_course(cells, name="02_more", front=front).name
    assert execute.main(["--form", "student", "--out", str(tmp_path / "out")]) == 1
    assert f"FAILED {dead} (student): Kernel died" in capsys.readouterr().err
    assert [page.stem for page in (tmp_path / "out").glob("*.html")] == [alive]


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("# %%\n" + "x = 1\n" * 13, "13 lines of code"),
        (f"# %%\nx = {'1' * 100}\n", "104 columns"),
        (f"# %% [markdown]\n# {'word ' * 151}", "words; keep it to 150"),
        (CELLS.replace('    "is a number": "many",\n', ""), "two or more typical wrong answers"),
        (CELLS.replace("is a number", "one more"), "each behind its own words"),
        (CELLS.replace('# %% tags=["wrong"]', "# %%"), "no cell tagged 'wrong' follows"),
        (
            CELLS.replace('# %% tags=["solution"]\nanswer = 42', "# %%\nanswer = 42"),
            "right behind the solution",
        ),
        (
            CELLS.replace('": 41,', '": shared + 1,').replace(
                "# ## Recap", "#\n\n# %%\nshared = 2"
            ),
            "a later cell changes shared",
        ),
        (CELLS.replace('["stub"]', '["stubb"]'), "cell 5: write tags=.* with names among setup"),
        (CELLS + '# %% tags=["setup"]\n', "mark one empty cell .*; there are 2"),
        (CELLS.replace('["stub"]', '["parameters"]'), "exercise 01.1 has a solution and no stub"),
        (CELLS.replace("01.1", "03.1"), "exercise 03.1 belongs to another notebook"),
        (CELLS.replace("answer = 42", "answer = = 42"), "cell 6: `answer = = 42` is not Python"),
        (CELLS + "\n# %%\n# This is a magic\n%matplotlib inline\n", "magics"),
    ],
)
def test_cells_that_a_course_cannot_have_are_refused(small_course, cell, complaint):
    with pytest.raises(SystemExit, match=complaint):
        small_course(cell)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("#     alt: Nothing\n", "", "the header needs `alt`"),
        ("first_run: 0.5", "first_run: soon", "the header needs `first_run`, a number"),
        ("alt: Nothing", "alt: 3", "the header needs `alt`, a text"),
        ("alt: Nothing", "alt: No: thing", "put texts with a colon or quotes into quotation marks"),
        ("you_will:", "you_wil:", "unknown key 'you_wil'; use you_will"),
        ("#   course:", "#   cours:", "the header needs `course` with you_will, figure"),
        ("figure: shared = 1", "figure: shared = 2", "no cell has the line `shared = 2`"),
        ("# # 1 · Try", "# Try", "begin the first text with a heading"),
        ('# %% tags=["setup"]', "# %% tags=setup", "mark one empty cell .*; there are 0"),
        ('["setup"]', '["setup"]\nimport os', "leave the set-up cell empty"),
        ("# # 1 · Try", "# # 2 · Try", "begin the heading with the notebook's number"),
        ("# # 1 · Try", "# # Try", "begin the heading with the notebook's number"),
        ("about 5 minutes to work through", "an hour", "write 'about N minutes to work through'"),
    ],
)
def test_a_header_that_says_too_little_is_refused(small_course, old, new, complaint):
    assert FRONT.count(old) == 1
    with pytest.raises(SystemExit, match=complaint):
        small_course(CELLS, front=FRONT.replace(old, new))


def test_numbers_that_people_write_are_taken(small_course):
    small_course(CELLS, front=FRONT.replace("first_run: 0.5", "first_run: 1"))


@pytest.mark.parametrize("name", ["7_gap", "10-x", "100_x", "08_Große"])
def test_a_script_is_never_passed_over(small_course, name):
    with pytest.raises(SystemExit, match=f"course/{name}.py: name it NN_verb_topic.py"):
        small_course(CELLS, name=name)


def test_two_notebooks_of_one_number_are_refused(small_course, course):
    with pytest.raises(SystemExit, match="two notebooks have the number 01; rename one"):
        small_course(CELLS, name="01_other")


def test_a_script_is_read_whatever_its_editor_put_before_it(small_course, course):
    path = course / "course/01_try.py"
    path.write_bytes("\ufeff".encode() + path.read_bytes().replace(b"\n", b"\r\n"))
    assert build.main(["--check"]) == 0
    path.write_bytes(path.read_bytes().replace(b"Nothing", "N\xe4chste".encode("latin-1")))
    with pytest.raises(SystemExit, match="01_try.py: this is not UTF-8 text"):
        build.main([])


def test_what_a_header_says_cannot_break_the_readme(small_course):
    front = FRONT.replace("alt: Nothing", "alt: 'A \"curve\" <b>'").replace("try some", "a | b")
    root = small_course(CELLS, front=front).path.parents[1]
    readme = (root / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if "01_try.ipynb" in line)
    assert 'alt="A &quot;curve&quot; &lt;b&gt;">' in row and row.count("|") == 4


@pytest.mark.parametrize("name", ["README.md", "notebooks/INSTRUCTOR.md"])
def test_a_page_that_is_missing_is_named(course, name):
    (course / name).unlink()
    with pytest.raises(SystemExit, match=f"{name} is missing"):
        build.main([])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[1]", b'{"cells": [{}]}', None])
def test_what_is_no_notebook_under_our_name_is_kept(course, content):
    path = course / "notebooks/01_try.ipynb"
    mark = {"metadata": {"latentlang": {"file": "notebooks/01_try.ipynb"}}, "nbformat": 4}
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert build.main([]) == 0 and build.main(["--check"]) == 0
    kept = path.with_name("01_try-yours-1.ipynb")
    assert kept.is_dir() if content is None else kept.read_bytes() == content
    path.write_text(json.dumps(mark | {"cells": [{"cell_type": "code"}]}))
    assert build.main([]) == 0 and path.with_name("01_try-yours-2.ipynb").exists()


def test_a_page_without_its_comments_is_refused():
    with pytest.raises(SystemExit, match="page.md: write <!-- a --><!-- /a --> once"):
        tables.fill("<!-- a -->", "a", "text", "page.md")


def test_a_hubs_link_says_what_to_pull_and_what_to_open():
    """As nbgitpuller reads it: repository, branch, and path in a folder of that name."""
    repository = "https://github.com/someone/my-course.git"
    link = urlsplit(links.pull("01_try", "https://hub.example.org/", repository))
    assert (link.netloc, link.path) == ("hub.example.org", "/hub/user-redirect/git-pull")
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    wanted = {
        "repo": repository,
        "branch": "main",
        "urlpath": "lab/tree/my-course/notebooks/01_try.ipynb",
    }
    assert asked == wanted


def test_the_link_generator_prints_one_link_per_notebook(capsys):
    hub = "https://hub.example.org"
    links.main([hub])
    said = capsys.readouterr().out
    assert said.count(f"{hub}/hub/user-redirect/git-pull?") == len(scripts.scripts()) >= 6


def test_a_predictions_code_is_folded_away(course):
    cells = nbformat.read(course / "notebooks/01_try.ipynb", as_version=4).cells
    folded = [cell for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    code = 'll.predict("Which?", ["one", "two"], "one")'
    assert [cell.source.splitlines() for cell in folded] == [[notebook.FOLDED, code]]
    assert "remove-input" in folded[0].metadata.tags


@pytest.mark.parametrize("script", scripts.scripts(), ids=lambda script: script.name)
def test_a_thumbnail_is_made_from_the_figure_that_the_header_names(script):
    picture = scripts.ROOT / tables.IMAGES / f"{script.number}.png"
    assert picture.exists() and pictures.named_figure(picture) == script.front["figure"], (
        "run `make picture`"
    )
