"""Machines without weights: stored answers give rounded numbers, in the words of the question.

Any other question, and any file that cannot be used, ends in one sentence.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stored_sample
import torch
from explorers import find, part, settled
from safetensors.numpy import load, save

import latentlang as ll
from latentlang.errors import DataError, ModelError, TraceError
from latentlang.lens.readings import READINGS, Reading, entropy
from latentlang.models import store as stores
from latentlang.models import store_files
from latentlang.models import stored as stored_models
from latentlang.models.caches import clean
from latentlang.models.store import Store, packed, unpacked
from latentlang.models.store_files import write_answer, write_facts
from latentlang.models.stored import facts_of, shared_store, stored_model, stored_names
from latentlang.plots import token_text
from latentlang.prompts.token_texts import TokenTexts
from latentlang.runs.stored import differences, keep_answer
from latentlang.runs.stored_pivots import pivot_differences
from latentlang.runs.stored_retrievals import retrieval_differences
from latentlang.runs.stored_sweeps import sweep_differences
from tools import ROOT, answers
from tools.requested import Request

TASK = ("translation", "fr", "zh")
SHIPPED = shared_store(ROOT / "data" / "results", "qwen2.5-coder-1.5b-instruct")


@pytest.fixture(scope="module")
def prepared(tiny, tmp_path_factory):
    """Return a model's name, a folder that the command has filled, and the model's own readings.

    The model's weights are taken away afterwards.
    """
    root = tmp_path_factory.mktemp("class")
    folder, out = root / "weights", root / "shared"
    shutil.copytree(tiny.folder("llama"), folder)
    command = [sys.executable, "-m", "latentlang", "precompute", "--model", str(folder)]
    command += ["--pairs", "fr-zh", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=own_home(root))
    assert "translation fr zh: n = " in done.stdout and "cloze zh: n = " in done.stdout
    real = ll.load_model(folder)
    prompts = ll.build_prompts(*TASK, tokenizer=real.tokenizer)
    readings = ll.decode(real, prompts, progress=False)
    shutil.rmtree(folder)
    return str(folder), out, readings


def own_home(root) -> dict[str, str]:
    own = {"XDG_CACHE_HOME": str(root / "home"), "HF_HOME": str(root / "hub")}
    return {**os.environ, **own, "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def stored(prepared, monkeypatch, tmp_path):
    name, out, _ = prepared
    monkeypatch.setenv("LATENTLANG_CACHE", str(out))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return ll.load_model(name)


@pytest.fixture
def spoilt(prepared, tmp_path, monkeypatch) -> Path:
    """Return a copy of the stored answers, in the shared cache of this test."""
    name, out, _ = prepared
    shutil.copytree(out, tmp_path / "old")
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path / "old"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return shared_store(tmp_path / "old", name)


@pytest.fixture
def shared(tmp_path, monkeypatch) -> Path:
    """Return a copy of the answers that ship, in the shared cache of this test."""
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path / "shared"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return shutil.copytree(SHIPPED, shared_store(tmp_path / "shared", SHIPPED.name))


@pytest.fixture(scope="module")
def few(model):
    """Runs of the demo model about every 24th concept, by source language."""
    ask = {"target": "zh", "every": 24, "follow": True, "progress": False}
    return {code: ll.run_experiment(model, "translation", code, **ask) for code in ("fr", "de")}


def keep(few, model, root: Path) -> Path:
    """Keep the runs of the demo model below a folder."""
    folder = shared_store(root, model.name)
    write_facts(folder, facts_of(model))
    for run in few.values():
        keep_answer(folder, run, model, every=24)
    return folder


@pytest.fixture
def gemma(few, model, tmp_path, monkeypatch):
    """The demo model without weights and without a tokenizer, and none of what ships of it."""
    keep(few, model, tmp_path)
    places = [(tmp_path / "stored", stored_models._PRECOMPUTE)]
    monkeypatch.setattr(stored_models, "_places", lambda: places)
    return stored_model(model.name)


def test_a_stored_run_is_the_live_one_but_for_its_rounding(gemma, few):
    found, live = ll.run_experiment(gemma, *TASK, every=24), few["fr"]
    assert (found.setting, found.layers, found.languages) == (
        live.setting,
        live.layers,
        live.languages,
    )
    assert (found.model, found.revision, found.number_format) == (
        live.model,
        live.revision,
        "float32",
    )
    assert found.prompts.equals(live.prompts)
    for code in live.languages:
        assert torch.equal(found.rank[code], live.rank[code])
        assert not found.rank[code].is_floating_point()
    # The yardstick is there too, under a key of its own.
    assert found.probability.keys() == live.probability.keys() >= {"en", "zh", "other:zh"}
    for code in live.probability:
        ours, exact = found.probability[code].double(), live.probability[code].double()
        assert (ours - exact).abs().max() <= 2e-4
        relative = (ours / exact - 1).abs()
        assert relative[exact > 1e-6].max() <= 0.004
        assert relative[exact > 1e-27].max() <= 0.02
        small = (exact < 1e-10) & (exact > 1e-37)
        assert small.any() and (ours[small] > 0).all(), "half precision would give 0"
    torch.testing.assert_close(found.entropy, live.entropy, rtol=5e-4, atol=3e-8)
    torch.testing.assert_close(found.energy, live.energy, rtol=5e-4, atol=3e-8)
    assert torch.equal(found.top_ids, live.top_ids) and found.top_ids.shape[-1] == 10
    torch.testing.assert_close(found.top_probs, live.top_probs, rtol=0.02, atol=2e-4)


def test_a_stored_run_follows_the_three_best_tokens_of_each_layer(gemma, few):
    asked = {"every": 24, "progress": False}
    found, live = ll.run_experiment(gemma, *TASK, **asked), few["fr"]
    for row in range(len(live)):
        ids = found.followed.ids[row]
        ids = ids[ids >= 0].tolist()
        assert ids == sorted(set(live.top_ids[row, :, :3].flatten().tolist()))
        places = [live.followed.ids[row].tolist().index(token) for token in ids]
        exact = live.followed.log_probs[row][:, places]
        stored = found.followed.log_probs[row]
        off, ours = (stored[:, : len(ids)] - exact).abs(), stored[:, : len(ids)].exp()
        assert (off <= torch.where(exact > -5.2, -5e-4 * exact, 0.032 - 5e-4 * exact) + 3e-8).all()
        assert (ours - exact.exp()).abs().max() <= 2e-4
        assert (stored[:, len(ids) :] == -torch.inf).all()
    assert torch.equal(
        ll.run_experiment(gemma, *TASK, **asked, follow=True).followed.ids, found.followed.ids
    )


@pytest.mark.parametrize(
    ("ask", "begins"),
    [
        (lambda model: ll.run_experiment(model, "translation", "fi", "et"), "translation "),
        (lambda model: ll.run_experiment(model, *TASK, keep_latents=True), "translation "),
        (lambda model: ll.run_sweep(model, "patch", ("fi", "en"), ("et", "zh")), "patch "),
        (lambda model: ll.pivot_test(model, "fi", "et"), "pivot test "),
        (lambda model: ll.run_retrieval(model, "translation", "fi", "et", ["en"]), "retrieval in "),
    ],
)
def test_a_refusal_names_first_what_is_stored_of_the_same_kind(ask, begins):
    """Whoever asks for a run cannot use a list of patches."""
    with pytest.raises(TraceError, match=r"is not stored.*ask for what is stored \(") as refused:
        ask(stored_model("gemma-3-270m"))
    listed = str(refused.value).partition("what is stored (")[2]
    assert listed.startswith(begins)


def test_a_stored_run_does_what_a_run_does(gemma, few, tmp_path):
    found, live = ll.run_experiment(gemma, *TASK, every=24), few["fr"]
    concept = live.prompts["concept"][3]
    assert found[concept].prompts["concept"].tolist() == [concept]
    assert len(found.without_cognates()) == len(live.without_cognates()) < len(live)
    mean = ll.summarize(found)["mean"] - ll.summarize(live)["mean"]
    assert 0 < mean.abs().max() < 5e-3
    ours, theirs = ll.find_phases(found), ll.find_phases(live)
    assert (ours.concept_start, ours.target_start) == (theirs.concept_start, theirs.target_start)
    assert found.to_frame().shape == live.to_frame().shape
    again = ll.Run.load(found.save(tmp_path / "run.safetensors"))
    assert torch.equal(again.entropy, found.entropy)
    for figure in (ll.plots.phases(found), ll.plots.language_probability(found)):
        assert f"n = {len(live)}" in figure.layout.title.text


def test_stored_candidates_have_their_texts(gemma, model, few):
    ids = few["fr"].top_ids.unique().tolist()
    ids += [
        token_id for text in few["de"].prompts["text"] for token_id in model.tokenizer(text)[0].ids
    ]
    assert {token_text(i, gemma.tokenizer) for i in ids} > {"<bos>"}
    for token_id in ids:
        assert token_text(token_id, gemma.tokenizer) == token_text(token_id, model.tokenizer)


def test_what_needs_a_tokenizer_says_so(gemma):
    for work in (
        lambda: ll.build_prompts(*TASK, tokenizer=gemma.tokenizer),
        lambda: ll.start_ids("fleur", gemma.tokenizer),
        lambda: gemma.tokenizer("La fleur"),
        lambda: gemma.tokenizer.decode([1]),
        lambda: len(gemma.tokenizer),
    ):
        with pytest.raises(
            DataError, match="gemma-3-270m was loaded without its tokenizer.*prefetch gemma"
        ):
            work()
    with pytest.raises(DataError, match="No stored answer of gemma-3-270m names token 262143"):
        token_text(262_143, gemma.tokenizer)
    assert "TokenTexts" in repr(gemma.tokenizer)


def test_the_whole_answers_for_a_part_and_for_a_pool(gemma, few):
    part = ll.run_experiment(gemma, *TASK, every=48)
    asked = set(ll.load_words().index[::48])
    rows = [concept in asked for concept in few["fr"].prompts["concept"]]
    assert 0 < len(part) == sum(rows) < len(few["fr"])
    assert torch.equal(part.top_ids, few["fr"][rows].top_ids)
    pool = ll.run_experiment(gemma, "translation", ["fr", "de"], "zh", every=24)
    assert pool.setting.sources == ("fr", "de")
    assert torch.equal(pool.top_ids, torch.cat([few["fr"].top_ids, few["de"].top_ids]))


OTHER_QUESTIONS = {
    "a pair": {"source": "ru"},
    "a pool": {"source": ["fr", "ru"]},
    "more concepts": {"every": 12},
    "a seed": {"seed": 1},
    "k": {"k": 2},
    "a control": {"control": "shuffled"},
    "demonstrations": {"shared_demos": True},
    "overlap": {"overlap": "paper"},
    "latents": {"keep_latents": True},
    "a refresh": {"refresh": True},
}


def test_concepts_are_asked_for_by_name(gemma, few, model, tmp_path):
    """Some of every n-th one, and some that are stored beside them."""
    concepts = [few["fr"].prompts["concept"][3], few["fr"].prompts["concept"][1]]
    ask = {"task": "translation", "source": "fr", "progress": False}
    found = ll.run_experiment(gemma, **ask, concepts=concepts)
    assert list(found.prompts["concept"]) == concepts[::-1]  # as in the word list
    every = ll.run_experiment(gemma, **ask, every=24)
    assert torch.equal(found.top_probs, every[concepts[::-1]].top_probs)
    with pytest.raises(TraceError, match=r"'translation fr → zh \(flower\)' is not stored"):
        ll.run_experiment(gemma, **ask, concepts="flower")
    alone = ll.run_experiment(model, **ask, concepts="flower", follow=True)
    keep_answer(tmp_path / "stored" / model.name, alone, model, concepts=["flower"])
    again = stored_model(model.name)
    flower = ll.run_experiment(again, **ask, concepts="flower")
    assert flower.setting == alone.setting and list(flower.prompts["concept"]) == ["flower"]
    assert (flower.rank["zh"] == alone.rank["zh"]).all()
    # What is asked of every n-th concept has none of the others, and their number stays as it was.
    assert again.session.finest("translation", "fr", "zh") == 24
    assert again.session.singly("translation", "fr", "zh") == ["flower"]
    assert torch.equal(ll.run_experiment(again, **ask, every=24).top_probs, every.top_probs)


def test_a_named_concept_is_read_as_among_all_others(model, few):
    concept = few["fr"].prompts["concept"][2]
    alone = ll.run_experiment(model, "translation", "fr", concepts=concept, progress=False)
    for code in alone.languages:
        expected = few["fr"][concept].probability[code]
        assert torch.allclose(alone.probability[code], expected, rtol=1e-3, atol=1e-6)
    with pytest.raises(DataError, match="cannot be used for this pair"):
        ll.run_experiment(model, "translation", "fr", concepts=few_dropped(model), progress=False)
    with pytest.raises(DataError, match="no concept 'nowhere'"):
        ll.run_experiment(model, "translation", "fr", concepts=["nowhere"], progress=False)
    with pytest.raises(DataError, match="Both every= and concepts="):
        ll.run_experiment(model, "translation", "fr", concepts=concept, every=2, progress=False)


def few_dropped(model) -> str:
    """Return a concept that French to Chinese cannot be asked about."""
    prompts = ll.build_prompts(*TASK, tokenizer=model.tokenizer)
    return prompts.dropped["concept"].iloc[0]


@pytest.mark.parametrize("change", OTHER_QUESTIONS.values(), ids=OTHER_QUESTIONS)
def test_another_question_is_one_sentence(gemma, change):
    ask = {"task": "translation", "source": "fr", "target": "zh", "every": 24} | change
    with pytest.raises(TraceError) as refused:
        ll.run_experiment(gemma, **ask)
    sentence = str(refused.value)
    assert "translation fr → zh (every=24)" in sentence and "translation de → zh" in sentence
    assert "python -m latentlang prefetch gemma-3-270m" in sentence and "\n" not in sentence


def test_a_part_without_prompts_is_one_sentence(few, model, tmp_path, monkeypatch):
    keep(
        {"fr": few["fr"][few["fr"].prompts["concept"] != ll.load_words().index[0]]}, model, tmp_path
    )
    places = [(tmp_path / "stored", stored_models._PRECOMPUTE)]
    monkeypatch.setattr(stored_models, "_places", lambda: places)
    with pytest.raises(DataError, match="every=480 leaves no stored concept.*smaller number"):
        ll.run_experiment(stored_model(model.name), *TASK, every=480)


def test_the_default_words_may_be_named(gemma, few):
    assert len(ll.run_experiment(gemma, *TASK, every=24, overlap="drop", k=4)) == len(few["fr"])
    with pytest.raises(DataError, match="Unknown language 'xx'"):
        ll.run_experiment(gemma, "translation", "xx", "zh", every=24)


def test_the_same_answers_give_the_same_bytes(few, model, tmp_path):
    first = keep(few, model, tmp_path / "a")
    turned = keep(dict(reversed(few.items())), model, tmp_path / "b")
    keep(few, model, tmp_path / "b")
    contents = [{p.name: p.read_bytes() for p in folder.iterdir()} for folder in (first, turned)]
    assert contents[0] == contents[1] and len(contents[0]) == 4


def test_only_damaged_answers_are_removed(shared):
    facts = Store.open(shared, "").facts
    before = {path.name: path.read_bytes() for path in shared.iterdir()}
    write_facts(shared, facts)
    for change in ({"revision": "another"}, {"number_format": "float32"}):
        with pytest.raises(ModelError, match="would be lost: choose another --out"):
            write_facts(shared, replace(facts, **change))
    assert {path.name: path.read_bytes() for path in shared.iterdir()} == before
    (shared / "index.json").write_text("{")
    write_facts(shared, facts)
    assert Store.open(shared, "").answers == {} and not list(shared.glob("*.safetensors*"))


def test_answers_that_cannot_be_read_are_not_removed(shared):
    facts = Store.open(shared, "").facts
    (shared / "model.json").unlink()
    (shared / "model.json").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        write_facts(shared, facts)
    assert list(shared.glob("*.safetensors.gz"))


def test_an_answer_is_replaced_without_a_moment_of_damage(shared, monkeypatch):
    inquiry = next(iter(Store.open(shared, "").answers))
    facts, arrays = Store.open(shared, "").read(inquiry)
    old = unpacked((shared / inquiry.file).read_bytes())
    new = save(arrays, metadata={"latentlang": json.dumps(facts, indent=1)})
    there, write = [], store_files._write

    def watched(path: Path, data: bytes) -> None:
        write(path, data)
        store = Store.open(shared, "")
        for each in store.answers:
            store.read(each)
        there.append(inquiry in store.answers)

    monkeypatch.setattr(store_files, "_write", watched)
    write_answer(shared, inquiry, old)
    assert there and all(there)
    there.clear()
    write_answer(shared, inquiry, new)
    assert old != new and there == [False, False, True]
    assert (shared / inquiry.file).read_bytes() == packed(new)


def test_answers_of_one_version_join(shared):
    assert [s.folder for s in stored_model(SHIPPED.name).session.stores] == [SHIPPED, shared]


@pytest.mark.parametrize(
    "change", [{"revision": "another"}, {"number_format": "float32"}, {"mode": "first"}], ids=str
)
def test_answers_of_another_version_are_left_out(shared, change):
    path = shared / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.warns(UserWarning, match="of another version of qwen.*left out"):
        assert [s.folder for s in stored_model(SHIPPED.name).session.stores] == [SHIPPED]


@pytest.mark.parametrize("part", ["index.json", "model.json", "tokenizer"])
def test_a_damaged_folder_does_not_take_the_others_down(shared, part):
    if part == "tokenizer":
        (shared / part).mkdir()
    else:
        (shared / part).write_text("{")
    with pytest.warns(UserWarning, match="is damaged.*precompute"):
        stored = stored_model(SHIPPED.name)
    run = ll.run_experiment(stored, *TASK, every=4)
    assert len(run) > 0 and token_text(run.top_ids[0, -1, 0], stored.tokenizer)


def test_a_damaged_answer_is_looked_for_in_the_next_folder(shared, tmp_path, monkeypatch):
    exact = ll.run_experiment(stored_model(SHIPPED.name), *TASK, every=4)
    first = shutil.copytree(SHIPPED, shared_store(tmp_path / "results", SHIPPED.name))
    monkeypatch.setattr(stored_models, "data_file", lambda name: tmp_path / name)
    stored = stored_model(SHIPPED.name)
    assert [store.folder for store in stored.session.stores] == [first, shared]
    for path in first.glob("translation-fr-zh-*"):
        path.write_bytes(b"")
    with pytest.warns(UserWarning, match=f"{first}.*is damaged.*install latentlang again"):
        found = ll.run_experiment(stored, *TASK, every=4)
    assert torch.equal(found.entropy, exact.entropy)
    for path in shared.glob("translation-fr-zh-*"):
        path.unlink()
    with pytest.raises(ModelError, match=f"{first}.*is damaged"):
        ll.run_experiment(stored, *TASK, every=4)


def test_a_model_of_a_like_name_does_not_answer(shared):
    facts = replace(Store.open(shared, "").facts, name="home/x")
    folder = shared_store(shared.parents[1], "home/x")
    write_facts(folder, facts)
    assert shared_store(shared.parents[1], "/home/x") == folder
    assert stored_model("home/x").name == "home/x"
    for other in ("/home/x", "home--x"):
        assert stored_model(other) is None


def test_what_only_a_tokenizer_has_is_not_there():
    tokenizer = stored_model(SHIPPED.name).tokenizer
    for name in ("decode", "get_vocab", "backend_tokenizer"):
        assert not hasattr(tokenizer, name)
        with pytest.raises(DataError, match="qwen.* was loaded without its tokenizer"):
            getattr(tokenizer, name)


def test_threads_read_a_table_of_tokens_once():
    read = []

    def table() -> dict[int, bytes]:
        read.append(1)
        time.sleep(0.05)
        return {7: b"fleur"}

    texts = TokenTexts("a model", "load it", [table])
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(texts.bytes_of, [7] * 8)) == [b"fleur"] * 8
    assert len(read) == 1


def test_cleaning_keeps_stored_answers(shared):
    root = shared.parents[1]
    (root / "results").mkdir()
    assert [item.path for item in clean(root, everything=True)] == [root / "results"]
    assert Store.open(shared, "").answers


def test_stored_answers_are_compared_with_what_a_model_would_be_asked(few, model, tmp_path):
    folder = keep(few, model, tmp_path)
    assert list(differences(Store.open(folder, ""), model)) == []
    rewrite(*answer_of(folder), with_facts(lambda facts: facts.update(experiment="x")))
    (said,) = differences(Store.open(folder, ""), model)
    assert "(every=24): its tokens or readings are those of another version" in said
    changed = few["de"].prompts.assign(text=few["de"].prompts["text"].str.replace('"', "'"))
    keep_answer(folder, replace(few["de"], prompts=changed), model, every=24)
    fewer = few["fr"][1:]
    keep_answer(folder, fewer, model, every=24)
    said = sorted(differences(Store.open(folder, ""), model))
    assert said == [
        "translation de → zh (every=24): its prompts have another 'text'",
        "translation fr → zh (every=24): it is about other concepts",
    ]
    other = Store.open(folder, "")
    other = replace(other, facts=replace(other.facts, revision="of last year"))
    assert "another version of the model" in next(differences(other, model))


def test_an_answer_computed_in_another_format_is_no_other_question(few, model, tmp_path):
    """A processor without bfloat16 must not call every answer of one that has it out of date."""
    folder = keep(few, replace(model, number_format="bfloat16"), tmp_path)
    store = Store.open(folder, "")
    assert store.facts.number_format == "bfloat16" != model.number_format
    assert list(differences(store, model)) == []


def test_stored_results_answer_without_weights(stored, prepared):
    readings = prepared[2]
    assert stored.module is None and stored.n_layers == 4
    assert "no weights loaded, stored answers" in repr(stored)
    found = ll.run_experiment(stored, *TASK, progress=False)
    assert list(found.prompts["text"]) == list(readings.prompts["text"])
    torch.testing.assert_close(
        found.probability["zh"], readings.probability["zh"], atol=2e-4, rtol=0.004
    )
    assert len(ll.run_experiment(stored, "cloze", target="zh", progress=False)) > 0
    published = ll.run_experiment(stored, *TASK, overlap="paper", every=4, progress=False)
    assert len(published) > 0 and published.setting.overlap == "paper"


def test_precompute_keeps_the_tokenizer_too(stored, prepared):
    prompts = ll.build_prompts(*TASK, tokenizer=stored.tokenizer)
    assert [prompt.text for prompt in prompts] == list(prepared[2].prompts["text"])


def test_what_was_not_computed_is_one_sentence(stored):
    for work in (
        lambda: ll.run_experiment(stored, "translation", "de", "zh", progress=False),
        lambda: ll.run_experiment(stored, *TASK, words=ll.load_words(), progress=False),
        lambda: ll.decode(stored, ["The flower"], progress=False),
        lambda: stored.folded_unembedding(),
    ):
        with pytest.raises(
            TraceError, match=r"loaded without its weights.*load_model\('gemma-3-270m'\)"
        ):
            work()


def test_explorer_answers_from_the_stored_results(stored):
    root = ll.explore.pair(stored, every=8)
    found = ll.run_experiment(stored, *TASK, every=8, progress=False)
    figure = part(root, "phases")
    assert f"n = {len(found)}" in figure.layout.title.text
    find(root, "From").value = "de"
    assert "'translation de → zh · overlap: paper (every=8)' is not stored" in settled(root)


def test_the_menu_of_an_explorer_has_stored_models(stored, tiny):
    live = tiny("gpt2")
    root = ll.explore.pair(live, every=60)
    name = f"{stored.name} · stored answers"
    assert {f"{live.name} · float32 on cpu", name} <= set(find(root, "Model").options)
    figure = part(root, "phases")
    assert "gpt2" in figure.layout.title.text
    find(root, "Model").value = name
    found = ll.run_experiment(stored, *TASK, every=60, progress=False)
    assert f"n = {len(found)}" in settled(root)
    assert "weights" in figure.layout.title.text  # the last part of its name
    find(root, "From").value = "ru"
    assert "is not stored" in settled(root)
    find(root, "Model").value = f"{live.name} · float32 on cpu"
    assert "n = " in settled(root) and "gpt2" in figure.layout.title.text
    both = ll.explore.compare([live, stored], every=60)
    shown = [part(side, "phases").layout.title.text for side in both.children]
    assert "gpt2" in shown[0] and "weights" in shown[1]


def test_weights_that_are_here_give_exact_results_from_the_cache(prepared, tiny, spoilt, tmp_path):
    """A class with weights: the shared results answer, and the rounded ones do not."""
    name, out, _ = prepared
    shutil.copytree(tiny.folder("llama"), name)
    try:
        live = ll.load_model(name)
        assert live.module is not None
        found = ll.run_experiment(live, *TASK, progress=False)
        published = map(ll.Run.load, (out / "results").glob("*.safetensors"))
        exact = next(run for run in published if run.setting == found.setting)
        assert torch.equal(found.probability["zh"], exact.probability["zh"])
        assert not list((tmp_path / "home").rglob("*.safetensors")), "it was computed again"
        assert ll.load_model(name, stored=True).module is None
    finally:
        shutil.rmtree(name)


def test_stored_answers_may_be_asked_for_by_name(model):
    qwen = ll.load_model(SHIPPED.name, stored=True)
    assert "stored answers" in repr(qwen) and len(ll.run_experiment(qwen, *TASK, every=4)) > 0
    with pytest.raises(ModelError, match=f"llama-2-7b are stored .*{SHIPPED.name}.*stored=True"):
        ll.load_model("llama-2-7b", stored=True)
    with pytest.raises(ModelError, match="one version of a model, so dtype would change nothing"):
        ll.load_model(SHIPPED.name, stored=True, dtype="float32")
    with pytest.raises(ModelError, match="loaded already, so stored would change nothing"):
        ll.load_model(model, stored=True)


def test_the_notebooks_take_the_larger_model_from_stored_answers():
    """Where its weights are, a notebook would else load them, and compute for many minutes."""
    loads = [
        line.strip()
        for path in sorted((ROOT / "course").glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if f'load_model("{SHIPPED.name}"' in line
    ]
    assert len(loads) >= 6 and all("stored=True" in line for line in loads)


def test_a_wrong_pair_is_one_sentence(capsys, tmp_path):
    from latentlang.__main__ import main

    assert main(["precompute", "--pairs", "frzh", "--out", str(tmp_path)]) == 1
    assert "write source-target, such as fr-zh" in capsys.readouterr().err


def test_nothing_is_precomputed_without_weights(stored, tmp_path):
    from latentlang.runs.precompute import precompute

    with pytest.raises(TraceError, match="loaded without its weights"):
        next(precompute(stored, tmp_path / "out", [("fr", "zh")]))


def test_closing_a_stored_model_changes_nothing(stored):
    stored.close()
    assert len(ll.run_experiment(stored, *TASK, every=8, progress=False)) > 0


LONELY = """
import sys
import latentlang as ll
model = ll.load_model(sys.argv[1])
run = ll.run_experiment(model, "translation", "fr", "zh", every=8)
print(model, len(run), ll.plots.token_text(run.top_ids[0, -1, 0], model.tokenizer), sep="\\n")
print(ll.find_phases(run) is not None, ll.__file__, "tokenizers" in sys.modules)
"""


def test_answers_that_ship_need_no_weights_no_tokenizer_and_no_hub(prepared, tmp_path):
    """A copy of the library, with the answers in its data, in a process and a home of its own."""
    name, out, readings = prepared
    shutil.copytree(ROOT / "latentlang", tmp_path / "latentlang")
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shipped = shared_store(tmp_path / "data" / "results", name)
    shutil.copytree(shared_store(out, name), shipped)
    shutil.rmtree(shipped / "tokenizer")
    env = own_home(tmp_path) | {"PYTHONPATH": str(tmp_path)}
    env.pop("LATENTLANG_CACHE", None)
    command = [sys.executable, "-c", LONELY, name]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=env, cwd=tmp_path
    )
    assert "no weights loaded, stored answers" in done.stdout
    asked = set(ll.load_words().index[::8])
    first = next(n for n, each in enumerate(readings.prompts["concept"]) if each in asked)
    lines = done.stdout.splitlines()
    assert lines[1] == str(sum(concept in asked for concept in readings.prompts["concept"]))
    assert lines[2] and str(tmp_path) in lines[3] and first >= 0


def test_the_answers_that_ship_are_written_by_one_command(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(answers, "ROOT", tmp_path)
    name = str(tiny.folder("llama"))
    pair = {"source": "de", "target": "zh", "every": 8}
    asked = {"task": "translation", **pair}
    runs = [("notebook_02", asked), ("notebook_09", {**asked, "lens": "patchscope"})]
    monkeypatch.setattr(answers, "RUNS", tuple(Request(*each, name) for each in runs))
    monkeypatch.setattr(answers, "PIVOT_TESTS", (Request("notebook_08", pair, name),))
    answers.main(name)
    n_answers = len(answers.RUNS) + 1
    folder = shared_store(tmp_path / "data" / "results", name)
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(Store.open(folder, "").answers) == n_answers == len(contents) - 2
    answers.main(name)
    answers.main(name, ["notebook_08"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    said = capsys.readouterr().out
    assert (
        "damaged" not in said
        and "version" not in said
        and said.count(" bytes") == 2 * n_answers + 1
    )
    with pytest.raises(SystemExit, match="is stored for notebook_99: choose among notebook_02"):
        answers.main(name, ["notebook_99"])
    (folder / "model.json").write_text("[]")
    answers.main(name)
    assert "is damaged" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


@pytest.mark.parametrize("number_format", ["bfloat16", "float32"])
def test_one_more_answer_is_of_the_format_of_those_that_are_kept(
    tiny, tmp_path, monkeypatch, number_format
):
    """The fastest format of the machine that adds it may be another."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(answers, "ROOT", tmp_path)
    request = {"task": "translation", "source": "fr", "target": "zh", "every": 40}
    name = str(tiny.folder("llama"))
    monkeypatch.setattr(answers, "RUNS", (Request("notebook_02", request, name),))
    folder = shared_store(tmp_path / "data" / "results", name)
    write_facts(folder, facts_of(ll.load_model(name, dtype=number_format)))
    answers.main(name, ["notebook_02"])
    (inquiry,) = (store := Store.open(folder, "")).answers
    facts, _ = store.read(inquiry)
    assert store.facts.number_format == facts["number_format"] == number_format


