"""Write data/results/memory.csv: what a model needs in memory, measured on this machine or counted from its configuration.

    python data/memory.py

weights       GB of the weights alone, counted on torch's meta device: 8-bit inside the blocks, 16 bits for the rest
              (or the named number format throughout)
loaded, peak  GB of this machine's memory once the model is loaded, and the most while 118 French-to-Chinese prompts are decoded
              (resident set of a process of its own, libraries included; read from Linux's /proc); empty where it was not run

The shapes of Llama-2 are those of its published configurations; its weights are not needed to count them.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

import latentlang as ll
from latentlang import demo_model
from latentlang.registry import ENTRIES

FILE = Path(__file__).resolve().parent / "results" / "memory.csv"
LLAMA_2 = {  # d_model, feed-forward width, layers, heads, key/value heads
    "llama-2-7b": (4096, 11008, 32, 32, 32),
    "llama-2-13b": (5120, 13824, 40, 40, 40),
    "llama-2-70b": (8192, 28672, 80, 64, 8),
}
DEMO = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "8-bit": {"quantization": "8bit"},
    "on a server": {"remote": True},
}


def llama_2(name: str) -> LlamaConfig:
    """Return the published shape of one of the paper's models."""
    width, inner, layers, heads, kv = LLAMA_2[name]
    return LlamaConfig(
        vocab_size=32000, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv, tie_word_embeddings=False,
    )  # fmt: skip


def gigabytes(config, in_blocks: int, elsewhere: int) -> float:
    """Count the weights, with so many bytes for those of the blocks' matrices and for all others."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    sizes = {True: 0, False: 0}
    for name, weight in model.named_parameters():
        sizes[".layers." in name and weight.ndim == 2] += weight.numel()
    return (sizes[True] * in_blocks + sizes[False] * elsewhere) / 1e9


def resident(options: dict) -> tuple[float, float | None]:
    """Load the demo model in a process of its own; return GB resident then, and the most while it decodes (None on a server)."""
    done = subprocess.run([sys.executable, __file__, json.dumps(options)], check=True, capture_output=True, text=True)
    loaded, peak = json.loads(done.stdout.splitlines()[-1])
    return loaded, peak


def measure(options: dict) -> None:
    """Print what ``resident`` asks for."""
    remote = options.get("remote")
    model = ll.load_model(demo_model.folder() if remote else demo_model.NAME, **options)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    loaded, peak = pages * resource.getpagesize() / 1e9, None
    if not remote:
        prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:118]
        ll.decode(model, prompts, progress=False)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps([loaded, peak]))


def main() -> None:
    """Count, measure, print and write the table."""
    demo = AutoConfig.from_pretrained(demo_model.folder())
    bytes_of = {"float32": (4, 4), "bfloat16": (2, 2), "8-bit": (1, 4), "on a server": (0, 0)}
    rows = []
    for way, options in DEMO.items():
        loaded, peak = resident(options)
        rows.append({"model": demo_model.NAME, "way": way, "weights": gigabytes(demo, *bytes_of[way]), "loaded": loaded, "peak": peak})
    for name in LLAMA_2:
        for way, size in {"8-bit": (1, 2), "float16": (2, 2)}.items():
            rows.append({"model": name, "way": way, "weights": gigabytes(llama_2(name), *size)})
    table = pd.DataFrame(rows).round(2)
    table["asked_for"] = [ENTRIES[row["model"]].gigabytes_8bit if row["way"] == "8-bit" else None for _, row in table.iterrows()]
    table.to_csv(FILE, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    measure(json.loads(sys.argv[1])) if len(sys.argv) > 1 else main()
