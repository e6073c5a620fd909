"""Write data/results/memory.csv: the memory that a model needs, measured here or counted.

    python -m tools.measure_memory

weights       GB of the weights alone, counted on torch's meta device from the configuration:
              8-bit inside the blocks and 16 bits for the rest, or the named number format
              throughout
loaded, peak  GB of this machine's memory once the model is loaded, and the most while 118
              French-to-Chinese prompts are decoded: the resident set of a separate process,
              libraries included, read from Linux's /proc; empty if the model was not run
anonymous     the most of it, in GB, that no file backs. Weights in the format of their file are
              mapped from it, and the system can take their memory back

The shapes of Llama-2 come from its published configurations. Its weights are not needed to count
them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

import latentlang as ll
from latentlang.models import packaged
from latentlang.models.catalogue import CATALOGUE, PACKAGED

from .scripts import ROOT

FILE = ROOT / "data" / "results" / "memory.csv"
DEMO = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "8-bit": {"quantization": "8bit"},
    "on a server": {"remote": True},
}


def gigabytes(config, in_blocks: int, elsewhere: int) -> float:
    """Count the weights in GB.

    Args:
        config: of the model.
        in_blocks: bytes per weight of the blocks' matrices.
        elsewhere: bytes per weight of all others.
    """
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    sizes = {True: 0, False: 0}
    for name, weight in model.named_parameters():
        sizes[".layers." in name and weight.ndim == 2] += weight.numel()
    return (sizes[True] * in_blocks + sizes[False] * elsewhere) / 1e9


def measured(options: dict) -> dict[str, float]:
    """Load the demo model in a separate process, decode, and return that process's memory in GB.

    A model on a server is not decoded, so it has no peak.
    """
    command = [sys.executable, "-m", "tools.measure_memory", json.dumps(options)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: dict) -> None:
    """Print what ``measured`` reads."""
    remote = options.get("remote")
    peak, stop = dict.fromkeys(("VmRSS", "RssAnon"), 0.0), threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            for name, now in _memory().items():
                peak[name] = max(peak[name], now)

    watcher = threading.Thread(target=watch)
    watcher.start()
    model = ll.load_model(packaged.folder() if remote else PACKAGED, **options)
    row = {"loaded": _memory()["VmRSS"]}
    if not remote:
        prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:118]
        ll.decode(model, prompts, progress=False)
    stop.set()
    watcher.join()
    if not remote:
        row["peak"] = peak["VmRSS"]
    print(json.dumps(row | {"anonymous": peak["RssAnon"]}))


def _memory() -> dict[str, float]:
    """Return this process's memory now, in GB: all that is resident, and what no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return {name: int(facts[name].split()[0]) * 1024 / 1e9 for name in ("VmRSS", "RssAnon")}


def main() -> None:
    """Count, measure, print and write the table."""
    demo = AutoConfig.from_pretrained(packaged.folder())
    bytes_of = {"float32": (4, 4), "bfloat16": (2, 2), "8-bit": (1, 4), "on a server": (0, 0)}
    rows = []
    for way, options in DEMO.items():
        row = {"model": PACKAGED, "way": way, "weights": gigabytes(demo, *bytes_of[way])}
        rows.append(row | measured(options))
    for name, entry in CATALOGUE.items():
        if entry.shape:
            config = LlamaConfig(**entry.shape, tie_word_embeddings=False)
            for way, size in {"8-bit": (1, 2), "float16": (2, 2)}.items():
                rows.append({"model": name, "way": way, "weights": gigabytes(config, *size)})
    table = pd.DataFrame(rows).round(2)
    table["asked_for"] = [
        CATALOGUE[row["model"]].gigabytes_8bit if row["way"] == "8-bit" else None
        for _, row in table.iterrows()
    ]
    table.to_csv(FILE, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    measure(json.loads(sys.argv[1])) if len(sys.argv) > 1 else main()