def facts_of_model(text: str):
    return lambda folder: (folder / "model.json").write_text(text)


def index(change):
    """Return what changes the index of a folder."""

    def spoil(folder: Path) -> None:
        path = folder / "index.json"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return spoil


def question(**change):
    """Return what changes the first question of an index."""

    def spoil(rows: dict) -> dict:
        rows["answers"][0]["question"].update(change)
        return rows

    return index(spoil)


def climbing(rows: dict) -> dict:
    rows["answers"][0]["file"] = "../../results/other.safetensors"
    return rows


SPOILT = {
    "another version": facts_of_model('{"identity": {}, "n_layers": 4}'),
    "not JSON": facts_of_model("{"),
    "a list": facts_of_model("[]"),
    "nested without end": facts_of_model("[" * 100_000),
    "half a tokenizer": lambda folder: (folder / "tokenizer" / "tokenizer.json").write_text("{}"),
    "no tokenizer in its folder": lambda folder: [
        path.unlink() for path in (folder / "tokenizer").iterdir()
    ],
    "an index that is no JSON": lambda folder: (folder / "index.json").write_text("["),
    "an index nested without end": lambda folder: (folder / "index.json").write_text("[" * 100_000),
    "an index of bytes": lambda folder: (folder / "index.json").write_bytes(b"\xff\xfe\x00"),
    "a list as the index": index(lambda rows: rows["answers"]),
    "another format": index(lambda rows: rows | {"format": 99}),
    "a file elsewhere": index(climbing),
    "a folder as the task": question(task="../../secret"),
    "a number as the task": question(task=1),
    "a flag as a number": question(every=True),
    "every 0th concept": question(every=0),
    "a text as a number": question(k="4"),
    "an unknown choice": question(colour="red"),
    "a text as the concepts": question(concepts="sky"),
    "numbers as the concepts": question(concepts=[1]),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_stored_model_that_cannot_be_used_is_one_sentence(prepared, spoilt, spoil):
    spoil(spoilt)
    with pytest.raises(ModelError, match="another version of latentlang: run .*precompute"):
        ll.load_model(prepared[0])


def test_a_damaged_folder_is_not_in_the_menu(prepared, spoilt):
    assert prepared[0] in stored_names()
    SPOILT["a list"](spoilt)
    assert prepared[0] not in stored_names()


@pytest.mark.parametrize(
    ("fact", "value"), [("n_layers", "4"), ("name", "another"), ("revision", None)]
)
def test_a_stored_fact_of_another_kind_is_one_sentence(prepared, spoilt, fact, value):
    path = spoilt / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), fact: value}))
    with pytest.raises(ModelError, match="is damaged"):
        ll.load_model(prepared[0])


