"""`import latentlang` is light; the command line answers in sentences."""

from __future__ import annotations

import re
import subprocess
import sys

HEAVY = ("torch", "transformers", "nnsight", "plotly", "pandas", "ipywidgets", "numpy")


def test_import_loads_nothing_heavy_and_takes_under_half_a_second():
    best = float("inf")
    for _ in range(3):  # the fastest of three: the machine may be busy with something else
        command = [sys.executable, "-X", "importtime", "-c", "import latentlang"]
        trace = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        loaded = {
            match.group(1).split(".")[0] for match in re.finditer(r"\|\s+([\w.]+)$", trace, re.M)
        }
        assert "latentlang" in loaded and not loaded & set(HEAVY)
        best = min(best, int(re.search(r"\|\s+(\d+) \|\s+latentlang$", trace, re.M).group(1)) / 1e6)
    assert best < 0.5


def test_every_public_name_can_be_reached():
    code = "import latentlang as ll; print(*(getattr(ll, n) is not None for n in dir(ll)))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert set(said.split()) == {"True"} and len(said.split()) > 20


def test_unknown_attribute_is_an_attribute_error():
    done = subprocess.run(
        [sys.executable, "-c", "import latentlang as ll; ll.decoed"], capture_output=True, text=True
    )
    assert (
        done.returncode == 1
        and "AttributeError: No latentlang attribute decoed. Did you mean: 'decode'?" in done.stderr
    )


def test_command_line_reports_the_environment_and_a_full_disk_in_one_sentence(tmp_path):
    check = subprocess.run(
        [sys.executable, "-m", "latentlang", "check"], capture_output=True, text=True, check=True
    )
    assert "torch" in check.stdout and "processors" in check.stdout
    (tmp_path / "file").write_text("not a folder")
    command = [sys.executable, "-m", "latentlang", "prefetch", "--to", str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (
        done.returncode == 1
        and "could not be written" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_an_interruption_of_the_first_import_ends_in_one_line(run_python):
    """The signal comes while torch loads; torch may not load again in that process."""
    code = """
import os, signal, sys
class Stop:
    def find_spec(self, name, *_):
        if name == "torch.nn":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Stop())
import latentlang as ll
try:
    ll.decode
except KeyboardInterrupt as stopped:
    print(*stopped._render_traceback_())
"""
    said = run_python(code)
    assert said.strip().startswith("Stopped while packages were loading: restart the kernel")
    assert len(said.strip().splitlines()) == 1
