"""Summaries against pandas, phases of planted curves, and ``Run`` on disk and as a table."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch

import latentlang as ll
from latentlang.analysis.phases import Phases, handover
from latentlang.errors import DataError
from latentlang.prompts.setting import Setting
from tools import measure

SETTING = Setting("translation", ("fr",), "zh", "en", k=4)


def planted(
    pivot: list[float], target: list[float], n: int = 60, noise: float = 0.0, repeats: int = 1
) -> ll.Run:
    """Return readings with the given curves, and noise for each concept (``repeats`` prompts)."""
    torch.manual_seed(0)
    layers = len(pivot)
    shape = (n, layers)
    curves = {}
    for code, curve in (("en", pivot), ("zh", target)):
        concept_noise = noise * torch.randn(n // repeats, layers).repeat_interleave(repeats, 0)
        curves[code] = torch.tensor(curve) + concept_noise
    prompts = pd.DataFrame(
        {
            "concept": [f"c{i // repeats}" for i in range(n)],
            "task": "translation",
            "source": "fr",
            "target": "zh",
        }
    )
    readings = {
        "probability": curves,
        "rank": {code: torch.randint(1, 4, shape, dtype=torch.int32) for code in curves},
        "entropy": 10 * torch.rand(shape),
        "energy": torch.rand(shape),
    }
    return ll.Run(
        model="planted",
        setting=SETTING,
        layers=tuple(range(1, layers + 1)),
        prompts=prompts.assign(text=[f"t{i}" for i in range(n)]),
        readings=readings,
        top_ids=torch.randint(0, 9, (*shape, 2), dtype=torch.int32),
        top_probs=torch.rand(*shape, 2),
    )


PIVOT = [0.0, 0.01, 0.10, 0.50, 0.60, 0.20, 0.10, 0.00]
TARGET = [0.0, 0.00, 0.02, 0.05, 0.10, 0.15, 0.40, 0.90]


@pytest.fixture(scope="module")
def real(tiny):
    """Readings of a random model for 12 prompts of two pairs."""
    one = tiny("llama")
    sets = [
        ll.build_prompts("translation", code, "zh", tokenizer=one.tokenizer)[:6]
        for code in ("fr", "de")
    ]
    return ll.decode(one, sets[0] + sets[1], watch=[3, 4], keep_latents=True, progress=False)


def test_summarize_equals_pandas(real):
    by_hand = real.to_frame()
    top1 = by_hand[by_hand["quantity"] == "rank"].assign(quantity="top1")
    top1["value"] = (top1["value"] == 1).astype(float)
    wide = by_hand[by_hand["quantity"] == "probability"].pivot(
        index=["prompt", "concept", "layer"], columns="language", values="value"
    )
    difference = (
        (wide["zh"] - wide["en"])
        .rename("value")
        .reset_index()
        .assign(quantity="difference", language="zh")
    )
    by_hand = pd.concat([by_hand[by_hand["quantity"] != "rank"], top1, difference])
    key = ["quantity", "language", "layer"]
    by_hand["off"] = by_hand["value"] - by_hand.groupby(key)["value"].transform("mean")
    concepts = by_hand.groupby([*key, "concept"])[
        "off"
    ].sum()  # both pairs ask about the same concepts
    n_concepts = real.prompts["concept"].nunique()
    assert n_concepts < len(real)
    variance = concepts.pow(2).groupby(key).sum() * n_concepts / (n_concepts - 1) / 12**2
    groups = by_hand.groupby(key)["value"]
    expected = pd.DataFrame(
        {
            "mean": groups.mean(),
            "half": 1.96 * variance.pow(0.5),
            "n": groups.size(),
            "median": groups.median(),
        }
    )
    summary = ll.summarize(real, "gaussian").set_index(["quantity", "language", "layer"])
    assert len(summary) == len(expected) == 4 * (2 + 2 + 1 + 1 + 1)
    for key, row in summary.iterrows():
        mean, half, n, median = expected.loc[key]
        assert row["median"] == pytest.approx(median, abs=1e-6)
        assert (row["mean"], row["lower"], row["upper"]) == pytest.approx(
            (mean, mean - half, mean + half), rel=1e-3, abs=1e-6
        )
        assert row["n"] == n == 12


def test_a_mean_that_two_prompts_make_shows_in_median_and_share():
    """Two of ten prompts have 60 %; the others 10 % exactly, which is not above 10 %."""
    run = planted([0.1] * 3, [0.5] * 3, n=10)
    run.probability["en"][:2, 1] = 0.6
    summary = ll.summarize(run)
    rows = summary.query("quantity == 'probability' and language == 'en'")
    assert rows["mean"].tolist() == pytest.approx([0.1, 0.2, 0.1])
    assert rows["median"].tolist() == pytest.approx([0.1] * 3)
    assert rows["above_10"].tolist() == pytest.approx([0.0, 0.2, 0.0])
    assert summary.query("quantity != 'probability'")["above_10"].isna().all()
    headline = ll.headlines({"run": run}).loc["run"]
    assert headline["at_layer"] == 2
    assert headline[["median", "above_10"]].tolist() == pytest.approx([0.1, 0.2])


def test_tables_have_the_bootstrap_interval_and_no_bound_below_zero():
    """One prompt of fifty makes the mean: the Gaussian formula leaves 0 to 1."""
    run = planted([0.0] * 3, [0.5] * 3, n=50)
    run.probability["en"][0, 1] = 1.0
    _, low, high = ll.metrics.mean_ci(run.probability["en"], "bootstrap")
    headline = ll.headlines({"run": run}).loc["run"]
    assert headline["lower"] == low[1].item() >= 0 and headline["upper"] == high[1].item()
    table = ll.summarize(run).query("quantity == 'probability' and language == 'en'")
    assert table["lower"].tolist() == low.tolist() and table["upper"].tolist() == high.tolist()
    assert ll.metrics.mean_ci(run.probability["en"])[1][1] < 0, "the formula does not fit here"


def test_a_difference_is_certain_where_two_curves_are_not():
    """Concepts that are easy in both languages widen both bands, but not their difference's."""
    run = planted([0.4, 0.4], [0.5, 0.5], n=50)
    easy = 0.4 * torch.rand(50, 1)
    run = run.with_readings(
        probability={code: curve + easy for code, curve in run.probability.items()}
    )
    summary = ll.summarize(run).query("layer == 1").set_index(["quantity", "language"])
    english, chinese = summary.loc[("probability", "en")], summary.loc[("probability", "zh")]
    assert english["upper"] > english["mean"] + 0.02 and chinese["lower"] < chinese["mean"] - 0.02
    paired = summary.loc[("difference", "zh")]
    assert (paired["lower"], paired["mean"], paired["upper"]) == pytest.approx(
        (0.1, 0.1, 0.1), abs=1e-5
    )