def rewrite(path: Path, row: dict, change) -> None:
    """Change the arrays and facts in a file, and its checksum in the index."""
    data = unpacked(path.read_bytes())
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    arrays, facts = load(data), json.loads(header["__metadata__"]["latentlang"])
    change(arrays, facts)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = packed(save(whole, metadata={"latentlang": json.dumps(facts)}))
    path.write_bytes(data)
    index = path.parent / "index.json"
    digest = hashlib.sha256(data).hexdigest()
    index.write_text(index.read_text().replace(row["sha256"], digest))


def answer_of(folder: Path) -> tuple[Path, dict]:
    """Return the path and the row of the answer that the tests below ask for."""
    rows = json.loads((folder / "index.json").read_text())["answers"]
    row = next(row for row in rows if row["question"]["task"] == "translation")
    return folder / row["file"], row


DAMAGES = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "one bit": lambda path: path.write_bytes(
        path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])
    ),
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "another answer": lambda path: path.write_bytes(
        next(p for p in path.parent.glob("cloze*.safetensors.gz")).read_bytes()
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_answer_is_one_sentence(prepared, spoilt, damage):
    path, _ = answer_of(spoilt)
    stored = ll.load_model(prepared[0])
    assert len(ll.run_experiment(stored, *TASK, progress=False))
    damage(path)
    with pytest.raises(ModelError, match=f"{path.name} is damaged.*precompute") as refused:
        ll.run_experiment(stored, *TASK, progress=False)
    assert "\n" not in str(refused.value)
    assert len(ll.run_experiment(stored, "cloze", target="zh", progress=False))


BOMBS = {
    "too many bytes": lambda data: packed(bytes(stores.LARGEST + 1)),
    "two streams": lambda data: packed(data) * 2,
    "bytes that are not packed": lambda data: data,
    "half a stream": lambda data: packed(data)[: len(packed(data)) // 2],
}


@pytest.mark.parametrize("pack", BOMBS.values(), ids=BOMBS)
def test_an_answer_that_does_not_unpack_is_one_sentence(prepared, spoilt, pack):
    """Its checksum is right, and no more memory is taken than the largest answer may need."""
    path, row = answer_of(spoilt)
    content = pack(unpacked(path.read_bytes()))
    path.write_bytes(content)
    index = spoilt / "index.json"
    digest = hashlib.sha256(content).hexdigest()
    index.write_text(index.read_text().replace(row["sha256"], digest))
    with pytest.raises(ModelError, match=f"{path.name} is damaged"):
        ll.run_experiment(ll.load_model(prepared[0]), *TASK, progress=False)


def with_facts(change):
    def spoil(arrays: dict, facts: dict) -> None:
        change(facts)

    return spoil


def with_arrays(**changes):
    def spoil(arrays: dict, facts: dict) -> None:
        for name, change in changes.items():
            arrays[name] = change(arrays[name])

    return spoil


def with_column(name: str, value: str):
    """Return what changes the last row of a column of the prompts."""
    return with_facts(lambda facts: facts["prompts"][name].__setitem__(-1, value))


HOSTILE = {
    "followed tokens that are not in the table": with_arrays(
        **{"followed.ids": lambda ids: ids.astype(np.uint32) + 60_000}
    ),
    "followed tokens in another order": with_arrays(**{"followed.ids": lambda ids: ids[:, ::-1]}),
    "half the followed tokens": with_arrays(**{"followed.ids": lambda ids: ids[:, ::2]}),
    "followed tokens of half the layers": with_arrays(
        **{"followed.log_probs": lambda values: values[:, ::2]}
    ),
    "followed tokens without numbers": lambda arrays, facts: arrays.pop("followed.log_probs"),
    "ids beyond the vocabulary": with_arrays(tokens=lambda ids: ids + 1_000_000),
    "candidates without a token": with_arrays(top_ids=lambda ids: ids.astype(np.uint32) + 60_000),
    "half the prompts": with_arrays(entropy=lambda values: values[::2]),
    "half the places": with_arrays(places=lambda values: values[::2]),
    "half the input ids": with_arrays(input_ends=lambda values: values[::2]),
    "layers twice": with_facts(lambda facts: facts.update(layers=[1, 1, 2, 3])),
    "another model": with_facts(lambda facts: facts.update(model="llama-2-7b")),
    "another revision": with_facts(lambda facts: facts.update(revision="x")),
    "another seed": with_facts(lambda facts: facts["setting"].update(seed=7)),
    "another version of a reading": with_facts(lambda facts: facts["readings"].update(rank=99)),
    "an unknown reading": with_facts(lambda facts: facts["readings"].update(mood=1)),
    "a reading fewer": lambda arrays, facts: (
        arrays.pop("entropy"),
        facts["readings"].pop("entropy"),
    ),
    "a number as the number format": with_facts(lambda facts: facts.update(number_format=16)),
    "prompts of another task": with_column("task", "repetition"),
    "prompts from another language": with_column("source", "de"),
    "prompts into another language": with_column("target", "de"),
    "prompts with another pivot": with_column("pivot", "de"),
    "no texts": with_facts(lambda facts: facts["prompts"].pop("text")),
    "numbers as concepts": with_facts(
        lambda facts: (
            facts["prompts"].update(concept=list(range(len(facts["prompts"]["concept"])))),
            facts["columns"].update(concept="int64"),
        )
    ),
    "a list as a special token": with_facts(lambda facts: facts["special"].update({"5": []})),
    "nothing": with_facts(lambda facts: facts.clear()),
    "a reading nobody knows": lambda arrays, facts: arrays.update(
        {"__class__.zh": arrays["entropy"]}
    ),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_about_something_else_is_one_sentence(prepared, spoilt, change):
    """Its checksum is right: whoever writes the file writes the index too."""
    path, row = answer_of(spoilt)
    rewrite(path, row, change)
    stored = ll.load_model(prepared[0])
    with pytest.raises(ModelError, match=f"{path.name} is damaged"):
        ll.run_experiment(stored, *TASK, progress=False)


def test_answers_from_before_there_was_following_are_read_as_they_are(prepared, spoilt):
    """Older files lack what follow= keeps, and what they lack is not in their runs."""
    path, row = answer_of(spoilt)

    def forget(arrays, facts):
        for name in [name for name in arrays if name.startswith("followed.")]:
            arrays.pop(name)

    stored = ll.load_model(prepared[0])
    assert ll.run_experiment(stored, *TASK, follow=True).followed is not None
    rewrite(path, row, forget)
    stored = ll.load_model(prepared[0])
    found = ll.run_experiment(stored, *TASK)
    assert len(found) and found.followed is None
    with pytest.raises(TraceError, match="What follow= asks for is not stored"):
        ll.run_experiment(stored, *TASK, follow=True)


def test_a_reading_that_was_added_since_is_missing_and_nothing_else(prepared, spoilt, monkeypatch):
    """Who adds a reading can go on working with what is stored, and is told what it lacks."""
    monkeypatch.setitem(READINGS, "doubt", Reading(entropy, "prompt", "doubt (bits)"))
    stored = ll.load_model(prepared[0])
    found = ll.run_experiment(stored, *TASK)
    assert len(found) and found.doubt is None
    with pytest.raises(DataError, match="This run has no reading 'doubt'. It has "):
        ll.plots.reading(found, "doubt")


@pytest.mark.more
def test_two_hundred_stored_numbers_are_what_the_demo_model_says(model):
    old, new = stored_sample.stored_and_fresh(model)
    assert len(old) == 200 and (old > 0.01).sum() > 20
    assert (old - new).abs().max() < 5e-4


@pytest.mark.more
def test_what_is_stored_of_the_demo_model_is_what_it_says_today(model):
    """All questions are compared, and a few prompts of each lens that takes no fit are read again.

    The tuned lens takes minutes to fit, and the shuffled one is a control: both are not read again.
    """
    store = Store.open(shared_store(ROOT / "data" / "results", model.name), "")
    for told in (differences, sweep_differences, pivot_differences, retrieval_differences):
        assert list(told(store, model)) == []
    assert len(store.answers) == len(answers.requests(model.name))
    stored = ll.load_model(model.name, stored=True)
    for lens in (None, "linear", "patchscope"):
        ask = {"task": "translation", "source": "ru", "target": "zh", "every": 60, "lens": lens}
        kept, again = (ll.run_experiment(each, **ask, progress=False) for each in (stored, model))
        assert list(kept.prompts["concept"]) == list(again.prompts["concept"])
        for code in again.languages:
            assert (kept.probability[code] - again.probability[code]).abs().max() < 1e-3
