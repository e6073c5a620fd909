"""Measure the demo model: write and print the tables in data/results that are listed here.

    python -m tools.measure

It reads every fourth concept of the list in float32, unless a table says otherwise. The runs are
kept in the user's cache, so a second call takes a minute.

targets.csv      one row per language, as the target of a translation from French (from German for
                 French itself): n and right; then, without cognates, n_no_cognates, english_peak
                 with lower and upper, english_layer, median and above_10 of P(English) there (see
                 ll.headlines), and handover, the first layer from which the target stays ahead of
                 English to the end, empty when it does not
headlines.csv    four pairs, each with the words as published, without shared tokens (the default)
                 and also without cognates: ll.headlines, how many identical and near cognates are
                 among the words, and english_ahead
pairs.csv        every pair of English, Chinese, German, French and Russian: ll.headlines
experiments.csv  the paper's three experiments to Chinese: ll.headlines and english_ahead, all
                 layers at which English leads the target in a 95 % band that holds at all layers at
                 once
retrieval.csv    for two sources, all usable concepts: what ll.Retrieval.to_frame says by layer and
                 language; then en_minus, retrieval in English minus that in this language, with a
                 band from minus_lower to minus_upper that holds at all layers at once; they are
                 empty for English itself and for the source
precision.csv    what bfloat16 changes, one row per run of pairs.csv and experiments.csv:
                 largest_change, the largest change of a mean P(language) at any layer;
                 half_width, half of its 95 % interval there;
                 largest_ratio, the largest ratio of the two among layers above 0.1 %;
                 same_token, the share of prompts with the same most probable token at the last
                 layer
"""

from __future__ import annotations

from itertools import permutations

import pandas as pd
from tqdm import tqdm

import latentlang as ll
from latentlang.analysis.phases import handover

from .scripts import ROOT

EVERY = 4
FOLDER = ROOT / "data" / "results"
FIVE = ("en", "zh", "de", "fr", "ru")
PAIRS = {
    f"translation {source} → {target}": {"task": "translation", "source": source, "target": target}
    for source, target in permutations(FIVE, 2)
}
POOL = ["de", "fr", "ru"]
EXPERIMENTS = {
    "translation de+fr+ru → zh": {"task": "translation", "source": POOL, "target": "zh"},
    "repetition zh": {"task": "repetition", "target": "zh"},
    "cloze zh": {"task": "cloze", "target": "zh"},
}
# Retrieval asks about all concepts, and leaves out those whose words are alike in two languages.
RETRIEVED = {pair: ["en", "zh", "fr", "es", "ja", "ko"] for pair in (("de", "zh"), ("ru", "zh"))}
HEADLINES = (("fr", "zh"), ("de", "zh"), ("ru", "zh"), ("fr", "de"))


def headlines(model) -> pd.DataFrame:
    """Measure four pairs, each with three choices of words."""
    runs = {}
    for source, target in HEADLINES:
        what = {"task": "translation", "source": source, "target": target}
        default = _run(model, what)
        pair = f"{source} → {target}"
        runs[pair, "as published"] = _run(model, what | {"overlap": "paper"})
        runs[pair, "no shared tokens"] = default
        runs[pair, "no cognates"] = default.without_cognates()
    grades = [run.prompts["cognate"].value_counts() for run in runs.values()]
    table = ll.headlines(runs).assign(
        identical=[grade.get("identical", 0) for grade in grades],
        near=[grade.get("near", 0) for grade in grades],
        english_ahead=[_ahead(run) for run in runs.values()],
    )
    table.index = pd.MultiIndex.from_tuples(table.index, names=["pair", "words"])
    return table.reset_index()


def _ahead(run: ll.Run) -> str:
    """Return the layers at which the pivot leads the target, all looks allowed for."""
    if run.pivot == run.target:
        return ""
    band = ll.metrics.paired_difference(run, run.pivot, run.target)
    return " ".join(map(str, band.index[band["leads"] == "first"]))


