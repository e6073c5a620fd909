"""The paired difference and its band: against numpy, by hand, and by its rate of false alarms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import latentlang as ll
from latentlang.analysis.intervals import simultaneous_ci
from latentlang.errors import DataError
from latentlang.metrics import paired_difference
from latentlang.prompts.setting import Setting


def planted(concepts: list[str], sources: list[str], **curves: torch.Tensor) -> ll.Run:
    """Return a run of these prompts with the given P(language), each ``[n, layers]``."""
    n, layers = next(iter(curves.values())).shape
    prompts = pd.DataFrame({"concept": concepts, "source": sources, "target": "zh"})
    prompts = prompts.assign(task="translation", text=[f"text {i}" for i in range(n)])
    return ll.Run(
        model="planted",
        setting=Setting("translation", tuple(dict.fromkeys(sources)), "zh", "en"),
        layers=tuple(range(1, layers + 1)),
        prompts=prompts,
        readings={
            "probability": curves,
            "rank": {code: torch.ones(n, layers, dtype=torch.int32) for code in curves},
            "entropy": torch.ones(n, layers),
        },
        top_ids=torch.zeros(n, layers, 1, dtype=torch.int32),
        top_probs=torch.ones(n, layers, 1),
    )


def pool(n_concepts: int = 20, layers: int = 4, seed: int = 0) -> ll.Run:
    """Return three prompts per concept, from three sources, with correlated layers."""
    torch.manual_seed(seed)
    concepts = [f"c{i}" for i in range(n_concepts) for _ in range(3)]
    shape = (3 * n_concepts, layers)
    shared = 0.1 * torch.rand(n_concepts, 1).repeat_interleave(3, 0)
    english, chinese = shared + 0.2 * torch.rand(shape), 2 * shared + 0.2 * torch.rand(shape)
    english = english + torch.linspace(0, 0.1, layers)  # behind at first, ahead at the end
    return planted(concepts, ["fr", "de", "ru"] * n_concepts, en=english, zh=chinese)


def test_the_band_equals_a_plain_bootstrap_of_the_largest_ratio():
    """In numpy, concept by concept, with draws of its own."""
    run = pool()
    table = paired_difference(run, "en", "zh")
    d = (run.probability["en"] - run.probability["zh"]).double().numpy()
    concepts = np.array(run.prompts["concept"])
    parts = [d[concepts == concept] for concept in dict.fromkeys(concepts)]
    g, n, mean = len(parts), len(d), d.mean(0)
    error = np.sqrt(g / (g - 1) * sum(((p - mean).sum(0)) ** 2 for p in parts)) / n
    draw, ratios = np.random.default_rng(7), []
    for _ in range(6000):
        rows = np.concatenate([parts[i] for i in draw.integers(g, size=g)])
        t = np.abs(rows.mean(0) - mean) / error * np.sqrt(g / (g - 1))
        ratios.append(t.max() / np.sqrt(draw.chisquare(g - 1) / (g - 1)))
    half = np.quantile(ratios, 0.95) * error
    np.testing.assert_allclose(table["difference"], mean, atol=1e-9)
    np.testing.assert_allclose(table["upper"] - mean, half, rtol=0.03)
    np.testing.assert_allclose(mean - table["lower"], half, rtol=0.03)
    np.testing.assert_allclose(table["first"], run.probability["en"].mean(0), atol=1e-6)
    np.testing.assert_allclose(table["second"], run.probability["zh"].mean(0), atol=1e-6)


@pytest.mark.parametrize("n", [4, 12, 60])
def test_one_layer_has_nearly_the_interval_of_students_t(n):
    """And with four prompts it is far wider than 1.96 s.e."""
    x = torch.tensor(stats.norm.ppf((np.arange(n) + 0.5) / n))[:, None]
    mean, lower, upper = simultaneous_ci(x, clusters=range(n))
    half = stats.t.ppf(0.975, n - 1) * x.std().item() / n**0.5
    assert (upper - mean).item() == pytest.approx((mean - lower).item())
    assert (upper - mean).item() == pytest.approx(half, rel=0.10)


@pytest.mark.parametrize(("n_concepts", "together"), [(8, 0.0), (30, 0.0), (30, 0.8), (30, 1.0)])
def test_a_false_alarm_at_any_layer_is_as_rare_as_it_should_be(n_concepts, together):
    """300 samples without any difference: 12 layers, and three prompts per concept.

    With plain intervals at every layer, more than a fifth of them raise one, unless all layers are
    the same.
    """
    torch.manual_seed(0)
    labels = [i for i in range(n_concepts) for _ in range(3)]
    alarms = alone = 0
    for _ in range(300):
        common = torch.randn(n_concepts, 1) * together**0.5
        own = torch.randn(n_concepts, 12) * (1 - together) ** 0.5
        x = (common + own).repeat_interleave(3, 0)
        x = x + 0.3 * (torch.randn(3 * n_concepts, 12) if together < 1 else 0)
        _, lower, upper = simultaneous_ci(x, clusters=labels)
        _, low, high = ll.metrics.mean_ci(x, clusters=labels)
        alarms += bool(((lower > 0) | (upper < 0)).any())
        alone += bool(((low > 0) | (high < 0)).any())
    assert 0.02 < alarms / 300 < 0.09
    assert together == 1 or alone / 300 > 0.2


@pytest.mark.parametrize("together", [0.3, 0.95])
def test_where_few_words_make_a_mean_their_curve_seems_to_trail(together):
    """The rates that the docstring names, from 200 samples: one word in twenty has 50 %."""
    torch.manual_seed(0)
    n, layers, share = 85, 18, 0.05
    trails = leads = 0
    for _ in range(200):
        common = torch.randn(n, 1) * together**0.5
        place = torch.special.ndtr(common + torch.randn(n, layers) * (1 - together) ** 0.5)
        few = torch.where(place > 1 - share, 0.3 + 0.4 * torch.rand(n, layers), 0.002)
        even = (0.5 * share + 0.002 * (1 - share)) * (0.7 + 0.6 * torch.rand(n, layers))
        _, lower, upper = simultaneous_ci(few - even, clusters=range(n))
        trails += bool((upper < 0).any())
        leads += bool((lower > 0).any())
    assert 0.18 < trails / 200 < 0.55 and leads / 200 < 0.01


def test_the_other_way_round_is_the_mirror_image():
    run = pool()
    there, back = paired_difference(run, "en", "zh"), paired_difference(run, "zh", "en")
    assert there["survives"].any() and not there["survives"].all()
    pd.testing.assert_series_equal(there["survives"], back["survives"])
    mirror = {"first": "second", "second": "first", "": ""}
    assert there["leads"].map(mirror).tolist() == back["leads"].tolist()
    np.testing.assert_allclose(there["lower"], -back["upper"], atol=1e-12)
    np.testing.assert_allclose(there["difference"], -back["difference"], atol=1e-12)


def test_what_survives_has_zero_outside_and_says_who_leads():
    run = planted(
        [f"c{i}" for i in range(30)],
        ["fr"] * 30,
        en=torch.rand(30, 3) * 0.1 + torch.tensor([0.0, 0.5, 0.0]),
        zh=torch.rand(30, 3) * 0.1 + torch.tensor([0.0, 0.0, 0.5]),
    )
    table = paired_difference(run, "en", "zh")
    assert list(table["leads"]) == ["", "first", "second"]
    assert list(table["survives"]) == [False, True, True]
    assert table.index.name == "layer" and list(table.index) == [1, 2, 3]
    assert ll.headlines({"run": run})["pivot_leads"].tolist() == [2]


def test_no_curve_leads_where_neither_can_be_seen():
    """The same words, a hundred times less probable: the band still leaves zero out."""
    seen = pool()
    faint = {code: p / 100 for code, p in seen.probability.items()}
    concepts, sources = list(seen.prompts["concept"]), list(seen.prompts["source"])
    table = paired_difference(planted(concepts, sources, **faint), "en", "zh")
    assert ((table["lower"] > 0) | (table["upper"] < 0)).any()
    assert not table["survives"].any() and set(table["leads"]) == {""}
    assert paired_difference(seen, "en", "zh")["survives"].any()


def test_layers_that_are_fixed_beforehand_have_a_narrower_band():
    run = pool(layers=8)
    width = {}
    for layers in (None, (2, 5), [5], range(5, 6)):
        table = paired_difference(run, "en", "zh", layers=layers)
        width[str(layers)] = (table["upper"] - table["lower"])[5]
    assert width["None"] > width["(2, 5)"] > width["[5]"] == width["range(5, 6)"]
    table = paired_difference(run, "en", "zh", layers=[5, 2, 5])
    assert list(table.index) == [2, 5]
    for same in (table.index, torch.tensor([5, 2])):
        assert paired_difference(run, "en", "zh", layers=same).equals(table)
    assert run.between(*table.index).layers == (2, 3, 4, 5)


def test_two_runs_are_paired_by_concept_and_source():
    """With prompts that have no partner, another order, and one question asked twice."""
    english = torch.arange(8.0)[:, None] / 10 * torch.tensor([1.0, 0.5])
    asked = ["sea", "sea", "sky", "sky", "sun", "sun", "sun", "arm"]
    sources = ["fr", "de", "fr", "de", "fr", "de", "de", "fr"]
    run = planted(asked, sources, en=english, zh=english)
    order = [6, 3, 0, 2, 5]  # of these, the first "sun" from "de" is now the second row 6
    noise = torch.rand(5, 2)
    other = planted(
        [asked[i] for i in order] + ["leg", "arm"],
        [sources[i] for i in order] + ["fr", "ru"],
        de=torch.cat([noise, torch.full((2, 2), 9.0)]),
    )
    table = paired_difference(run, "en", "de", other=other)
    # Partners: sky/de, sea/fr, sky/fr, and both sun/de in the order in which they stand.
    mine = english[[3, 0, 2, 5, 6]]
    its = noise[[1, 2, 3, 0, 4]]
    assert table["n"].tolist() == [5, 5]
    np.testing.assert_allclose(table["difference"], (mine - its).mean(0), atol=1e-6)
    # The three concepts, and not the five prompts, are the clusters.
    labels = ["sky", "sea", "sky", "sun", "sun"]
    _, lower, upper = simultaneous_ci((mine - its).double(), clusters=labels)
    np.testing.assert_allclose(upper - lower, table["upper"] - table["lower"], rtol=0.05)


def test_a_run_and_its_shifted_copy_differ_by_the_shift():
    """The same language in both runs, prompts in another order: no spread is left."""
    run = pool()
    curves = {code: curve - 0.125 for code, curve in run.probability.items()}
    shifted = run.with_readings(probability=curves)[list(reversed(range(len(run))))]
    table = paired_difference(run, "en", other=shifted, layers=[2, 3])
    assert table[["difference", "lower", "upper"]].to_numpy() == pytest.approx(0.125, abs=1e-6)
    assert table["leads"].tolist() == ["first", "first"] and table["n"].tolist() == [60, 60]


def test_a_layer_without_spread_is_certain_and_spoils_no_other():
    run = pool()
    chinese = run.probability["zh"].clone()
    chinese[:, 1], chinese[:, 2] = run.probability["en"][:, 1], 0.25
    english = run.probability["en"].clone()
    english[:, 2] = 0.75
    run = run.with_readings(probability={"en": english, "zh": chinese})
    table = paired_difference(run, "en", "zh")
    assert table.loc[2, ["difference", "lower", "upper"]].tolist() == [0, 0, 0]
    assert table.loc[3, ["difference", "lower", "upper"]].tolist() == [0.5, 0.5, 0.5]
    assert table.loc[[2, 3], "survives"].tolist() == [False, True]
    alone = paired_difference(run, "en", "zh", layers=[1, 4])
    assert table.loc[[1, 4], "lower"].tolist() == alone["lower"].tolist()


def test_one_concept_has_no_band():
    run = pool()["c3"]
    table = paired_difference(run, "en", "zh")
    assert table[["lower", "upper"]].isna().all(axis=None) and table["n"].tolist() == [3] * 4
    assert not table["survives"].any() and set(table["leads"]) == {""}
    assert ll.headlines({"one": run})["pivot_leads"].isna().all()


def test_the_same_texts_are_partners_also_without_concepts():
    bare = pool()
    bare = replace(bare, prompts=bare.prompts.assign(concept=""))
    assert paired_difference(bare, "en", other=bare[::2])["n"].tolist() == [30] * 4


def test_bad_requests_are_one_sentence():
    run = pool()
    nan = run.probability["en"].clone()
    nan[3, 2] = torch.nan
    broken = run.with_readings(probability={"en": nan, "zh": run.probability["zh"]})
    english = replace(run, prompts=run.prompts.assign(source="en"))
    for words, ask in {
        "needs two curves": lambda: paired_difference(run, "en"),
        "two curves: name": lambda: paired_difference(run, "en", "en"),
        "follows no language 'de'": lambda: paired_difference(run, "en", "de"),
        "Did you mean 'zh'": lambda: paired_difference(run, "zhh", "en"),
        "asks for 9": lambda: paired_difference(run, "en", "zh", layers=[9, 1]),
        "asks for no layer": lambda: paired_difference(run, "en", "zh", layers=[]),
        "such as [16], not 3": lambda: paired_difference(run, "en", "zh", layers=3),
        "asks for 1": lambda: paired_difference(run, "en", other=run.between(2, 4)),
        "nothing can be paired": lambda: paired_difference(run, "en", other=english),
        "No prompt is left": lambda: paired_difference(run[:0], "en", "zh"),
        "are not finite": lambda: paired_difference(broken, "en", "zh"),
        "needs a run": lambda: paired_difference(run, "en", other=run.prompts),
    }.items():
        with pytest.raises(DataError) as error:
            ask()
        assert words in str(error.value), (words, error.value)
    assert len(paired_difference(broken, "en", "zh", layers=[1, 2])) == 2
