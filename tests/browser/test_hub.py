"""A class on a JupyterHub: three students at once follow one link and run notebook 2.

All of them read one shared cache.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import PROXY, Hub, node_tool
from lab import LabNotebook

import latentlang as ll
from latentlang.models import packaged
from latentlang.models.catalogue import PACKAGED
from tools import ROOT, links

pytestmark = pytest.mark.more

NOTEBOOK = "02_decode_layer_by_layer"
STUDENTS = ("ada", "chen", "émile")


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A git repository of one commit, as an instructor's: the notebooks of this checkout."""
    folder = tmp_path_factory.mktemp("git") / "latentlang"
    shutil.copytree(
        ROOT / "notebooks",
        folder / "notebooks",
        ignore=shutil.ignore_patterns("__pycache__", "*.csv"),
    )
    who = ["-c", "user.name=Instructor", "-c", "user.email=instructor@example.org"]
    for command in (
        ["init", "-q", "-b", links.BRANCH],
        ["add", "."],
        [*who, "commit", "-q", "-m", "The course"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def _documented(start: str, folder: Path) -> list[str]:
    """Return the first command of the instructor's guide that begins so, with ``folder`` as DIR."""
    guide = (ROOT / "notebooks" / "INSTRUCTOR.md").read_text(encoding="utf-8")
    words = shlex.split(re.search(rf"`({re.escape(start)}[^`]*)`", guide).group(1))
    return [sys.executable, *(str(folder) if word == "DIR" else word for word in words[1:])]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """What an administrator prepares once: the converted model and the results of notebook 2."""
    shared = tmp_path_factory.mktemp("shared") / "cache"
    (shared / "models").mkdir(parents=True)
    (shared / "models" / packaged.folder().name).symlink_to(packaged.folder())
    # In a process of its own: the tests' model stays as small as it was.
    subprocess.run(_documented("python -m latentlang precompute", shared), check=True, timeout=600)
    for path in (shared, *shared.rglob("*")):
        if not path.is_symlink() and packaged.folder() not in path.resolve().parents:
            path.chmod(0o555 if path.is_dir() else 0o444)
    return shared


@pytest.fixture(scope="module")
def hub(tmp_path_factory, cache, request) -> Iterator[Hub]:
    commands = node_tool(request.config.cache.mkdir("node-hub"), PROXY)
    running = Hub.start(tmp_path_factory.mktemp("hub"), cache, commands)
    yield running
    running.stop()
    with pytest.raises(OSError):  # the proxy is gone as well
        urllib.request.urlopen(running.url, timeout=5)


@pytest.mark.timeout(1200)
def test_three_students_run_notebook_2_from_one_cache(hub, cache, course, browser, shoot):
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    link = links.pull(NOTEBOOK, hub.url, f"file://{course}")
    opened = []
    for student in STUDENTS:
        page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        page.set_default_timeout(60_000)
        notebook = LabNotebook(page, hub)
        page.goto(link)
        page.get_by_label("Username").fill(student)
        page.get_by_label("Password").fill("anything")
        page.get_by_role("button", name="Sign in").click()
        opened.append(notebook)
    for notebook in opened:
        notebook.wait_until_connected()
        notebook.start()
    for student, notebook in zip(STUDENTS, opened):
        notebook.wait_until_finished(seconds=900)
        assert notebook.failures() == []
        text = str(notebook.outputs())
        assert f"Model({PACKAGED}: 18 layers" in text
        shoot(notebook.page, student)
    homes = sorted(hub.homes.iterdir())
    assert len(homes) == len(STUDENTS)
    for home in homes:
        assert (home / "latentlang" / "notebooks" / f"{NOTEBOOK}.ipynb").exists()
        kept = list((home / ".cache" / "latentlang").rglob("*.safetensors"))
        lengths = [len(ll.Run.load(path)) for path in kept]
        assert lengths == [1], f"the student's own word alone is not shared: {kept}"
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