def targets(model) -> pd.DataFrame:
    """Measure every language but English as a target."""
    rows = []
    for target in tqdm(ll.languages().index.drop("en"), unit="language", leave=False):
        source = "de" if target == "fr" else "fr"
        run = ll.run_experiment(model, "translation", source, target, every=EVERY, progress=False)
        runs = {"all": run, "without cognates": run.without_cognates()}
        every_prompt, without = ll.headlines(runs).to_dict("records")
        rows.append(
            {
                "target": target,
                "source": source,
                "n": every_prompt["n"],
                "right": every_prompt["right"],
                "n_no_cognates": without["n"],
                "english_peak": without["pivot_peak"],
                "lower": without["lower"],
                "upper": without["upper"],
                "english_layer": without["at_layer"],
                "median": without["median"],
                "above_10": without["above_10"],
                "handover": handover(runs["without cognates"]),
            }
        )
    return pd.DataFrame(rows).astype({"handover": "Int64"})


def retrieval(model) -> pd.DataFrame:
    """Measure in which languages each layer tells the concept, for two sources."""
    tables = {}
    for (source, target), others in tqdm(RETRIEVED.items(), unit="pair", leave=False):
        languages = [source, *others]
        found = ll.run_retrieval(model, "translation", source, target, languages, progress=False)
        band = pd.concat({code: found.difference("en", code) for code in others if code != "en"})
        band.index.names = ["language", "layer"]
        names = {"difference": "en_minus", "lower": "minus_lower", "upper": "minus_upper"}
        table = found.to_frame().join(band.rename(columns=names), on=["language", "layer"])
        tables[f"{source} → {target}"] = table
    return pd.concat(tables, names=["pair"]).reset_index("pair").reset_index(drop=True)


def precision(exact, model, asked: dict[str, dict]) -> pd.DataFrame:
    """Compare the mean curves of two number formats with the width of their intervals."""
    rows = []
    for name, what in tqdm(asked.items(), unit="run", leave=False):
        a, b = _run(exact, what), _run(model, what)
        curves = _probabilities(a)
        curves["change"] = (_probabilities(b)["mean"] - curves["mean"]).abs()
        curves["half_width"] = (curves["upper"] - curves["lower"]) / 2
        worst = curves.loc[curves["change"].idxmax()]
        visible = curves[curves["mean"] > 0.001]
        same = (a.top_ids[:, -1, 0] == b.top_ids[:, -1, 0]).float().mean().item()
        rows.append(
            {
                "experiment": name,
                "n": len(a),
                "largest_change": worst["change"],
                "half_width": worst["half_width"],
                "largest_ratio": (visible["change"] / visible["half_width"]).max(),
                "same_token": same,
            }
        )
    return pd.DataFrame(rows)


def _probabilities(run: ll.Run) -> pd.DataFrame:
    """Return the rows of P(language) in the summary of a run."""
    return ll.summarize(run).query("quantity == 'probability'").reset_index(drop=True)


def _run(model, what: dict) -> ll.Run:
    return ll.run_experiment(model, **what, every=EVERY, progress=False)


def main() -> None:
    """Measure, print and write every table."""
    FOLDER.mkdir(exist_ok=True)
    exact = ll.load_model("gemma-3-270m", dtype="float32")
    tables = {}
    for file, questions in {"pairs": PAIRS, "experiments": EXPERIMENTS}.items():
        runs = {name: _run(exact, what) for name, what in questions.items()}
        tables[file] = ll.headlines(runs).reset_index()
    tables["experiments"]["english_ahead"] = [_ahead(_run(exact, q)) for q in EXPERIMENTS.values()]
    tables["headlines"] = headlines(exact)
    tables["targets"] = targets(exact)
    tables["retrieval"] = retrieval(exact)
    reduced = ll.load_model("gemma-3-270m", dtype="bfloat16")
    tables["precision"] = precision(exact, reduced, PAIRS | EXPERIMENTS)
    for name, table in tables.items():
        table = table.round(4 if name == "precision" else 3)
        table.to_csv(FOLDER / f"{name}.csv", index=False)
        print(f"\n{name}.csv\n{table.to_string(index=False)}", flush=True)


if __name__ == "__main__":
    main()
