"""A verdict is right about planted models, and its rule and its numbers are those of other ways."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import planted
import pytest
import torch
from planted_hypotheses import KINDS, MIXTURES, Draw, planted_hypothesis

import latentlang as ll
from latentlang.errors import DataError
from latentlang.models.stored import stored_model
from latentlang.runs.pivot_experiment import asked_pivot
from latentlang.verdict.experiments import arguments_of
from latentlang.verdict.hypotheses import HYPOTHESES, PREDICTIONS
from latentlang.verdict.measures import MEASURES, at_peak
from latentlang.verdict.quantities import QUANTITIES
from latentlang.verdict.rule import EXPECTATIONS, Measured, judge
from tools import answers
from tools.requested import Request

PAIR = ("de", "zh")
FEW = {"every": 12, "progress": False}  # of these concepts no text of the linear lens speaks


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Keep the results of these tests in a cache of their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("verdicts")))
        patched.delenv("LATENTLANG_CACHE", raising=False)
        yield


def verdict_of(folder, kind: str, seed: int) -> ll.Verdict:
    model = planted_hypothesis(folder, kind, Draw.of(seed), seed=seed)
    return ll.verdict(model, *PAIR, **FEW)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_planted_hypothesis_is_unopposed(kind, tmp_path):
    found = verdict_of(tmp_path, kind, seed=200)
    table = found.table()
    assert found.unopposed == (kind,)
    assert set(table["reason"]) == {""} and (table["n"] > 4).all()
    assert found.counts().sum(axis=1).sum() == len(PREDICTIONS) == len(table)


@pytest.mark.more
@pytest.mark.parametrize("kind", KINDS)
def test_the_planted_hypothesis_is_found_in_other_draws(kind, tmp_path):
    wrong = {}
    for seed in (201, 202):
        found = verdict_of(tmp_path / str(seed), kind, seed)
        if found.unopposed != (kind,):
            wrong[seed] = found.unopposed
    assert not wrong


@pytest.mark.more
@pytest.mark.parametrize("mixture", MIXTURES)
def test_a_mixture_is_not_taken_for_one_of_its_parts(mixture, tmp_path):
    assert len(verdict_of(tmp_path, mixture, seed=201).unopposed) != 1


@pytest.mark.parametrize(
    ("bounds", "above", "below", "not_above", "may_be"),
    [
        ((0.1, 0.3), "for", "against", "against", "for"),
        ((-0.3, -0.1), "against", "for", "for", "undecided"),
        ((-0.002, 0.004), "against", "against", "for", "undecided"),
        ((0.002, 0.004), "against", "against", "for", "undecided"),  # too small to count
        ((-0.02, 0.3), "undecided", "undecided", "undecided", "undecided"),
        ((0.005, 0.05), "for", "against", "against", "for"),
        ((math.nan, math.nan), "undecided", "undecided", "undecided", "undecided"),
    ],
)
def test_the_rule_by_hand(bounds, above, below, not_above, may_be):
    measured = Measured(sum(bounds) / 2, *bounds, n=20)
    wanted = {"above": above, "below": below, "not above": not_above, "may be above": may_be}
    assert wanted.keys() == EXPECTATIONS.keys()
    assert {expects: judge(expects, measured, 0.01) for expects in wanted} == wanted


def test_tables_name_each_other():
    assert {each.quantity for each in PREDICTIONS} == set(QUANTITIES) == set(MEASURES)
    assert {each.hypothesis for each in PREDICTIONS} == set(HYPOTHESES)
    rows = [(each.hypothesis, each.quantity) for each in PREDICTIONS]
    assert len(set(rows)) == len(rows)
    experiments = {each.experiment for each in QUANTITIES.values()}
    for hypothesis in ("pivot", "artefact"):
        asked = {QUANTITIES[name].experiment for of, name in rows if of == hypothesis}
        assert asked >= experiments - {"patching"}


def test_any_two_hypotheses_disagree_about_something():
    expected = {name: {} for name in HYPOTHESES}
    for each in PREDICTIONS:
        expected[each.hypothesis][each.quantity] = each.expects
    apart = {("above", "not above"), ("above", "below")}
    for one in HYPOTHESES:
        for other in HYPOTHESES:
            shared = expected[one].keys() & expected[other].keys()
            pairs = {(expected[one][name], expected[other][name]) for name in shared}
            opposed = pairs & (apart | {pair[::-1] for pair in apart})
            assert bool(opposed) == (one != other)


def test_no_prompt_has_a_part_in_the_choice_of_its_layer():
    """Change the values of one concept: its own layer stays, whatever they are."""
    generator = torch.Generator().manual_seed(0)
    curve = torch.rand(6, 5, generator=generator)
    numbers = torch.arange(1.0, 6.0).expand(6, 5)
    concepts = list("abcabc")
    layers, _ = at_peak(curve, numbers, [1, 2, 3, 4, 5], concepts)
    for row in range(3):
        for place in range(4):
            changed = curve.clone()
            changed[[row, row + 3], place] += 100
            moved, _ = at_peak(changed, numbers, [1, 2, 3, 4, 5], concepts)
            assert moved[row] == layers[row] and moved[row + 3] == layers[row + 3]
    assert layers.max() < 5
    with pytest.raises(DataError, match="take a smaller every"):
        at_peak(curve[:1], numbers[:1], [1, 2, 3, 4, 5], ["a"])


@pytest.fixture(scope="module")
def qwen():
    """The larger model's stored answers; no weights are read."""
    return stored_model("qwen2.5-coder-1.5b-instruct")


