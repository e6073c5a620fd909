"""What this machine has: device, number format and processor share."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

import torch


def best_device() -> str:
    """Return ``"cuda"`` when there is a GPU, else ``"cpu"``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def best_dtype(device: str, quantization: str | None = None) -> torch.dtype:
    """Return the number format that this device computes fast in without losing the result.

    bfloat16 on a GPU that has it and on a CPU with AMX; float16 on older GPUs (T4); float32 on
    every other CPU. float32 is also used around 8-bit matrices on a CPU: it is faster
    there and nearer to the exact model.
    """
    if device.startswith("cuda"):
        # LLM.int8 computes in float16, and the paper's 8-bit Llama-2 ran in it. A T4 only emulates
        # bfloat16.
        real_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.float16 if quantization or not real_bfloat16 else torch.bfloat16
    fast = not quantization and "amx_bf16" in _cpu_features()
    return torch.bfloat16 if fast else torch.float32


def _cpu_features() -> set[str]:
    """Return what this processor can do, in Linux's names.

    ``torch.cpu.get_capabilities`` says it from torch 2.11 on. Before, Linux does.
    """
    if hasattr(torch.cpu, "get_capabilities"):
        return {name for name, there in torch.cpu.get_capabilities().items() if there is True}
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return set(line.partition(":")[2].split())
    return set()


def cpu_limit() -> int:
    """Return how many processors this process may use: its container's limit, not the host's cores.

    ``CPU_LIMIT`` (set by JupyterHub spawners) wins over the cgroup's quota and the affinity mask.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limits = [float(cores)]
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.exists():
        allowed, period, *_ = [*quota.read_text().split(), "100000"]
        if allowed != "max":
            limits.append(float(allowed) / float(period))
    with suppress(KeyError, ValueError):
        limits.append(float(os.environ["CPU_LIMIT"]))
    return max(1, math.ceil(min(limit for limit in limits if limit > 0)))


def memory() -> tuple[float, float] | None:
    """Return free and total memory in GB that this process may use, or None if unknown.

    On Linux the container's limit counts.
    """
    try:
        facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        free, total = (int(facts[key].split()[0]) / 1e6 for key in ("MemAvailable", "MemTotal"))
        limit, used = (Path("/sys/fs/cgroup", name) for name in ("memory.max", "memory.current"))
        if limit.exists() and (allowed := limit.read_text().strip()) != "max":
            total = min(total, int(allowed) / 1e9)
            free = min(free, total - int(used.read_text()) / 1e9)
    except (OSError, ValueError, KeyError):
        return None
    return free, total


def gpu_memory(device: str) -> float:
    """Return how many GB are free on a GPU, or on all of them together for ``"cuda"``."""
    cards = range(torch.cuda.device_count()) if device == "cuda" else [torch.device(device).index]
    return sum(torch.cuda.mem_get_info(card)[0] for card in cards) / 1e9


def set_threads() -> None:
    """Let torch use no more threads than this process may."""
    torch.set_num_threads(min(torch.get_num_threads(), cpu_limit()))
