"""The atlas: depths of a planted patch, a row from stored answers, published rows apart."""

from __future__ import annotations

import importlib
import math
from io import StringIO

import pandas as pd
import planted
import pytest

import latentlang as ll
from latentlang.__main__ import main
from latentlang.errors import DataError
from latentlang.models.stored import stored_model
from latentlang.verdict.atlas import COLUMNS, MODELS, PAIR, atlas, measure, patch_depths
from tools import ROOT, atlas_page

load_module = importlib.import_module("latentlang.models.load")


def test_depths_are_those_that_were_planted():
    language, concept = patch_depths(planted.planted_sweep("language first", spread=0.0))
    assert (language, concept) == (8 / 18, 13 / 18)
    assert all(map(math.isnan, patch_depths(planted.planted_sweep("nothing"))))
    with pytest.raises(DataError, match="what ll.run_sweep"):
        patch_depths(planted.planted_sweep("erased"))


@pytest.fixture(scope="module")
def row() -> pd.Series:
    """The row of the larger model, from its stored answers; no weights are read."""
    qwen = stored_model("qwen2.5-coder-1.5b-instruct")
    return measure(qwen, "de", "zh", every=4, progress=False).iloc[0]


def test_a_row_is_what_the_stored_answers_say(row):
    qwen = stored_model("qwen2.5-coder-1.5b-instruct")
    ask = {"every": 4, "progress": False}
    run = ll.run_experiment(qwen, "translation", "de", "zh", **ask).without_cognates()
    means = run.to_frame().query("quantity == 'probability' and language == 'en'")
    means = means.groupby("layer")["value"].mean()
    assert row["pivot_peak"] == pytest.approx(means.max(), abs=1e-6)
    assert row["pivot_depth"] == means.idxmax() / 28 and row["n"] == len(run)
    sweep = ll.run_sweep(qwen, "patch", ("fr", "en"), ("de", "zh"), **ask).to_frame()
    sweep = sweep.query("quantity == 'probability'")
    table = sweep.pivot_table(index="layer", columns="language", values="value")
    a, b = (table[f"{name} in en"] + table[f"{name} in zh"] for name in "AB")
    assert row["concept_depth"] == (a <= b)[::-1].idxmax() / 28 + 1 / 28
    assert row["kind"] == "measured" and row["not_measured"] > 0
    assert math.isnan(row["retrieval_lead"])  # it needs the weights


def test_published_rows_have_a_source_and_a_grade():
    table = atlas([])
    assert list(table.columns) == list(COLUMNS) and set(table["kind"]) == {"published"}
    assert table["source"].notna().all() and table["n"].isna().all()
    assert set(table["grade"]) == {"code read", "abstract read", "reading notes"}
    curves = ll.data.published("llama-2-7b").probability["en"]
    first = table.set_index("model").loc["Llama-2 7B"]
    assert first["pivot_peak"] == pytest.approx(curves.max().item(), abs=0.005)
    assert first["pivot_depth"] == pytest.approx((curves.argmax().item() + 1) / 32, abs=0.005)


def test_the_atlas_that_ships_is_measured_and_published():
    table = ll.data.results("atlas")
    assert list(table.columns) == list(COLUMNS)
    assert set(table["kind"]) == {"measured", "published"}


def test_a_row_has_the_peaks_through_other_lenses():
    gemma, ask = stored_model("gemma-3-270m"), {"every": 4, "progress": False}
    row = measure(gemma, *PAIR, **ask).iloc[0]
    for column, lens in {"pivot": None, "linear": "linear", "patchscope": "patchscope"}.items():
        run = ll.run_experiment(gemma, "translation", *PAIR, lens=lens, **ask).without_cognates()
        highest = run.probability["en"].mean(0).max().item()
        assert row[f"{column}_peak"] == pytest.approx(highest, abs=1e-6), column
    # Nothing is stored of this pair but the logit lens: what is not known is empty.
    lacking = measure(gemma, "ru", "de", **ask).iloc[0]
    assert lacking[["linear_peak", "patchscope_peak", "retrieval_lead"]].isna().all()
    assert lacking["pivot_peak"] > 0 and lacking["language_depth"] == row["language_depth"]


def test_every_line_of_a_figure_has_the_name_of_its_model():
    """Plotly leaves out every other name where the lines are close, if it may choose."""
    table = ll.data.results("atlas")
    marks = ["language_depth", "concept_depth", "pivot_depth"]
    names = list(dict.fromkeys(table.dropna(subset=marks, how="all")["model"]))
    axis = ll.plots.atlas(table).layout.yaxis
    assert list(axis.tickvals) == list(axis.ticktext) == names
    assert list(axis.categoryarray) == names[::-1]


def test_the_page_shows_all_of_each_text_and_nothing_for_an_empty_cell():
    long = "a finding of which the page of the site shows every word, up to the very last one"
    shown = atlas_page.html(atlas([]).assign(finding=long))
    assert long in shown and "NA" not in shown and "nan" not in shown


def test_a_figure_shows_each_known_depth_once(row):
    table = atlas([pd.DataFrame([row])])
    figure = ll.plots.atlas(table)
    marks = {(trace.name, name): x for trace in figure.data for name, x in zip(trace.y, trace.x)}
    known = table[["language_depth", "concept_depth", "pivot_depth"]].notna().sum().sum()
    assert len(marks) == known
    assert marks["English peaks, published", "Llama-2 7B"] == 0.72
    assert marks["English peaks, measured", row["model"]] == row["pivot_depth"]
    peaks = table["pivot_depth"].dropna().astype(float)
    assert f"{peaks.min():.0%}".replace("%", " %") in figure.layout.title.text
    with pytest.raises(DataError, match="no column"):
        ll.plots.atlas(table.drop(columns="concept_depth"))
    with pytest.raises(DataError, match="known depth"):
        ll.plots.atlas(table[table["pivot_depth"].isna()])


def test_the_command_prints_the_atlas_that_ships(capsys):
    """Without names it reads stored answers, so that it says the same on every machine."""
    assert main(["atlas"]) == 0
    said = capsys.readouterr().out
    assert said == (ROOT / "data" / "results" / "atlas.csv").read_text(encoding="utf-8")
    table = pd.read_csv(StringIO(said)).query("kind == 'measured'")
    assert list(table["model"]) == list(MODELS) and set(table["pair"]) == {" → ".join(PAIR)}


def test_the_command_measures_the_models_that_are_named(monkeypatch, capsys):
    """A model by name is loaded with its weights, if they are here."""
    asked = []

    def load(name, **choices):
        asked.append((name, choices))
        return stored_model(name)

    monkeypatch.setattr(load_module, "load_model", load)
    assert main(["atlas", MODELS[0], "--pair", "fr-de"]) == 0
    table = pd.read_csv(StringIO(capsys.readouterr().out)).query("kind == 'measured'")
    assert asked == [(MODELS[0], {})] and list(table["pair"]) == ["fr → de"]


def test_the_command_says_what_is_wrong(capsys):
    assert main(["atlas", "no-such-model-at-all", "--pair", "de"]) == 1
    assert "is not a pair" in capsys.readouterr().err
    assert main(["atlas", "--pair", "frzh"]) == 1
    assert capsys.readouterr().err == "'frzh' is not a pair: write source-target, such as fr-zh.\n"
