"""Measure the demo model: every table in data/results but the paper's own, and print them.

    python data/measure.py

Every fourth concept of the list, float32; results are kept in the user's cache, so a second run takes a minute.

targets.csv      every language as the target of a translation from French (from German for French itself): n, right,
                 then what stays without cognates of source and English (n_no_cognates, english_peak with lower and upper,
                 english_layer, handover: the first layer from which the target leads English to the end)
pairs.csv        every pair of English, Chinese, German, French and Russian: ll.headlines
experiments.csv  the paper's three experiments to Chinese: ll.headlines
precision.csv    for each run of pairs.csv and experiments.csv, what bfloat16 changes: the largest change of a mean P(language)
                 at any layer (largest_change), how wide half its 95 % interval is there (half_width), the same two as a ratio
                 (largest_ratio: at the layer where the change fills most of the interval, of layers above 0.1 %),
                 and the share of prompts with the same most probable token at the last layer (same_token)
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tqdm import tqdm

import latentlang as ll
from latentlang.decoded import Decoded

EVERY = 4
FOLDER = Path(__file__).resolve().parent / "results"
FIVE = ("en", "zh", "de", "fr", "ru")
PAIRS = {f"translation {s} → {t}": {"task": "translation", "source": s, "target": t} for s in FIVE for t in FIVE if s != t}
EXPERIMENTS = {
    "translation de+fr+ru → zh": {"task": "translation", "source": ["de", "fr", "ru"], "target": "zh"},
    "repetition zh": {"task": "repetition", "target": "zh"},
    "cloze zh": {"task": "cloze", "target": "zh"},
}


def targets(model) -> pd.DataFrame:
    """Measure every language but English as a target."""
    rows = []
    for target in tqdm(ll.languages().index.drop("en"), unit="language", leave=False):
        source = "de" if target == "fr" else "fr"
        decoded = ll.run_experiment(model, "translation", source, target, every=EVERY, progress=False)
        without = decoded[~decoded.prompts["cognate"]]
        right, found = ll.headlines({"all": decoded, "without": without}).to_dict("records")
        rows.append(
            {"target": target, "source": source, "n": right["n"], "right": right["right"], "n_no_cognates": found["n"]}
            | {"english_peak": found["pivot_peak"], "lower": found["lower"], "upper": found["upper"]}
            | {"english_layer": found["at_layer"], "handover": found["target_start"]}
        )
    return pd.DataFrame(rows).astype({"handover": "Int64"})


def precision(exact, model, asked: dict[str, dict]) -> pd.DataFrame:
    """Compare the mean curves of two number formats with the width of their intervals."""
    rows = []
    for name, what in tqdm(asked.items(), unit="run", leave=False):
        a, b = _run(exact, what), _run(model, what)
        curves = ll.summarize(a).query("quantity == 'probability'").reset_index(drop=True)
        curves["change"] = (ll.summarize(b).query("quantity == 'probability'")["mean"].reset_index(drop=True) - curves["mean"]).abs()
        curves["half_width"] = (curves["upper"] - curves["lower"]) / 2
        worst = curves.loc[curves["change"].idxmax()]
        visible = curves[curves["mean"] > 0.001]
        same = (a.top_ids[:, -1, 0] == b.top_ids[:, -1, 0]).float().mean().item()
        rows.append(
            {"experiment": name, "n": len(a), "largest_change": worst["change"], "half_width": worst["half_width"]}
            | {"largest_ratio": (visible["change"] / visible["half_width"]).max(), "same_token": same}
        )
    return pd.DataFrame(rows)


def _run(model, what: dict) -> Decoded:
    return ll.run_experiment(model, **what, every=EVERY, progress=False)


def main() -> None:
    """Measure, print and write every table."""
    FOLDER.mkdir(exist_ok=True)
    exact = ll.load_model("gemma-3-270m", dtype="float32")
    runs = {"pairs": PAIRS, "experiments": EXPERIMENTS}
    tables = {file: ll.headlines({name: _run(exact, what) for name, what in asked.items()}).reset_index() for file, asked in runs.items()}
    tables["targets"] = targets(exact)
    tables["precision"] = precision(exact, ll.load_model("gemma-3-270m", dtype="bfloat16"), PAIRS | EXPERIMENTS)
    for name, table in tables.items():
        table = table.round(4 if name == "precision" else 3)
        table.to_csv(FOLDER / f"{name}.csv", index=False)
        print(f"\n{name}.csv\n{table.to_string(index=False)}", flush=True)


if __name__ == "__main__":
    main()
