"""The wheel that Colab's set-up cell installs, from a git address into a clean environment."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import latentlang as ll
from tools import store
from tools.scripts import ROOT, scripts, slug

pytestmark = [pytest.mark.more, pytest.mark.timeout(1800)]

# The set-up cell is run by IPython, since it holds a line of pip for Colab.
PROGRAM = """
import json, pathlib, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
result = shell.run_cell(pathlib.Path("setup.py").read_text())
result.raise_error()
ll = shell.user_ns["ll"]
words = ll.load_words()
print(json.dumps({
    "home": ll.__file__,
    "report": result.result.message,
    "words": [list(words.index), list(words.columns), words.map("|".join).to_numpy().tolist()],
    "cloze": ll.load_cloze("sw"),
    "pairs": len(ll.data.results("pairs")),
    "published": repr(ll.data.published("llama-2-70b")),
    "files": sorted(p.name for p in pathlib.Path(ll.__file__).parent.glob("__init__.pyi")),
}))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A git repository with one commit: the files of this checkout that git knows or would add."""
    folder = tmp_path_factory.mktemp("git") / "latentlang"
    names = ["ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(["git", *names], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    who = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "The course"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def setup_cell() -> str:
    """The code of notebook 1's set-up cell."""
    notebook = nbformat.read(store.blank(scripts()[0], "student"), as_version=4)
    return next(c.source for c in notebook.cells if "setup" in c.metadata.get("tags", []))


def test_what_the_setup_cell_installs_has_the_data(repository, setup_cell, tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    asked = re.search(r'%pip install -q "(.+)"', setup_cell)[1]
    address = asked.replace(f"git+https://github.com/{slug()}", f"git+file://localhost{repository}")
    assert address != asked
    pip = [python, "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), address]
    subprocess.run(pip, check=True, cwd=tmp_path, timeout=1500)

    (tmp_path / "setup.py").write_text(setup_cell, encoding="utf-8")
    done = subprocess.run(
        [python, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert Path(said["home"]).is_relative_to(environment)
    assert "⚠" not in said["report"] and "latentlang" in said["report"]
    words = ll.load_words()
    assert said["words"] == [
        list(words.index),
        list(words.columns),
        words.map("|".join).to_numpy().tolist(),
    ]
    assert said["cloze"] == ll.load_cloze("sw")
    assert said["pairs"] == len(ll.data.results("pairs"))
    assert said["published"] == repr(ll.data.published("llama-2-70b"))
    assert said["files"] == ["__init__.pyi"]
