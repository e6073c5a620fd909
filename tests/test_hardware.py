"""What the library takes from the machine: number formats, memory, processors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_machine import small_machine

from latentlang.models.hardware import best_dtype, cpu_limit, memory


def test_a_large_model_takes_the_format_that_the_processor_is_fast_in():
    """The processor's own list says whether it has instructions for bfloat16."""
    flags = Path("/proc/cpuinfo").read_text().split()
    fast = "avx512_bf16" in flags or "amx_bf16" in flags
    large = torch.bfloat16 if fast else torch.float32
    assert best_dtype("cpu", None, 1_500_000_000) == large
    assert best_dtype("cpu", None, 270_000_000) == torch.float32
    assert best_dtype("cpu", "8bit", 1_500_000_000) == torch.float32


def test_the_smallest_limit_of_processors_holds(monkeypatch):
    cores = cpu_limit()
    monkeypatch.setenv("CPU_LIMIT", "0.5")
    assert cpu_limit() == 1
    monkeypatch.setenv("CPU_LIMIT", "1000")
    assert cpu_limit() == cores


@pytest.mark.parametrize("gigabytes", [1.5, 3.0])
def test_a_group_of_processes_has_its_own_memory(gigabytes):
    """What the group keeps of files counts as free: here of a file of 0.4 GB that it has read."""
    code = (
        "import tempfile; from latentlang.models.hardware import memory\n"
        "with tempfile.TemporaryFile() as file:\n"
        "    file.write(bytes(400_000_000)); file.flush(); file.seek(0); file.read(1)\n"
        "    print(*memory())"
    )
    with small_machine(gigabytes) as machine:
        command = machine.inside([sys.executable, "-c", code])
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    free, total = map(float, done.stdout.split())
    assert total == pytest.approx(gigabytes, abs=0.01)
    assert gigabytes - 0.5 < free < gigabytes
    assert memory()[1] > total