def test_numbers_are_those_of_the_experiments(qwen):
    """Against pandas: the same means, from the public results alone."""
    table = ll.verdict(qwen, "fr", "de", **FEW | {"every": 4}).table()
    measured = table.drop_duplicates("compares").set_index("compares")["measured"]
    test = ll.pivot_test(qwen, "fr", "de", **FEW | {"every": 4})
    left = {name: np.clip(each.numpy(), 1e-6, 1 - 1e-6) for name, each in test.erased.items()}
    odds = {name: np.log(each.astype(float) / (1 - each)).mean() for name, each in left.items()}
    rough = ["another en word", "random", "random, same length"]
    gap = min(odds[name] for name in [*rough, "fr word", "es word", "ru word", "ja word"])
    assert measured.filter(like="any control").item() == pytest.approx(gap - odds["en word"])
    gap = min(odds[name] for name in rough) - odds["en word orthogonal"]
    assert measured.filter(like="right angles").item() == pytest.approx(gap)
    gap = odds["en word"] - odds["fr word"]
    assert measured.filter(like="the French word is erased").item() == pytest.approx(gap)
    run = ll.run_experiment(qwen, "translation", "fr", "de", **FEW | {"every": 4})
    frame = run.without_cognates().to_frame().query("quantity == 'probability'")
    means = frame.pivot_table(index="layer", columns="language", values="value")
    at = table.loc[0, "layers"].removeprefix("layer ")
    gap = means.loc[int(at), "en"] - means.loc[int(at), "de"]
    assert table.loc[0, "measured"] == pytest.approx(gap, abs=1e-6)


def test_a_change_as_rough_as_random_ones_decides_nothing():
    """What another word takes as well speaks against; what any change takes leaves it open."""

    def of(**left):
        test = planted.planted_pivot_test("pivot")
        erased = test.erased | {name: 0 * test.baseline + value for name, value in left.items()}
        made = SimpleNamespace(
            erasing=replace(test, erased=erased),
            languages={"source": ["de"], "others": ["ja"]},
        )
        return [
            judge("above", MEASURES[name](made), QUANTITIES[name].least)
            for name in ("pivot erased beyond controls", "pivot's own part erased")
        ]

    assert of() == ["for", "for"]
    assert of(**{"random, same length": 0.01}) == ["undecided", "undecided"]
    assert of(**{"another en word": 0.01}) == ["against", "against"]
    assert of(**{"ja word": 0.01}) == ["against", "for"]
    assert of(**{"en word orthogonal": 0.4}) == ["for", "against"]


def test_what_a_stored_model_lacks_is_a_row_with_the_reason(qwen):
    found = ll.verdict(qwen, "ru", "zh", **FEW)
    table = found.table().set_index("experiment")
    lacking = table.loc[["retrieval", "lenses", "patching", "erasing"]]
    assert set(lacking["verdict"]) == {"not measured"} and lacking["measured"].isna().all()
    assert (lacking["n"] == 0).all() and lacking["reason"].str.len().min() > 20
    assert lacking.loc["erasing", "reason"].str.contains("pivot test ru → zh").all()
    assert set(table.loc[["readings"], "verdict"]) <= {"for", "against", "undecided"}
    lines = repr(found).splitlines()
    assert len(lines) == 1 + len(HYPOTHESES) + len(PREDICTIONS)
    assert max(map(len, lines)) < 200
    assert isinstance(found.counts(), pd.DataFrame)


PARTS = {
    "RUNS": ("readings", "lenses"),
    "SWEEPS": ("patching",),
    "RETRIEVALS": ("retrieval",),
    "PIVOT_TESTS": ("erasing",),
}


def test_a_verdict_is_stored_by_the_command_and_is_the_live_one(tmp_path, monkeypatch):
    """Runs and sweeps are rounded to half precision; nothing is missing, and no verdict changes."""
    model = planted_hypothesis(tmp_path / "model", "pivot", Draw.of(200), seed=200)
    live = ll.verdict(model, *PAIR, **FEW).table()
    arguments = arguments_of(asked_pivot(*PAIR, every=FEW["every"]))
    assert arguments.keys() == {part for parts in PARTS.values() for part in parts}
    for listed, parts in PARTS.items():
        asked = [Request("notebook_10", arguments[part], model.name) for part in parts]
        monkeypatch.setattr(answers, listed, tuple(asked))
    monkeypatch.setattr(answers, "ROOT", tmp_path)
    answers.main(model.name)
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path / "data" / "results"))
    stored = ll.verdict(ll.load_model(model.name, stored=True), *PAIR, **FEW).table()
    assert set(stored["reason"]) == {""}
    assert list(stored["verdict"]) == list(live["verdict"])
    assert list(stored["n"]) == list(live["n"])
    for column in ("measured", "lower", "upper"):
        assert (stored[column] - live[column]).abs().max() < 2e-3


@pytest.mark.parametrize(
    ("pair", "choices", "sentence"),
    [
        (("en", "zh"), {}, "two different languages other than 'en'"),
        (("zh", "zh"), {}, "two different languages"),
        (("de", "xx"), {}, "Unknown language 'xx'"),
        (PAIR, {"every": 0}, "every is a whole number"),
    ],
)
def test_a_mistake_is_one_sentence(qwen, pair, choices, sentence):
    with pytest.raises(DataError, match=sentence):
        ll.verdict(qwen, *pair, **FEW | choices)


def test_something_that_is_no_model_is_refused():
    with pytest.raises(ll.errors.LatentLangError):
        ll.verdict(planted.planted(planted.RUNS["pivot"]), *PAIR)