def test_headline_by_hand():
    run = planted(PIVOT, TARGET, n=4)
    entropy = torch.tensor([18.0, 6.0, 9.0, 6.5, 5.0, 3.0, 2.0, 1.0]).expand(4, 8)
    rank = {code: torch.ones(4, 8, dtype=torch.int32) for code in run.languages}
    rank["zh"][0, -1] = 2
    full = run.with_readings(entropy=entropy, rank=rank)
    never = planted(TARGET, PIVOT, n=4).with_readings(entropy=entropy.flip(1))
    table = ll.headlines({"full": full, "never": never})
    row = table.loc["full"]
    assert (
        row["n"],
        row["at_layer"],
        row["concept_start"],
        row["target_start"],
        row["entropy_under_7"],
    ) == (4, 5, 3, 7, 4)
    assert [
        row[c] for c in ("pivot_peak", "lower", "upper", "target_last", "right")
    ] == pytest.approx([0.6, 0.6, 0.6, 0.9, 0.75])
    assert (
        table.loc["never", ["target_start", "entropy_under_7"]].isna().all()
        and table.loc["never", "at_layer"] == 8
    )


def test_bare_texts_are_each_about_themselves():
    """Texts without a concept are independent prompts, not one concept."""
    run = planted([0.1, 0.2], [0.3, 0.4], n=20, noise=0.1)
    bare = replace(run, prompts=run.prompts.assign(concept=""))
    assert ll.summarize(bare).equals(ll.summarize(run)) and ll.find_phases(bare) == ll.find_phases(
        run
    )


