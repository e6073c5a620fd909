"""Measure every language as the target of a translation, on the demo model: data/results/targets.csv.

    python data/measure.py

Source: French, and German for French itself; every fourth concept of the list; float32.
Columns: target, source, n, right (share of prompts whose most probable next token begins the target word),
english_peak with lower and upper (95 % interval, prompts whose source word is no English cognate), english_layer, and
handover (the first layer from which the target leads English to the end; empty when it never does).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tqdm import tqdm

import latentlang as ll

EVERY = 4
TARGET = Path(__file__).resolve().parent / "results" / "targets.csv"


def measure(model, target: str) -> dict:
    """Return the row of one target language."""
    source = "de" if target == "fr" else "fr"
    decoded = ll.run_experiment(model, "translation", source, target, every=EVERY, progress=False)
    without = decoded[~decoded.prompts["cognate"]]
    english = ll.summarize(without).query("quantity == 'probability' and language == 'en'")
    peak = english.loc[english["mean"].idxmax()]
    return {
        "target": target,
        "source": source,
        "n": len(decoded),
        "right": round((decoded.rank[target][:, -1] == 1).float().mean().item(), 3),
        "n_no_cognates": len(without),
        "english_peak": round(peak["mean"], 3),
        "lower": round(peak["lower"], 3),
        "upper": round(peak["upper"], 3),
        "english_layer": int(peak["layer"]),
        "handover": ll.find_phases(without).target_start,
    }


def main() -> None:
    """Measure all targets but English, print the table and write it."""
    model = ll.load_model("gemma-3-270m", dtype="float32")
    rows = []
    for target in tqdm(ll.languages().index.drop("en"), unit="language"):
        rows.append(measure(model, target))
    table = pd.DataFrame(rows).astype({"handover": "Int64"})
    TARGET.parent.mkdir(exist_ok=True)
    table.to_csv(TARGET, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
