"""What this machine has: device, number format and processor share."""

from __future__ import annotations

import ctypes
import gc
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError

_LARGE = 1e9  # weights from which on a CPU computes in bfloat16 if it can
_SMALL_MACHINE = 4  # GB
_MMAP_THRESHOLD = -3  # glibc's name for the size from which a block is given back when it is freed
_BFLOAT16 = {"amx_bf16", "avx512_bf16"}


def best_device() -> str:
    """Return ``"cuda"`` when there is a GPU, else ``"cpu"``."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def usable_device(device: object) -> str:
    """Return the name of a device on which a model can run, or say that it is not here.

    Raises:
        ModelError: This process does not have the device.
    """
    name = str(device)
    try:
        torch.empty(1, device=name).item()  # "meta" holds no numbers
    except (RuntimeError, AssertionError, ImportError):  # each kind of device has its own
        best = best_device()
        raise ModelError(
            f"The device '{name}' cannot run a model here: use '{best}', or leave device out."
        ) from None
    return name


def best_dtype(device: str, quantization: str | None, n_weights: int) -> torch.dtype:
    """Return the number format that this device computes fast in without losing the result.

    On a GPU bfloat16, or float16 where bfloat16 is only emulated (T4). On a CPU bfloat16 for a
    large model if the CPU has instructions for it, else float32, which is nearer to the exact
    model: a small one is fast enough in it. float32 is also used around 8-bit matrices on a CPU.

    Args:
        device: such as ``"cuda"`` or ``"cpu"``.
        quantization: None or ``"8bit"``.
        n_weights: of the model.
    """
    if device.startswith("cuda"):
        # LLM.int8 computes in float16, and the paper's 8-bit Llama-2 ran in it.
        real_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.float16 if quantization or not real_bfloat16 else torch.bfloat16
    fast = not quantization and n_weights >= _LARGE and _cpu_features() & _BFLOAT16
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

    The smallest counts of the affinity mask, the cgroup's quota and ``CPU_LIMIT``, which
    JupyterHub's spawners set.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limits = [float(cores)]
    with suppress(OSError, ValueError):
        allowed, period, *_ = [*Path("/sys/fs/cgroup/cpu.max").read_text().split(), "100000"]
        limits.append(float(allowed) / float(period))
    with suppress(KeyError, ValueError):
        limits.append(float(os.environ["CPU_LIMIT"]))
    return max(1, math.ceil(min(limit for limit in limits if limit > 0)))


def memory() -> tuple[float, float] | None:
    """Return free and total memory in GB that this process may use, or None if unknown.

    On Linux the container's limit counts. What it keeps of files is free: the system takes it
    back when it is needed.
    """
    try:
        facts = _table(Path("/proc/meminfo"))
        free, total = (facts[key] * 1024 / 1e9 for key in ("MemAvailable:", "MemTotal:"))
    except (OSError, ValueError, KeyError):
        return None
    for folder in _memory_groups():
        with suppress(OSError, ValueError, KeyError):
            new = (folder / "memory.max").exists()
            limit = folder / ("memory.max" if new else "memory.limit_in_bytes")
            used = folder / ("memory.current" if new else "memory.usage_in_bytes")
            files = _table(folder / "memory.stat")["file" if new else "total_cache"]
            allowed = int(limit.read_text()) / 1e9
            total = min(total, allowed)
            free = min(free, allowed - (int(used.read_text()) - files) / 1e9)
    return free, total


def _memory_groups() -> list[Path]:
    """Return the folders of the cgroups whose memory limits may hold for this process.

    Version 2 has one tree for all limits, version 1 a tree for memory. In a container the tree
    often begins with the process's own group, whatever its name outside.
    """
    root, folders = Path("/sys/fs/cgroup"), []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                tree = root / controllers
                folders += [tree, tree / path.lstrip("/")]
    return list(dict.fromkeys(folders))


def _table(path: Path) -> dict[str, int]:
    """Return a file of the kernel's with a name and a number on each line."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows}


def gpu_memory(device: str) -> float:
    """Return how many GB are free on a GPU, or on all of them together for ``"cuda"``."""
    cards = range(torch.cuda.device_count()) if device == "cuda" else [torch.device(device).index]
    return sum(torch.cuda.mem_get_info(card)[0] for card in cards) / 1e9


def fit_process() -> None:
    """Make this process fit its machine: no more threads than it may use, and no hoarded memory.

    The C library keeps freed blocks of up to 32 MB, several hundred MB in all while a model is
    read. On a machine with little memory it gives them back at once, which takes more time.
    """
    torch.set_num_threads(min(torch.get_num_threads(), cpu_limit()))
    _, total = memory() or (0, math.inf)
    if total < _SMALL_MACHINE and (mallopt := _c_library("mallopt")):
        mallopt(_MMAP_THRESHOLD, 1 << 20)


def give_memory_back() -> None:
    """Hand memory that nobody uses any more back to the system and to the GPU.

    Python and the C library keep it otherwise, and a small machine has none left for the next
    model.
    """
    gc.collect()  # nnsight's wrapper and the module refer to each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if trim := _c_library("malloc_trim"):
        trim(0)


def _c_library(name: str) -> Any:
    """Return a function of the C library, or None where it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