def test_a_bootstrap_summary_lies_near_the_gaussian_one():
    decoded = planted(PIVOT, TARGET, n=200, noise=0.05)
    gaussian, bootstrap = (ll.summarize(decoded, ci) for ci in ("gaussian", "bootstrap"))
    assert list(gaussian["mean"]) == list(bootstrap["mean"])
    width = (gaussian["upper"] - gaussian["lower"]).clip(lower=1e-3)
    assert ((bootstrap["upper"] - gaussian["upper"]).abs() < 0.25 * width).all()
    assert not bootstrap["upper"].equals(gaussian["upper"])


def test_to_frame_is_tidy(real):
    frame = real.to_frame()
    assert list(frame.columns) == ["prompt", "concept", "layer", "quantity", "language", "value"]
    assert (
        len(frame) == 12 * 4 * (2 + 2 + 1 + 1)
        and not frame.duplicated(["prompt", "layer", "quantity", "language"]).any()
    )
    cell = frame.query(
        "prompt == 7 and layer == 3 and quantity == 'probability' and language == 'zh'"
    )
    assert cell["value"].item() == pytest.approx(real.probability["zh"][7, 2].item())
    assert cell["concept"].item() == real.prompts["concept"][7]


def test_phases_of_planted_curves_are_exact():
    found = ll.find_phases(planted(PIVOT, TARGET))
    assert (found.concept_start, found.target_start) == (3, 7)
    assert (found.concept_interval, found.target_interval) == ((3, 3), (7, 7))
    assert (found.concept_share, found.target_share) == (1.0, 1.0)
    curves = pd.DataFrame({"pivot": PIVOT, "target": TARGET}, index=range(1, 9))
    assert ll.find_phases(curves) == Phases(3, 7)


SOURCE = [0.6, 0.04, 0.30, 0.50, 0.70, 0.20, 0.41, 0.95]  # above both at 1, 3, 5, 7 and 8
COPY = (1, 3, 5, 7, 8)


def test_copy_is_where_the_source_leads_both():
    """At layer 2 it leads with less than 5 %, and a tie with the pivot (4, 6) is not a lead."""
    run = planted(PIVOT, TARGET)
    plain = ll.find_phases(run)
    assert plain.copy is None, "the source is not followed"
    source = torch.tensor(SOURCE).expand(60, 8)
    rank = run.rank | {"fr": run.rank["zh"]}
    run = run.with_readings(probability=run.probability | {"fr": source}, rank=rank)
    assert ll.find_phases(run) == replace(plain, copy=COPY), "the rule of the phases stays"
    assert ll.find_phases(run.between(3, 6)).copy == (3, 5)
    curves = pd.DataFrame({"pivot": PIVOT, "target": TARGET, "source": SOURCE}, index=range(1, 9))
    assert ll.find_phases(curves) == Phases(3, 7, COPY)
    assert ll.find_phases(curves.assign(source=0.0)).copy == (), "followed, and never ahead"
    with pytest.raises(DataError, match="the curve of the source"):
        ll.find_phases(curves.assign(source=[*SOURCE[:-1], float("nan")]))


@pytest.mark.parametrize("source", ["zh", "en"])
def test_a_source_that_is_pivot_or_target_is_no_copy(source):
    run = planted([0.9] * 4, [0.1, 0.2, 0.3, 0.95])
    alone = replace(run, setting=replace(SETTING, sources=(source,)))
    assert ll.find_phases(alone).copy is None


def test_a_pool_has_no_single_source():
    run = planted([0.1] * 4, [0.1] * 4)
    curves = run.probability | {code: torch.full((60, 4), 0.8) for code in ("fr", "de")}
    rank = dict.fromkeys(curves, run.rank["en"])
    pool = replace(run, setting=replace(SETTING, sources=("fr", "de")))
    assert ll.find_phases(pool.with_readings(probability=curves, rank=rank)).copy is None


