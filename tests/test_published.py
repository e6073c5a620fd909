"""The published curves are the numbers of their file, and every use of curves takes them."""

from __future__ import annotations

import csv
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.lens.curves import MeanCurves

FOLDER = Path(__file__).resolve().parents[1] / "data" / "published"
README = FOLDER.parent / "README.md"
LAYERS = {"llama-2-7b": 32, "llama-2-13b": 40, "llama-2-70b": 80}
COLUMNS = {
    ("entropy", ""): "entropy_bits",
    ("energy", ""): "token_energy",
    ("probability", "en"): "p_english",
    ("probability", "zh"): "p_chinese",
}
# Figures of curves, and what each one draws.
FIGURES = {
    "language_probability": (ll.plots.language_probability, [*COLUMNS][:1] + [*COLUMNS][2:]),
    "phases": (ll.plots.phases, [*COLUMNS]),
    "energy": (ll.plots.energy, [("energy", "")]),
    "reading": (lambda curves: ll.plots.reading(curves, "entropy"), [("entropy", "")]),
    "pair_grid": (lambda curves: ll.plots.pair_grid({("de", "zh"): curves}), [*COLUMNS][2:]),
}


def column(model: str, name: str) -> list[float]:
    """Return a column of the file, read without the library."""
    with (FOLDER / "llama2_to_chinese.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == model]
    assert [int(row["layer"]) for row in rows] == list(range(1, LAYERS[model] + 1))
    return [float(row[name]) for row in rows]


@pytest.fixture(scope="module", params=LAYERS)
def curves(request) -> MeanCurves:
    return ll.data.published(request.param)


def test_curves_and_their_summary_are_the_numbers_of_the_file(curves):
    table = ll.summarize(curves).set_index(["quantity", "language"])
    for (quantity, code), name in COLUMNS.items():
        values = getattr(curves, quantity)
        values = values[code] if isinstance(values, Mapping) else values
        rows = table[table.index == (quantity, code)]
        assert values.tolist() == rows["mean"].tolist() == column(curves.model, name)
        assert rows["layer"].tolist() == list(curves.layers)
    known = column(curves.model, "p_chinese"), column(curves.model, "p_english")
    difference = table.loc[[("difference", "zh")], "mean"].tolist()
    assert difference == pytest.approx([zh - en for zh, en in zip(*known)])
    assert set(table.index) == {*COLUMNS, ("difference", "zh")}


def test_a_summary_has_the_columns_of_a_run_and_nothing_where_prompts_are_needed(curves, tiny):
    run = ll.run_experiment(tiny("llama"), "translation", "fr", "zh", every=60, progress=False)
    table = ll.summarize(curves)
    assert list(table.columns) == list(ll.summarize(run).columns)
    assert table[["lower", "upper", "median", "above_10"]].isna().all(axis=None)
    assert set(table["n"]) == {353} and len(curves) == curves.n == 353


@pytest.mark.parametrize(
    ("model", "concept", "target", "peak", "at_layer"),
    [
        ("llama-2-7b", 17, 31, 0.68, 23),
        ("llama-2-13b", 18, 39, 0.68, 28),
        ("llama-2-70b", 42, 76, 0.75, 53),
    ],
)
def test_phases_and_headlines_by_a_plain_reading_of_the_file(
    model, concept, target, peak, at_layer
):
    english, chinese = column(model, "p_english"), column(model, "p_chinese")
    layers = range(1, LAYERS[model] + 1)
    leads = [layer for layer in layers if 0.05 < english[layer - 1] > chinese[layer - 1]]
    behind = [layer for layer in layers if chinese[layer - 1] <= english[layer - 1]]
    assert (leads[0], behind[-1] + 1, chinese[-1] > 0.05) == (concept, target, True)

    phases = ll.find_phases(ll.data.published(model))
    assert (phases.concept_start, phases.target_start) == (concept, target)
    assert phases.copy is None, "the source is not published"
    assert phases.concept_interval is phases.target_interval is phases.concept_share is None

    row = ll.headlines({model: ll.data.published(model)}).loc[model]
    assert row["pivot_peak"] == max(english) == pytest.approx(peak, abs=0.005)
    assert row["at_layer"] == english.index(max(english)) + 1 == at_layer
    assert (row["concept_start"], row["target_start"]) == (concept, target)


def test_curves_are_cut_between_layers(curves):
    part = curves.between(2, 4)
    assert part.layers == (2, 3, 4) and len(part) == len(curves)
    for (quantity, code), name in COLUMNS.items():
        values = getattr(part, quantity)
        values = values[code] if isinstance(values, Mapping) else values
        assert values.tolist() == column(curves.model, name)[1:4]
    with pytest.raises(DataError, match="There is no layer from 90 to 95"):
        curves.between(90, 95)


def test_headlines_are_those_of_the_stored_table_and_empty_where_prompts_are_needed():
    table = ll.headlines({model: ll.data.published(model) for model in LAYERS})
    empty = ["lower", "upper", "median", "above_10", "pivot_leads", "right"]
    assert table[empty].isna().all(axis=None) and table.drop(columns=empty).notna().all(axis=None)
    stored = ll.data.results("paper").iloc[: len(LAYERS)]
    assert stored["model"].str.contains("7B|13B|70B").all()
    shared = table.columns.intersection(stored.columns)
    assert len(shared) == 7
    for name in shared:
        assert table[name].astype(float).round(2).tolist() == stored[name].tolist(), name


def test_headlines_put_published_curves_beside_a_run(tiny):
    run = ll.run_experiment(tiny("llama"), "translation", "fr", "zh", every=60, progress=False)
    alone = ll.headlines({"here": run}).loc["here"]
    both = ll.headlines({"here": run, "paper": ll.data.published("llama-2-7b")})
    assert both.loc["here"].drop("right").equals(alone.drop("right"))
    assert both.loc["here", "right"] == alone["right"]
    assert both["n"].tolist() == [len(run), 353]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_draws_the_numbers_without_a_band_and_says_whose_they_are(name, curves):
    draw, drawn = FIGURES[name]
    figure = draw(curves)
    assert all(trace.fill is None for trace in figure.data)
    yardsticks = ("the tokens themselves", "all tokens alike")
    shown = [list(t.y) for t in figure.data if t.name not in yardsticks]
    assert shown == [column(curves.model, COLUMNS[key]) for key in drawn]
    alike = [t.y[0] for t in figure.data if t.name == "all tokens alike"]
    strips = name in ("language_probability", "phases")
    assert alike == [pytest.approx(math.log2(32_000))] * strips
    title = figure.layout.title.text
    assert "published, Wendler et al. 2024" in title and curves.model in title
    assert "interval" not in title and "concepts" not in title and "mean" in title
    panels = " ".join(note.text for note in figure.layout.annotations)
    assert "n = 353" in title + panels


@pytest.mark.parametrize("ci", ["gaussian", "bootstrap"])
def test_the_phases_that_are_shaded_are_those_of_the_file(ci):
    figure = ll.plots.phases(ll.data.published("llama-2-70b"), ci=ci)
    assert figure.layout.title.text.startswith(
        "English takes the lead at layer 42, Chinese at 76<br>"
    )
    edges = {(shape.x0, shape.x1) for shape in figure.layout.shapes}
    assert edges == {(0.5, 41.5), (41.5, 75.5), (75.5, 80.5)}


@pytest.mark.parametrize(
    "work",
    {
        "paired difference": lambda curves, model: ll.metrics.paired_difference(curves, "en", "zh"),
        "difference": lambda curves, model: ll.plots.difference(curves),
        "shares": lambda curves, model: ll.plots.language_probability(
            curves, scale="share of the followed languages"
        ),
        "sphere": lambda curves, model: ll.sphere_path(model, curves),
        "map": lambda curves, model: ll.plots.latent_map(None, curves, model.tokenizer),
        "heatmap": lambda curves, model: ll.plots.heatmap(curves, model.tokenizer),
        "one concept": lambda curves, model: curves["eagle"],
        "one prompt": lambda curves, model: curves[0],
        "each prompt": lambda curves, model: list(curves),
        "other than cognates": lambda curves, model: curves.without_cognates(),
    }.items(),
    ids=lambda work: work[0],
)
def test_what_needs_prompts_says_so_in_one_sentence(work, tiny):
    with pytest.raises(DataError, match="Only the means of these curves are published") as caught:
        work[1](ll.data.published("llama-2-7b"), tiny("llama"))
    assert re.fullmatch(r"[^\n]+\.", str(caught.value))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("llama-2-7B", "Did you mean 'llama-2-7b'?"),
        ("gpt", "llama-2-7b, llama-2-13b, llama-2-70b"),
        (["llama-2-7b"], "llama-2-7b, llama-2-13b, llama-2-70b"),
    ],
)
def test_an_unknown_name_lists_the_names(name, says):
    with pytest.raises(DataError, match="No curves are published for") as caught:
        ll.data.published(name)
    assert says in str(caught.value)


def test_a_curve_of_another_length_is_refused(curves):
    with pytest.raises(DataError, match="entropy"):
        replace(curves, readings={**curves.readings, "entropy": torch.zeros(3)})


def test_every_table_has_its_source_beside_it_and_its_words_in_the_readme():
    tables = sorted(FOLDER.glob("*.csv"))
    assert sorted(FOLDER.iterdir()) == sorted([*tables, *(t.with_suffix(".toml") for t in tables)])
    text = README.read_text("utf-8")
    for path in tables:
        about = tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
        assert about["origin"].startswith("https://") and about["paper"].startswith("https://")
        assert re.search(r" \d{4}$", about["reference"])
        assert f"`{path.name}`" in text
        for model, rows in pd.read_csv(path).groupby("model"):
            assert rows["layer"].tolist() == list(range(1, LAYERS[model] + 1))
            assert rows.drop(columns="model").gt(0).all(axis=None)
            assert rows[["p_english", "p_chinese"]].sum(axis=1).lt(1).all()
