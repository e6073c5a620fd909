"""The pivot's own test equals plain hooks, finds a planted pivot, and is kept as sweeps are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import planted
import pytest
import torch
from oracle import changed, plain
from planted_pivot import pivot_model
from test_stored import rewrite

import latentlang as ll
from latentlang.errors import DataError, ModelError, TraceError
from latentlang.models.inquiry import inquiry_of
from latentlang.models.store import Store
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store, stored_model
from latentlang.models.whole_inquiry import PivotInquiry
from latentlang.prompts.third import in_language
from latentlang.runs import pivot_tests
from latentlang.runs.pivot_conditions import cosine, orthogonal
from latentlang.runs.pivot_experiment import PivotExperiment, asked_pivot, material_of_pivot
from latentlang.runs.pivot_tests import layers_of
from latentlang.runs.stored_pivots import keep_pivot, pivot_differences

PAIR = ("de", "zh")
FEW = {"every": 8, "progress": False}
QUESTION = asked_pivot(*PAIR, every=8)
CONDITIONS = (
    "en word",
    "en word orthogonal",
    "another en word",
    "de word",
    "ja word",
    "es word",
    "ru word",
    "random",
    "random, same length",
    "en language",
    "ja language",
    "es language",
    "ru language",
    "zh word",
)


@pytest.fixture(scope="module")
def one(tiny):
    return tiny("llama")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Keep the results of these tests in a cache of their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("pivots")))
        patched.delenv("LATENTLANG_CACHE", raising=False)
        yield


@pytest.fixture(scope="module")
def tested(one) -> ll.PivotTest:
    return ll.pivot_test(one, *PAIR, **FEW)


def projected(rows: torch.Tensor):
    """Return what least squares leaves of a latent, as a change for ``oracle.changed``."""

    def change(h: torch.Tensor, _: int) -> torch.Tensor:
        basis, double = rows.double().T, h.double()
        weights = torch.linalg.lstsq(basis, double[:, None], driver="gelsd").solution
        return (double - (basis @ weights)[:, 0]).float()

    return change


def by_hand(model, prompt, change, layers) -> float:
    """Return P(target) of one prompt under a change of its last latent, by plain hooks."""
    _, own = changed(model, prompt.text, change, layers, -1)
    return own.exp()[sorted(prompt.token_ids[prompt.target])].sum().item()


def assert_words_are_erased(model, test: ll.PivotTest) -> None:
    """Compare conditions of a test with plain hooks, one prompt at a time."""
    prompts = ll.build_prompts("translation", *PAIR, tokenizer=model.tokenizer)
    for row, concept in enumerate(test.prompts["concept"]):
        prompt = prompts[concept]
        rows = {
            code: model.folded_unembedding(sorted(ids)) for code, ids in prompt.token_ids.items()
        }
        other = model.folded_unembedding(sorted(prompt.yardstick.token_ids["en"]))
        words = {f"{code} word": each for code, each in rows.items()} | {"another en word": other}
        for name, each in words.items():
            wanted = by_hand(model, prompt, projected(each), test.layers)
            assert test.erased[name][row].item() == pytest.approx(wanted, abs=1e-4)
        unchanged = by_hand(model, prompt, lambda h, _: h, test.layers)
        assert test.baseline[row].item() == pytest.approx(unchanged, abs=1e-4)


def test_a_test_equals_hooks_one_prompt_at_a_time(one, tested):
    assert tested.conditions == CONDITIONS
    assert_words_are_erased(one, tested)
    assert (tested.erased["en word"] - tested.baseline).abs().max() > 1e-4


@pytest.mark.more
def test_a_test_of_the_demo_model_equals_hooks(model):
    test = ll.pivot_test(model, *PAIR, every=16, progress=False)
    assert_words_are_erased(model, test)


def test_the_direction_of_a_language_is_its_mean_minus_that_of_the_others(one, tested):
    """The means of hooks over prompts that ask for each language, about the choosing half."""
    means, prompts = {}, ll.build_prompts("translation", *PAIR, tokenizer=one.tokenizer)
    for code in ("en", "ja", "es", "ru"):
        texts = in_language(prompts.about(tested.chosen_on), code)
        means[code] = torch.stack([plain(one, text)[0] for text in texts]).mean(0)
    vectors = means["en"] - (means["ja"] + means["es"] + means["ru"]) / 3

    def change(h: torch.Tensor, layer: int) -> torch.Tensor:
        return projected(vectors[layer - 1][None])(h, layer)

    for row, concept in enumerate(tested.prompts["concept"]):
        wanted = by_hand(one, prompts[concept], change, tested.layers)
        assert tested.erased["en language"][row].item() == pytest.approx(wanted, abs=1e-4)


def test_the_halves_share_no_concept_and_no_near_cognate_is_measured(one, tested):
    assert not set(tested.chosen_on) & set(tested.prompts["concept"])
    assert set(tested.prompts["cognate"]) == {"no"}
    assert abs(len(tested.chosen_on) - len(tested)) <= 1


def test_cosines_and_lengths_are_those_of_numpy(one, tested):
    prompts = ll.build_prompts("translation", *PAIR, tokenizer=one.tokenizer)
    first = tested.layers[0]
    for row, concept in enumerate(tested.prompts["concept"][:3]):
        ids = prompts[concept].token_ids
        english, chinese = (one.folded_unembedding(sorted(ids[c])).double() for c in ("en", "zh"))
        bases = [torch.linalg.qr(each.T)[0] for each in (english, chinese)]
        wanted = torch.linalg.svdvals(bases[0].T @ bases[1]).max().item()
        assert tested.cosine["en word"][row].item() == pytest.approx(wanted, abs=1e-5)
        assert cosine(orthogonal(english.float(), chinese.float()), chinese.float()) < 1e-5
        h = ll.latents_at(one, prompts[concept]).values[0, first - 1]
        gone = (h - projected(english)(h, first)).norm() / h.norm()
        for name in ("en word", "random, same length"):
            assert tested.moved[name][row].item() == pytest.approx(gone.item(), abs=1e-4)
    assert (tested.cosine["zh word"] - 1).abs().max() < 1e-5


@pytest.mark.parametrize(("name", "leads"), [("pivot", True), ("faint", True), ("nothing", False)])
def test_layers_are_those_at_which_the_pivot_leads(name, leads):
    run = planted.planted(planted.RUNS[name], spread=0.0)
    english, chinese = (run.probability[code].mean(0) for code in ("en", "zh"))
    chosen, found = layers_of(run)
    assert found == leads
    if leads:
        over = [n for n in run.layers if english[n - 1] > max(chinese[n - 1], 0.01)]
        assert list(chosen) == over and len(over) > 2
    else:
        peak = int(english.argmax()) + 1
        assert set(chosen) == {peak - 1, peak, peak + 1} & set(run.layers)


def test_a_summary_is_paired(tested):
    """Against pandas: means of differences inside each concept."""
    frame, table = tested.to_frame(), tested.summarize()
    wide = frame.pivot(index="concept", columns="condition", values="after")
    before = frame.groupby("concept")["before"].first()
    for name in CONDITIONS:
        row = table.loc[name]
        assert row["difference"] == pytest.approx((wide[name] - before).mean(), abs=1e-6)
        assert row["beyond"] == pytest.approx((wide[name] - wide["en word"]).mean(), abs=1e-6)
        assert row["lower"] <= row["difference"] <= row["upper"]
    assert table.loc["en word", ["beyond", "beyond_lower", "beyond_upper"]].tolist() == [0, 0, 0]
    assert (table["n"] == len(tested)).all()


def test_a_saved_test_is_the_same(tested, tmp_path):
    path = tested.save(tmp_path / "test.safetensors")
    assert ll.PivotTest.load(path) == tested
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="PivotTest.save wrote, or it is damaged"):
        ll.PivotTest.load(path)


def test_rows_are_indexed_as_prompts(tested):
    concept = tested.prompts["concept"][1]
    assert tested[concept] == tested[1] == tested[[1]]
    assert tested[1].baseline.tolist() == tested.baseline[1:2].tolist()
    assert tested[1].summarize()["lower"].isna().all()


def test_an_erasure_at_no_layer_is_refused(tested):
    with pytest.raises(DataError, match="erases at no layer"):
        replace(tested, layers=())


def test_a_question_is_answered_once(one, tested, monkeypatch):
    monkeypatch.setattr(pivot_tests, "_compute", lambda *_: pytest.fail("computed again"))
    assert ll.pivot_test(one, *PAIR, **FEW) == tested


def test_every_choice_is_another_question(one, tiny):
    questions = [asked_pivot(*PAIR, every=4), asked_pivot(*PAIR, every=5)]
    questions += [asked_pivot(*PAIR, every=4, seed=1), asked_pivot("fr", "zh", every=4)]
    keys = {PivotExperiment.of(one, q, material_of_pivot(one, q)).key for q in questions}
    other = tiny("qwen2")
    keys.add(PivotExperiment.of(other, questions[0], material_of_pivot(other, questions[0])).key)
    assert len(keys) == 5 and len({q.file for q in questions}) == 4
    assert [inquiry_of(q.row) for q in questions] == questions


@pytest.mark.parametrize(
    ("pair", "choices", "sentence"),
    [
        (("en", "zh"), {}, "source or target here"),
        (("de", "en"), {}, "source or target here"),
        (("de", "xx"), {}, "xx"),
        (("de", ("fr", "zh")), {}, "target is the code of one language"),
        (PAIR, {"every": 0}, "every is a whole number, 1 or more"),
        (PAIR, {"every": 400}, "take a smaller every|every=400"),
        (PAIR, {"seed": "x"}, "seed is a whole number"),
    ],
)
def test_a_mistake_is_one_sentence(one, pair, choices, sentence):
    with pytest.raises(DataError, match=sentence) as refused:
        ll.pivot_test(one, *pair, **FEW | choices)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("target", ["zh", "de", "ru", "ko"])
def test_one_other_language_shares_the_targets_script_if_one_does(one, target):
    material = material_of_pivot(one, asked_pivot("fr", target, every=3))
    kin = {"zh": "ja", "de": "es", "ru": "uk", "ko": "es"}
    others = list(material.others)
    assert others[0] == kin[target] and len(set(others)) == 3
    assert not {"en", "fr", target} & set(others)


@pytest.fixture(scope="module")
def written(one, tested, tmp_path_factory):
    """The folder with the only stored answer of a model."""
    folder = shared_store(tmp_path_factory.mktemp("written"), one.name)
    write_facts(folder, facts_of(one))
    keep_pivot(folder, tested, one, QUESTION)
    return folder


@pytest.fixture
def kept(one, written, tmp_path, monkeypatch):
    """A model without weights, and a copy of the folder with its only answer."""
    folder = shared_store(tmp_path, one.name)
    shutil.copytree(written, folder)
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path))
    return stored_model(one.name), folder


def test_a_stored_test_is_the_live_one(kept, one, tested):
    stored, folder = kept
    assert ll.pivot_test(stored, *PAIR, **FEW) == tested
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keep_pivot(folder, tested, one, QUESTION)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("change", [{"every": 6}, {"seed": 1}, {"refresh": True}], ids=str)
def test_another_question_to_a_stored_model_is_one_sentence(kept, change):
    with pytest.raises(TraceError, match=r"pivot test de → zh \(every=8\)"):
        ll.pivot_test(kept[0], *PAIR, **FEW | change)


HOSTILE = {
    "another model": lambda arrays, facts: facts.update(model="llama-2-7b"),
    "another seed": lambda arrays, facts: facts["setting"].update(seed=7),
    "a layer too many": lambda arrays, facts: facts.update(layers=[3, 99]),
    "no layers": lambda arrays, facts: facts.update(layers=[]),
    "texts of another kind": lambda arrays, facts: facts["prompts"].update(text=None),
    "a condition fewer": lambda arrays, facts: arrays.pop("erased.ja word"),
    "half the prompts": lambda arrays, facts: arrays.update(baseline=arrays["baseline"][::2]),
    "nothing": lambda arrays, facts: facts.clear(),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_or_strange_answer_is_one_sentence(kept, change):
    _, folder = kept
    (row,) = json.loads((folder / "index.json").read_text())["answers"]
    rewrite(folder / row["file"], row, change)
    stored = stored_model(kept[0].name)
    with pytest.raises(ModelError, match=f"{row['file']} is damaged"):
        ll.pivot_test(stored, *PAIR, **FEW)


def test_a_stored_test_of_other_prompts_is_told(kept, one):
    _, folder = kept
    assert list(pivot_differences(Store.open(folder, ""), one)) == []
    (row,) = json.loads((folder / "index.json").read_text())["answers"]
    rewrite(folder / row["file"], row, lambda arrays, facts: facts.update(experiment="x"))
    (told,) = pivot_differences(Store.open(folder, ""), one)
    assert "pivot test de → zh" in told and "another version" in told


def test_a_strange_row_of_an_index_is_no_question():
    row = PivotInquiry("de", "zh").row
    for change in ({"pivot_test": False}, {"every": 0}, {"source": "../x"}, {"seed": "1"}):
        with pytest.raises(ValueError):
            inquiry_of(row | change)


def test_a_planted_pivot_is_used_and_no_control_takes_anything(tmp_path):
    test = ll.pivot_test(pivot_model(tmp_path, every=6), *PAIR, every=6, progress=False)
    table = test.summarize()
    assert test.leads and test.layers == (1, 2)
    assert table["before"].iloc[0] > 0.5
    for name in ("en word", "en word orthogonal"):
        assert table.loc[name, "share"] > 0.9 and table.loc[name, "upper"] < -0.3
    others = table.drop(index=["en word", "en word orthogonal"])
    words = others.drop(index=["random", "random, same length"])
    assert (words["share"].abs() < 0.01).all() and (others["beyond_lower"] > 0.2).all()
    assert table.loc["en word orthogonal", "cosine"] < 1e-6