@pytest.mark.parametrize(
    ("pivot", "target", "phases"),
    [
        ([0.0, 0.01, 0.02, 0.01], [0.0, 0.1, 0.5, 0.9], (None, 2)),  # no detour through the pivot
        ([0.0, 0.3, 0.6, 0.7], [0.0, 0.1, 0.2, 0.3], (2, None)),  # the target never takes over
        ([0.0, 0.04, 0.04, 0.0], [0.0, 0.0, 0.01, 0.04], (None, None)),  # neither reaches 0.05
        (
            [0.0, 0.2, 0.1, 0.4, 0.1],
            [0.1, 0.1, 0.3, 0.2, 0.9],
            (2, 5),
        ),  # leading for a while is not taking over
        ([0.06, 0.0, 0.0], [0.0, 0.0, 0.06], (1, 3)),
        ([0.5, 0.5], [0.5, 0.5], (None, None)),  # a tie is not a lead
    ],
)
def test_phases_by_hand(pivot, target, phases):
    found = ll.find_phases(planted(pivot, target))
    assert (found.concept_start, found.target_start) == phases
    curves = ll.find_phases(
        pd.DataFrame({"pivot": pivot, "target": target}, index=range(1, len(pivot) + 1))
    )
    assert (curves.concept_start, curves.target_start) == phases
    assert (found.concept_interval is None, found.target_interval is None) == (
        phases[0] is None,
        phases[1] is None,
    )


def test_repetition_on_the_demo_model_has_no_concept_phase(model):
    """The model repeats Chinese words without a detour: None in almost all resamples, no guess."""
    prompts = ll.build_prompts("repetition", target="zh", tokenizer=model.tokenizer)[::16]
    found = ll.find_phases(ll.decode(model, prompts, progress=False))
    assert (
        found.concept_start is None and found.target_start is not None and found.concept_share < 0.2
    )


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_interval_holds_the_planted_layer(repeats):
    pivot = [0.0, 0.0, 0.0, 0.045, 0.055, 0.2, 0.4, 0.3, 0.2, 0.0]
    target = [0.0, 0.0, 0.0, 0.00, 0.00, 0.0, 0.1, 0.28, 0.3, 0.9]
    found = ll.find_phases(planted(pivot, target, n=90, noise=0.08, repeats=repeats))
    low, high = found.concept_interval
    assert low <= 5 <= high and low <= found.concept_start <= high and low < high
    low, high = found.target_interval
    assert low <= 9 <= high


def test_the_bootstrap_is_by_concept():
    """The same 30 concepts, three prompts each: no more certain than one prompt each."""
    pivot, target = [0.0, 0.05, 0.052, 0.06, 0.08, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.9]
    one = planted(pivot, target, n=30, noise=0.1)
    tripled = one[[i for i in range(30) for _ in range(3)]]
    assert ll.find_phases(tripled) == ll.find_phases(one)
    assert ll.find_phases(one).concept_interval[0] < ll.find_phases(one).concept_interval[1]


def test_english_as_the_target_is_no_detour(tiny):
    """If prompts ask for the pivot, no language leads; the source is not taken for the target."""
    one = tiny("llama")
    run = ll.decode(
        one,
        ll.build_prompts("translation", "fr", "en", tokenizer=one.tokenizer)[:4],
        progress=False,
    )
    assert run.languages == ("en", "fr") and run.pair == ("en", "en")
    assert ll.find_phases(run).concept_start is None and ll.find_phases(run).target_start is None
    assert "difference" not in set(ll.summarize(run)["quantity"])
    row = ll.headlines({"fr → en": run}).loc["fr → en"]
    assert row["target_last"] == run.probability["en"][:, -1].mean().item()


def test_phases_need_two_curves(real):
    with pytest.raises(DataError, match="'pivot' and 'target'"):
        ll.find_phases(pd.DataFrame({"en": [0.1]}))
    with pytest.raises(DataError, match="follows no target language"):
        ll.find_phases(
            real.with_readings(probability={"en": real.entropy}, rank={"en": real.entropy})
        )


