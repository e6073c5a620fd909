"""The conversion of the packaged model: seconds, and the most memory that is not a file's."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from conftest import limit

import latentlang as ll
from tools import ROOT

SECONDS, GIGABYTES = 30, 1.0


def test_conversion_from_nothing(tmp_path):
    """What `make prefetch` does on a new machine, in a process of its own."""
    command = [sys.executable, "-m", "latentlang", "prefetch", "--to", str(tmp_path)]
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(command, cwd=ROOT)
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        if found := re.search(r"RssAnon:\s+(\d+) kB", status.read_text()):
            peak = max(peak, int(found[1]) * 1024 / 1e9)
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    print(f"\nconverted in {seconds:.1f} s, {peak:.2f} GB of anonymous memory at most")
    assert process.returncode == 0
    assert seconds < SECONDS and peak < GIGABYTES


def test_loading_a_converted_model(model):
    """What every notebook waits for, where everything is imported."""
    model.close()
    start = time.perf_counter()
    again = ll.load_model("gemma-3-270m", dtype="float32")
    limit("loading the demo model (s)", time.perf_counter() - start, "<=", 20.0)
    assert again.n_layers == model.n_layers
