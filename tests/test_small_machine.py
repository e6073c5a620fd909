"""The course on 2 GB of memory, as a free Binder machine has: from nothing to the last notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import nbformat
import pytest
from nbclient import NotebookClient
from small_machine import SmallMachine, kernel_spec, small_machine

from latentlang.models import packaged
from tools import ROOT

GIGABYTES = 2.0


@pytest.fixture(scope="module")
def machine() -> Iterator[SmallMachine]:
    """2 GB for a JupyterLab server and everything else."""
    with small_machine(GIGABYTES) as made:
        lab = [sys.executable, "-m", "jupyter", "lab", "--allow-root", "--no-browser"]
        lab += ["--ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={ROOT}"]
        with subprocess.Popen(
            made.inside(lab), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as server:
            next(line for line in server.stderr if "is running at" in line)
            yield made
            server.terminate()


@pytest.fixture(scope="module")
def cache(machine, tmp_path_factory) -> str:
    """A cache into which the packaged model was converted on the small machine."""
    root = tmp_path_factory.mktemp("cache")
    command = machine.inside([sys.executable, "-m", "latentlang", "prefetch"])
    environment = {**os.environ, "XDG_CACHE_HOME": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return str(root)


@pytest.mark.more
def test_the_packaged_model_is_converted(cache, machine):
    (folder,) = (path for path in (ROOT / cache).glob("latentlang/models/*/"))
    assert folder.name == packaged.folder_name(packaged.PACKAGED)
    assert packaged.damage_of(folder) == ""
    print(f"\nconversion beside JupyterLab's server: {machine.peak:.2f} GB that no file backs")
    assert machine.peak < 1


@pytest.mark.more
@pytest.mark.parametrize(
    "name", ["01_build_prompts", "03_trace_three_phases", "06_bring_your_own_model"]
)
def test_a_notebook_runs(machine, cache, name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernel = kernel_spec(machine, tmp_path)
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    folder = {"metadata": {"path": str(ROOT / "notebooks")}}
    machine.peak = 0.0
    NotebookClient(notebook, timeout=1200, kernel_name=kernel, resources=folder).execute()
    print(f"\n{name} beside JupyterLab's server: {machine.peak:.2f} GB that no file backs")
    assert 0.3 < machine.peak < GIGABYTES