def test_save_and_load(real, tmp_path):
    again = ll.Run.load(real.save(tmp_path / "run.safetensors"))
    assert (again.model, again.layers, again.languages, again.watch) == (
        real.model,
        real.layers,
        real.languages,
        (3, 4),
    )
    pd.testing.assert_frame_equal(again.prompts, real.prompts)
    tensors = again.tensors()
    for name, tensor in real.tensors().items():
        assert torch.equal(tensors[name], tensor), name
    pd.testing.assert_frame_equal(again.to_frame(), real.to_frame())


def test_save_and_load_of_all_positions_without_energy(tiny, tmp_path):
    read = ll.decode(tiny("llama"), ["The flower"], positions="all", energy=False, progress=False)
    again = ll.Run.load(read.save(tmp_path / "run.safetensors"))
    assert (
        again.position_tokens == read.position_tokens
        and again.energy is None
        and again.watched is None
    )
    assert torch.equal(again.entropy, read.entropy)
    with pytest.raises(DataError, match="one position per prompt"):
        read.to_frame()


def test_damaged_files_are_one_sentence(real, tmp_path):
    good = real.save(tmp_path / "good.safetensors").read_bytes()
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    for name, content in {
        "cut": good[:-100],
        "head": good[:20],
        "noise": b"no tensors" * 9,
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    for name in ("cut", "head", "noise", "empty", "other.safetensors"):
        with pytest.raises(DataError, match="is not a file that Run.save wrote, or it is damaged"):
            ll.Run.load(tmp_path / name)
    with pytest.raises(DataError, match="There is no file"):
        ll.Run.load(tmp_path / "missing")


def test_rows_can_be_chosen(real):
    part = real[2:5]
    assert list(part.prompts["concept"]) == list(real.prompts["concept"][2:5])
    assert torch.equal(part.latents, real.latents[2:5]) and torch.equal(
        part.rank["zh"], real.rank["zh"][2:5]
    )
    assert torch.equal(real[[4, 1]].entropy, real.entropy[[4, 1]]) and len(real[[4, 1]]) == 2


def test_runs_of_different_kinds_are_not_put_together(real, tiny):
    one = tiny("llama")
    to_german, to_chinese = (
        ll.build_prompts("translation", "fr", code, tokenizer=one.tokenizer)[:3]
        for code in ("de", "zh")
    )
    other = ll.decode(one, to_german, watch=[3, 4], keep_latents=True, progress=False)
    with pytest.raises(DataError, match="differ in target"):
        ll.Run.concatenate([real, other])
    with pytest.raises(DataError, match="differ in latents"):
        ll.Run.concatenate([real, replace(real, latents=None)])
    with pytest.raises(DataError, match="at least one run"):
        ll.Run.concatenate([])
    with pytest.raises(DataError, match=r"differ in target \(de, zh\)"):
        to_german + to_chinese


def test_means_need_prompts_at_one_position(real, tiny):
    for work in (ll.summarize, ll.find_phases, lambda run: ll.headlines({"x": run})):
        with pytest.raises(DataError, match="No prompt is left"):
            work(real[[False] * len(real)])
        with pytest.raises(DataError, match=r"last_position\(\)"):
            work(
                ll.decode(
                    tiny("llama"),
                    ["The flower"],
                    [{"en": [3], "zh": [4]}],
                    positions=3,
                    progress=False,
                )
            )
    with pytest.raises(DataError, match="at least one run"):
        ll.headlines({})


@pytest.mark.parametrize("n", [1, 3])
def test_one_concept_has_no_interval_in_any_statistic(n):
    """One prompt, and three prompts about one concept: each mean stands, and no spread is told."""
    one = planted(PIVOT, TARGET, n=n, repeats=n)
    found = ll.find_phases(one)
    assert found == Phases(3, 7)
    bounds = ll.summarize(one)[["lower", "upper"]]
    assert bounds.isna().all(axis=None)
    assert ll.headlines({"one": one})[["lower", "upper"]].isna().all(axis=None)
    for ci in ("gaussian", "bootstrap"):
        assert ll.summarize(one, ci)["lower"].isna().all()
    for draw in (ll.plots.language_probability, ll.plots.difference, ll.plots.phases):
        assert "interval" not in draw(one).layout.title.text
    assert "interval" not in ll.plots.pair_grid({("fr", "zh"): one}).layout.title.text
    assert "interval" in ll.plots.difference(planted(PIVOT, TARGET, n=2)).layout.title.text


@pytest.mark.parametrize("work", [ll.summarize, ll.find_phases, lambda run: ll.headlines({1: run})])
@pytest.mark.parametrize("name", ["probability", "entropy"])
def test_a_reading_that_is_not_finite_is_named(work, name):
    run = planted(PIVOT, TARGET, n=4)
    if name == "entropy":
        run.entropy[2, 5] = torch.nan
    else:
        run.probability["zh"][2, 5] = torch.nan
    if (work, name) == (ll.find_phases, "entropy"):
        assert work(run).target_start == 7, "the phases do not look at the entropy"
        return
    with pytest.raises(DataError, match="are not finite"):
        work(run)


def test_curves_with_a_gap_have_no_phases():
    with pytest.raises(DataError, match="not finite"):
        ll.find_phases(pd.DataFrame({"pivot": [0.1, None], "target": [0.1, 0.9]}, index=[1, 2]))
    with pytest.raises(DataError, match="needs numbers"):
        ll.find_phases(pd.DataFrame({"pivot": [0.1], "target": [0.9]}, index=["first"]))


@pytest.mark.parametrize(
    ("pivot", "target"),
    [
        ([0.0, 0.3, 0.0002], [0.0, 0.1, 0.032]),  # ahead at the end, below 5 %
        ([0.0, 0.3, 0.6], [0.1, 0.4, 0.5]),  # behind at the end
        ([0.0, 0.3, 0.2], [0.1, 0.1, 0.9]),
        ([0.2, 0.2, 0.2], [0.2, 0.2, 0.2]),  # a tie is not a lead
        ([0.0, 0.0, 0.0], [0.1, 0.2, 0.3]),
    ],
)
def test_a_handover_is_the_first_layer_from_which_the_target_leads_to_the_end(pivot, target):
    """By trying every layer."""
    leads = [t > p for p, t in zip(pivot, target)]
    wanted = next((layer for layer in (1, 2, 3) if all(leads[layer - 1 :])), None)
    assert handover(planted(pivot, target, n=5)) == wanted


def test_the_table_of_headlines_counts_cognates_and_layers(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(measure, "EVERY", 40)
    model = tiny("llama")
    table = measure.headlines(model)
    ways = ["as published", "no shared tokens", "no cognates"]
    pairs = [f"{source} → {target}" for source, target in measure.HEADLINES]
    assert list(zip(table["pair"], table["words"])) == [
        (pair, way) for pair in pairs for way in ways
    ]
    without = table[table["words"] == "no cognates"]
    assert (without[["identical", "near"]] == 0).all(axis=None) and table["near"].any()
    for (source, target), row in zip(measure.HEADLINES, without.itertuples()):
        run = ll.run_experiment(model, "translation", source, target, every=40, progress=False)
        run = run.without_cognates()
        band = ll.metrics.paired_difference(run, "en", target)
        ahead = [layer for layer in run.layers if band["lower"][layer] > 0]
        assert row.n == len(run) and row.english_ahead == " ".join(map(str, ahead))


def test_the_table_of_targets_has_the_handover_that_its_text_defines(tiny, tmp_path, monkeypatch):
    """From the mean curves of every run of the table, by trying every layer."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(measure, "EVERY", 40)
    model = tiny("llama")
    table = measure.targets(model)
    for row in table.itertuples():
        run = ll.run_experiment(
            model, "translation", row.source, row.target, every=40, progress=False
        ).without_cognates()
        target, pivot = (run.probability[code].double().mean(0) for code in (row.target, "en"))
        stays = [layer for layer, n in zip(run.layers, range(4)) if (target > pivot)[n:].all()]
        assert row.handover == stays[0] if stays else pd.isna(row.handover), row
    assert table["handover"].notna().any(), "no handover to test with"
