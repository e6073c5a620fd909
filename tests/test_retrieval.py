"""Retrieval against loops that are written out, and against runs whose answer is known."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace

import oracle
import pandas as pd
import pytest
import torch
from test_stored import rewrite, with_arrays, with_facts
from tiny import some_lens

import latentlang as ll
from latentlang.errors import DataError, LatentLangError, ModelError, TraceError
from latentlang.lens.run import Run
from latentlang.models import stored as stored_models
from latentlang.models.inquiry import inquiry_of
from latentlang.models.store import Store
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store, stored_model
from latentlang.prompts.cognates import grade
from latentlang.prompts.setting import Setting
from latentlang.runs.retrieval_experiment import (
    RetrievalExperiment,
    asked_retrieval,
    material_of_retrieval,
)
from latentlang.runs.stored_retrievals import keep_retrieval, retrieval_differences
from tools import answers, measure
from tools.requested import LARGER, Request


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Keep the results of these tests in a cache of their own."""
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("retrievals")
        patched.setenv("XDG_CACHE_HOME", str(folder))
        patched.delenv("LATENTLANG_CACHE", raising=False)
        yield folder


CONCEPTS = ["sky", "book", "sun", "tree", "sky"]


def planted(log_probs: torch.Tensor, concepts=CONCEPTS, **changed) -> Run:
    """A run with given log-probabilities ``[prompt, layer, token]``."""
    n, layers, width = log_probs.shape
    table = pd.DataFrame({"concept": concepts, "source": "fr", "text": concepts, "cognate": "no"})
    fields = {
        "model": "planted",
        "setting": Setting(task="translation", sources=("fr",), target="zh"),
        "layers": tuple(range(1, layers + 1)),
        "prompts": table,
        "readings": {"entropy": torch.zeros(n, layers)},
        "top_ids": torch.zeros(n, layers, 1, dtype=torch.int32),
        "top_probs": torch.ones(n, layers, 1),
        "watched": log_probs,
        "watch": tuple(range(width)),
    }
    return Run(**{**fields, **changed})


def sets_of(concepts, start: int = 0) -> list[set[int]]:
    names = list(dict.fromkeys(concepts))
    return [{start + names.index(concept)} for concept in concepts]


def by_hand(log_probs, concepts, sets) -> list[list[float]]:
    """The definition, one prompt, layer and candidate at a time."""
    names, retrieved = list(dict.fromkeys(concepts)), []
    for p, concept in enumerate(concepts):
        row = []
        for layer in range(log_probs.shape[1]):
            scores = {}
            for name in names:
                ids = sets[concepts.index(name)]
                words = [math.log(sum(math.exp(q[layer, i]) for i in ids)) for q in log_probs]
                others = [word for n, word in enumerate(words) if n != p]
                scores[name] = words[p] - sum(others) / len(others)
            row.append(float(max(scores, key=scores.get) == concept))
        retrieved.append(row)
    return retrieved


def test_it_equals_the_definition_written_out():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 30, 40, generator=generator)
    for n, concept in enumerate(CONCEPTS):  # enough of a signal that some are retrieved
        logits[n, :, sorted({7 * CONCEPTS.index(concept), 7 * CONCEPTS.index(concept) + 1})] += 1.5
    sets = [{7 * CONCEPTS.index(c), 7 * CONCEPTS.index(c) + 1} for c in CONCEPTS]
    log_probs = logits.log_softmax(-1)
    found = ll.retrieval(planted(log_probs), {"en": sets})
    expected = torch.tensor(by_hand(log_probs, CONCEPTS, sets))
    assert torch.equal(found.retrieved["en"], expected) and 0.3 < expected.mean() < 0.95
    assert found.chance == 0.25
    own = torch.stack([row[:, list(ids)].exp().sum(-1) for row, ids in zip(log_probs, sets)])
    torch.testing.assert_close(found.probability["en"], own)


def test_what_the_output_layer_prefers_changes_nothing():
    """One language is more probable by 9 nats, some words by more, some prompts by anything."""
    generator = torch.Generator().manual_seed(1)
    log_probs = torch.randn(5, 8, 8, generator=generator)
    liked = log_probs + 9 * torch.randn(8, generator=generator)
    liked = liked + torch.randn(5, 8, 1, generator=generator)
    tokens = {"en": sets_of(CONCEPTS), "zh": sets_of(CONCEPTS, 4)}
    plain, moved = (ll.retrieval(planted(each), tokens) for each in (log_probs, liked))
    for code in tokens:
        assert torch.equal(plain.retrieved[code], moved.retrieved[code])
        assert not torch.allclose(plain.probability[code], moved.probability[code])


def test_nothing_known_is_chance():
    concepts = [f"concept {n}" for n in range(20)]
    noise = torch.randn(20, 500, 20, generator=torch.Generator().manual_seed(2))
    found = ll.retrieval(planted(noise, concepts), {"en": sets_of(concepts)})
    assert found.chance == 0.05
    assert found.retrieved["en"].mean().item() == pytest.approx(0.05, abs=0.007)
    same = ll.retrieval(planted(0 * noise, concepts), {"en": sets_of(concepts)})  # all tie
    torch.testing.assert_close(same.retrieved["en"], torch.full((20, 500), 0.05))


def test_a_layer_that_knows_the_word_retrieves_it_however_rare():
    log_probs = torch.full((5, 1, 4), -30.0)
    for n, concept in enumerate(CONCEPTS):
        log_probs[n, 0, list(dict.fromkeys(CONCEPTS)).index(concept)] = -20.0
    found = ll.retrieval(planted(log_probs), {"en": sets_of(CONCEPTS)})
    assert found.retrieved["en"].min() == 1 and found.probability["en"].max() < 1e-8


def test_the_table_counts_concepts_and_the_difference_is_paired():
    generator = torch.Generator().manual_seed(3)
    log_probs = torch.randn(5, 6, 8, generator=generator)
    tokens = {"en": sets_of(CONCEPTS), "zh": sets_of(CONCEPTS, 4)}
    found = ll.retrieval(planted(log_probs), tokens)
    found = replace(found, ceiling={"en": torch.ones(3, 6)})
    table = found.to_frame()
    rows = table[table["language"] == "zh"]
    mean, lower, upper = ll.metrics.mean_ci(found.retrieved["zh"], "bootstrap", clusters=CONCEPTS)
    assert rows["retrieval"].tolist() == mean.tolist()
    assert rows["lower"].tolist() == lower.tolist() and rows["upper"].tolist() == upper.tolist()
    assert rows["ceiling"].isna().all() and (table["n"] == 5).all()
    assert (table.loc[table["language"] == "en", "ceiling"] == 1).all()
    gap = found.difference("en", "zh")["difference"]
    expected = (found.retrieved["en"] - found.retrieved["zh"]).mean(0)
    torch.testing.assert_close(torch.tensor(gap.tolist()), expected)
    with pytest.raises(DataError, match="Nothing was retrieved in 'fr'"):
        found.difference("en", "fr")


def test_run_retrieval_reads_the_prompts_it_says(tiny):
    """Against hooks, prompt by prompt, through a lens; no two words of a concept are alike."""
    model, codes = tiny("llama"), ["en", "zh", "es"]
    lens, ask = some_lens(model), {"every": 12, "progress": False}
    found = ll.run_retrieval(model, "translation", "de", "zh", codes, lens=lens, **ask)
    assert found.languages == tuple(codes) and found.lens == "some" and len(found) > 2
    words = ll.load_words()
    for concept in found.concepts:
        shown = [words.loc[concept, code][0] for code in ("de", *codes)]
        assert {grade(a, b) for a in shown for b in shown if a != b} == {"no"}
    prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
    prompts = prompts.about(found.concepts)
    tokens = {"zh": [prompt.token_ids["zh"] for prompt in prompts]}
    log_probs = torch.stack([oracle.through_lens(model, p.text, lens) for p in prompts])
    expected = by_hand(log_probs, list(found.concepts), tokens["zh"])
    assert (found.retrieved["zh"] - torch.tensor(expected)).abs().mean() < 0.02
    assert {code: rows.shape[1] for code, rows in found.ceiling.items()} == dict.fromkeys(codes, 4)


@pytest.mark.parametrize("source, target, codes", [("fr", "zh", ["en"]), ("de", "zh", ["ja"])])
def test_no_word_is_spelled_or_begins_as_another_or_as_the_shown_one_or_the_answer(
    tiny, source, target, codes
):
    """In mode prefix ``f`` begins fleur and flower: a copy of one would count for the other."""
    model, words = tiny("llama"), ll.load_words()
    material = material_of_retrieval(model, "translation", source, target, codes, every=4)
    prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer)
    expected, begins_alike = [], 0
    for concept in (prompt.concept for prompt in prompts.about(words.index[::4])):
        rows = [words.loc[concept, source][:1], *(words.loc[concept, c] for c in (*codes, target))]
        begins = [{i for w in row for i in ll.start_ids(w, model.tokenizer)} for row in rows]
        pairs = list(itertools.combinations(range(len(rows)), 2))
        spelled = {grade(v, w) for a, b in pairs for v in rows[a] for w in rows[b]} - {"no"}
        shared = any(begins[a] & begins[b] for a, b in pairs)
        begins_alike += shared and not spelled
        if all(begins[1:]) and not spelled and not shared:
            expected.append(concept)
    assert [prompt.concept for prompt in material.prompts] == expected
    assert len(expected) > 5 and (begins_alike > 5 or source != "fr")


def test_ceilings_are_about_the_same_concepts_whatever_the_pivot_is(tiny):
    """French words that are spelled as English ones stay: English is not looked for."""
    tokenizer = tiny("llama").tokenizer
    material = material_of_retrieval(tiny("llama"), "translation", "ru", "zh", ["fr"], every=4)
    concepts = [prompt.concept for prompt in material.prompts]
    assert [prompt.concept for prompt in material.repeated["fr"]] == concepts
    usual = ll.build_prompts("repetition", target="fr", tokenizer=tokenizer).about(concepts)
    assert 5 < len(usual) < len(concepts)
    assert all(material.repeated["fr"][each.concept].text == each.text for each in usual)


QUESTION = ("translation", "de", "zh", ["en", "zh"])
FEW = {"every": 24, "progress": False}


@pytest.fixture(scope="module")
def found(tiny):
    return ll.run_retrieval(tiny("llama"), *QUESTION, **FEW)


@pytest.fixture
def work(tiny, found):
    """Return a list to which every forward pass of the model adds one, after the answer is kept."""
    passes: list[int] = []
    hook = tiny("llama").blocks[0].register_forward_hook(lambda *_: passes.append(1))
    yield passes
    hook.remove()


def test_the_second_time_nothing_is_computed(tiny, found, work):
    assert ll.run_retrieval(tiny("llama"), *QUESTION, **FEW) == found and not work
    again = ll.run_retrieval(tiny("llama"), *QUESTION, **FEW, refresh=True)
    assert again == found and work


def test_a_file_holds_every_number_and_fact(found, tmp_path):
    again = ll.Retrieval.load(found.save(tmp_path / "retrieval.safetensors"))
    assert again == found and again.to_frame().equals(found.to_frame())
    assert (again.layers, again.concepts, again.setting) == (
        found.layers,
        found.concepts,
        found.setting,
    )
    assert again != replace(found, lens="another")
    other = {"en": 1 - found.retrieved["en"], "zh": found.retrieved["zh"]}
    assert again != replace(found, retrieved=other)
    with pytest.raises(DataError, match=r"not a file that Run.save wrote"):
        ll.Run.load(tmp_path / "retrieval.safetensors")


def some_words(more: bool = False) -> pd.DataFrame:
    """A short word list; with ``more``, each English word has one more spelling."""
    words = ll.load_words().iloc[::12]
    return words.assign(en=[(*cell, f"old {cell[0]}") if more else cell for cell in words["en"]])


def test_another_lens_or_word_list_is_another_entry(tiny, found, work, home):
    model = tiny("llama")
    lenses = [some_lens(model), some_lens(model, seed=1)]
    before = set(home.glob("latentlang/results/*.safetensors"))
    results = [ll.run_retrieval(model, *QUESTION, **FEW, lens=lens) for lens in lenses]
    lists = [{"words": some_words(more), "progress": False} for more in (False, True)]
    results += [ll.run_retrieval(model, *QUESTION, **each) for each in lists]
    assert len(set(home.glob("latentlang/results/*.safetensors")) - before) == 4
    assert not torch.equal(results[0].retrieved["en"], results[1].retrieved["en"])
    passes = len(work)
    again = [ll.run_retrieval(model, *QUESTION, **FEW, lens=lens) for lens in lenses]
    again += [ll.run_retrieval(model, *QUESTION, **each) for each in lists]
    assert again == results and len(work) == passes
    assert ll.run_retrieval(model, *QUESTION, **FEW) == found


def test_every_choice_is_another_question(tiny):
    def key(architecture: str = "llama", lens=None, **changed) -> str:
        usual = {"task": "translation", "source": "de", "target": "zh", "codes": ("en", "zh")}
        model, short = tiny(architecture), {"words": some_words(), "every": 2}
        material = material_of_retrieval(model, **usual | short | changed)
        return RetrievalExperiment.of(model, material, lens).key

    keys = [key(), key(every=1), key(codes=("en",)), key(codes=("en", "es")), key(source="fr")]
    keys += [key(target="es"), key(task="repetition", source=None), key(words=some_words(True))]
    keys += [key("qwen2"), key(lens=some_lens(tiny("llama")))]
    assert len(set(keys)) == len(keys) and key() == keys[0]


def test_a_damaged_or_strange_entry_is_computed_again(tiny, found, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = tiny("llama")
    assert ll.run_retrieval(model, *QUESTION, **FEW) == found
    (path,) = tmp_path.glob("latentlang/results/*.safetensors")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.warns(UserWarning, match="is damaged; it will be computed again"):
        assert ll.run_retrieval(model, *QUESTION, **FEW) == found
    for strange in (found.only(["en"]), replace(found, lens="some"), replace(found, ceiling={})):
        strange.save(path)
        with pytest.warns(UserWarning, match="is about something else"):
            assert ll.run_retrieval(model, *QUESTION, **FEW) == found


def test_changed_weights_are_computed_and_not_kept(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    changed = tiny.fresh("llama")
    with torch.no_grad():
        changed.module.get_input_embeddings().weight.mul_(1.5)
    with pytest.warns(UserWarning, match="have changed since they were loaded"):
        ll.run_retrieval(changed, *QUESTION, **FEW)
    assert not list(tmp_path.glob("latentlang/results/*.safetensors"))


def test_a_lens_that_knows_the_concepts_is_named_each_time(tiny):
    model = tiny("llama")
    lens = some_lens(model, concepts=tuple(ll.load_words().index))
    for _ in range(2):
        with pytest.warns(UserWarning, match="fitted on sentences about") as said:
            ll.run_retrieval(model, *QUESTION, **FEW, lens=lens)
        assert len(said) == 1
    with pytest.raises(LatentLangError, match="lens is a int: pass a lens"):
        ll.run_retrieval(model, *QUESTION, **FEW, lens=3)


def test_progress_counts_all_prompts_once(tiny, found, work):
    told: list[tuple[int, int]] = []
    ask = {**FEW, "progress": lambda done, total: told.append((done, total)), "refresh": True}
    ll.run_retrieval(tiny("llama"), *QUESTION, **ask)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (3 * len(found), 3 * len(found)) and work


def test_tensors_that_do_not_belong_together_are_refused(found):
    with pytest.raises(DataError, match="one row per prompt and one column per layer"):
        replace(found, layers=found.layers[1:])
    with pytest.raises(DataError, match="must have the same languages"):
        replace(found, probability={})
    with pytest.raises(DataError, match="must have the same languages"):
        replace(found.only(["zh"]), ceiling=found.ceiling)


FAULTS = {
    "not watched": ({"watch": (), "watched": None}, "were not watched"),
    "one concept": ({"concepts": ["sky"] * 5}, "at least two concepts"),
    "no concept": ({"concepts": [""] * 5}, "at least two concepts"),
    "NaN": ({"watched": torch.full((5, 2, 4), math.nan)}, "not finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_that_cannot_be_used_is_one_sentence(fault):
    changed, sentence = FAULTS[fault]
    concepts = changed.get("concepts", CONCEPTS)
    changed = {name: value for name, value in changed.items() if name != "concepts"}
    run = planted(torch.zeros(5, 2, 4), concepts, **changed)
    with pytest.raises(DataError, match=sentence):
        ll.retrieval(run, {"en": sets_of(concepts)})


def test_sets_that_do_not_fit_are_one_sentence():
    run = planted(torch.zeros(5, 2, 4))
    with pytest.raises(DataError, match="tokens of 2 words in 'en', and 5 prompts"):
        ll.retrieval(run, {"en": sets_of(CONCEPTS)[:2]})
    with pytest.raises(DataError, match="A word in 'en' has no token"):
        ll.retrieval(run, {"en": [set()] * 5})
    for tokens in ({}, [1]):
        with pytest.raises(DataError, match="in at least one language: pass {'en': "):
            ll.retrieval(run, tokens)
    with pytest.raises(TraceError, match="1 are not token ids"):
        ll.retrieval(run, {"en": [1] * 5})


MISTAKES = {
    "an unknown language": ({"languages": ["english"]}, "Unknown language 'english'"),
    "no list": ({"languages": None}, "Unknown language 'None'"),
    "a list too many": ({"languages": [["en"]]}, "Unknown language .* lists the codes"),
    "every is a truth value": ({"every": True}, "every is a whole number, 1 or more, not True"),
    "no language": ({"languages": []}, "at least one language"),
    "every": ({"every": 0}, "every is a whole number, 1 or more, not 0"),
    "too few": (
        {"every": 10_000},
        "leaves fewer than two concepts whose words differ in de, en, fr, zh",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(tiny, mistake):
    changed, sentence = MISTAKES[mistake]
    ask = {"languages": ["en", "fr"], "every": 12, "progress": False, **changed}
    with pytest.raises(LatentLangError, match=sentence):
        ll.run_retrieval(tiny("llama"), "translation", "de", "zh", **ask)


ASKED = asked_retrieval(*QUESTION, every=24)


@pytest.fixture(scope="module")
def written(tiny, found, tmp_path_factory):
    """The folder with the only stored answer of a model."""
    model = tiny("llama")
    folder = shared_store(tmp_path_factory.mktemp("written"), model.name)
    write_facts(folder, facts_of(model))
    keep_retrieval(folder, found, model, ASKED)
    return folder


@pytest.fixture
def kept(tiny, written, tmp_path, monkeypatch):
    """A model without weights and tokenizer, and a copy of the folder with its only answer."""
    folder = shared_store(tmp_path, tiny("llama").name)
    shutil.copytree(written, folder)
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path))
    return stored_model(tiny("llama").name), folder


def only_row(folder) -> dict:
    (row,) = json.loads((folder / "index.json").read_text())["answers"]
    return row


def test_a_stored_retrieval_is_the_live_one(tiny, found, kept):
    stored, folder = kept
    with pytest.raises(LatentLangError, match="no tokenizer|weights"):
        stored.tokenizer("Blume")
    again = ll.run_retrieval(stored, *QUESTION, **FEW)
    assert again == found and again.to_frame().equals(found.to_frame())
    assert all(tensor.dtype == torch.float32 for tensor in again.tensors().values())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keep_retrieval(folder, found, tiny("llama"), ASKED)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_shared_first_place_is_kept_exactly(tiny, found, kept):
    """Any number of words may share the highest score, up to all of them."""
    stored, folder = kept
    counts = torch.arange(found.retrieved["en"].numel()).reshape(found.retrieved["en"].shape)
    counts = counts % (len(found) + 1)
    parts = torch.where(counts > 0, torch.ones(()) / counts, 0)
    shared = replace(found, retrieved={"en": parts, "zh": parts.flip(0)}, ceiling=found.ceiling)
    keep_retrieval(folder, shared, tiny("llama"), ASKED)
    again = ll.run_retrieval(stored_model(stored.name), *QUESTION, **FEW)
    assert again == shared and set(counts.flatten().tolist()) == set(range(len(found) + 1))


OTHERS = {
    "every": {"every": 48},
    "a language fewer": {"languages": ["en"]},
    "another order": {"languages": ["zh", "en"]},
    "another source": {"source": "fr"},
    "another task": {"task": "repetition", "source": None},
    "a lens": {"lens": "linear"},
    "words": {"words": some_words()},
    "refresh": {"refresh": True},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_another_question_to_a_stored_model_is_one_sentence(kept, change):
    names = ("task", "source", "target", "languages")
    ask = {**dict(zip(names, QUESTION)), **FEW, **change}
    listed = r"\(retrieval in en\+zh · translation de → zh \(every=24\)\)"
    with pytest.raises(TraceError, match=rf"is not stored.*{listed}") as refused:
        ll.run_retrieval(kept[0], **ask)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("mistake", sorted(MISTAKES.keys() - {"too few"}))
def test_a_mistake_to_a_stored_model_is_the_same_sentence(kept, mistake):
    changed, sentence = MISTAKES[mistake]
    ask = {"languages": ["en", "fr"], "every": 12, "progress": False, **changed}
    with pytest.raises(DataError, match=sentence):
        ll.run_retrieval(kept[0], "translation", "de", "zh", **ask)


def first_changed(value: float):
    """Return what changes the first number of an array."""

    def change(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return change


HOSTILE = {
    "another model": with_facts(lambda facts: facts.update(model="llama-2-7b")),
    "another revision": with_facts(lambda facts: facts.update(revision="x")),
    "another lens": with_facts(lambda facts: facts.update(lens="linear")),
    "another seed": with_facts(lambda facts: facts["setting"].update(seed=7)),
    "another source": with_facts(lambda facts: facts["setting"].update(sources=["fr"])),
    "a number as the number format": with_facts(lambda facts: facts.update(number_format=16)),
    "other layers": with_facts(lambda facts: facts.update(layers=[1, 2, 3, 5])),
    "another order": with_facts(lambda facts: facts["languages"]["retrieved"].reverse()),
    "no ceiling": with_facts(lambda facts: facts["languages"].update(ceiling=[])),
    "a language fewer": lambda arrays, facts: arrays.pop("probability.en"),
    "numbers as concepts": with_facts(
        lambda facts: facts.update(concepts=list(range(len(facts["concepts"]))))
    ),
    "a concept twice": with_facts(
        lambda facts: facts["concepts"].__setitem__(0, facts["concepts"][1])
    ),
    "an unknown concept": with_facts(lambda facts: facts["concepts"].__setitem__(0, "nothing")),
    "a list as a concept": with_facts(lambda facts: facts["concepts"].__setitem__(0, ["book"])),
    "a ceiling of no prompt": with_arrays(**{"ceiling.en": lambda array: array[:0]}),
    "half the prompts": with_arrays(**{"retrieved.en": lambda array: array[::2]}),
    "more than 1": with_arrays(**{"probability.zh": first_changed(1.5)}),
    "less than 0": with_arrays(**{"probability.zh": first_changed(-0.5)}),
    "NaN": with_arrays(**{"probability.zh": first_changed(math.nan)}),
    "numbers of another kind": with_arrays(**{"ceiling.en": lambda array: array.astype(float)}),
    "more words than candidates": with_arrays(**{"retrieved.zh": first_changed(999)}),
    "no experiment": with_facts(lambda facts: facts.pop("experiment")),
    "nothing": with_facts(lambda facts: facts.clear()),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_or_strange_answer_is_one_sentence(kept, change):
    stored, folder = kept
    row = only_row(folder)
    rewrite(folder / row["file"], row, change)
    with pytest.raises(ModelError, match=f"{row['file']} is damaged"):
        ll.run_retrieval(stored_model(stored.name), *QUESTION, **FEW)


def test_a_file_that_is_cut_off_is_one_sentence(kept):
    stored, folder = kept
    path = folder / only_row(folder)["file"]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match=f"{path.name} is damaged"):
        ll.run_retrieval(stored, *QUESTION, **FEW)


def test_another_folder_answers_for_a_damaged_one(kept, found, tmp_path, monkeypatch):
    _, folder = kept
    whole = shutil.copytree(folder, tmp_path / "whole" / "stored" / folder.name)
    places = [(folder.parent, "mend it"), (whole.parent, "mend it")]
    monkeypatch.setattr(stored_models, "_places", lambda: places)
    path = folder / only_row(folder)["file"]
    path.write_bytes(b"")
    stored = stored_model(kept[0].name)
    with pytest.warns(UserWarning, match=f"{path.name} is damaged") as said:
        assert ll.run_retrieval(stored, *QUESTION, **FEW) == found
    assert [each.filename for each in said] == [__file__]


def test_a_folder_of_another_model_is_refused(kept):
    stored, folder = kept
    facts = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**facts, "n_layers": facts["n_layers"] + 1}))
    with pytest.raises(ModelError, match="is damaged"):
        ll.run_retrieval(stored_model(stored.name), *QUESTION, **FEW)


def test_a_stored_retrieval_of_other_prompts_is_told(tiny, kept):
    model, folder = tiny("llama"), kept[1]
    assert list(retrieval_differences(Store.open(folder, ""), model)) == []
    elsewhere = replace(model, number_format="bfloat16")
    assert list(retrieval_differences(Store.open(folder, ""), elsewhere)) == []
    row = only_row(folder)
    rewrite(folder / row["file"], row, with_facts(lambda facts: facts.update(experiment="x")))
    (told,) = retrieval_differences(Store.open(folder, ""), model)
    assert "retrieval in en+zh · translation de → zh" in told and "another version" in told
    (folder / row["file"]).write_bytes(b"")
    (told,) = retrieval_differences(Store.open(folder, ""), model)
    assert "is damaged" in told


def test_a_question_is_a_row_of_an_index_and_no_other_row_is():
    questions = [ASKED, asked_retrieval("repetition", None, "zh", ["zh"], every=2)]
    questions += [asked_retrieval("cloze", "zh", "zh", ["zh"]), replace(ASKED, every=12)]
    assert [inquiry_of(each.row) for each in questions] == questions
    assert len({each.file for each in questions}) == len(questions)
    strange: list[dict] = [{"retrieval": False}, {"every": 0}, {"every": True}, {"source": "../x"}]
    strange += [{"languages": ""}, {"languages": "en+en"}, {"languages": ["en"]}, {"more": 1}]
    for change in strange:
        with pytest.raises(ValueError):
            inquiry_of(ASKED.row | change)


def test_the_command_keeps_a_retrieval_once_for_all_places_that_show_it(
    tiny, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(answers, "ROOT", tmp_path)
    for listed in ("RUNS", "SWEEPS", "PIVOT_TESTS"):
        monkeypatch.setattr(answers, listed, ())
    names, name = ("task", "source", "target", "languages"), str(tiny.folder("llama"))
    first = {**dict(zip(names, QUESTION)), "every": 24}
    second = {**first, "languages": ["zh"]}
    shown = [("atlas", first), ("notebook_10", first), ("notebook_10", second)]
    requests = tuple(Request(*each, name) for each in shown)
    monkeypatch.setattr(answers, "RETRIEVALS", requests)
    folder = shared_store(tmp_path / "data" / "results", name)
    for only, n_kept in ((["atlas"], 1), (["notebook_10"], 2), (["notebook_10", "atlas"], 2)):
        shutil.rmtree(folder, ignore_errors=True)
        answers.main(name, only)
        assert capsys.readouterr().out.count(": n = ") == n_kept
        assert len(Store.open(folder, "").answers) == n_kept
    answers.main(name)
    said = capsys.readouterr().out
    assert said.count(": n = ") == 2 and "version" not in said
    assert ASKED in Store.open(folder, "").answers
    rows = json.loads((folder / "index.json").read_text())["answers"]
    row = next(each for each in rows if each["file"] == ASKED.file)
    change = with_facts(lambda facts: facts.update(experiment="x"))
    rewrite(folder / ASKED.file, row, change)
    answers.main(name, ["atlas"])
    assert f"{ASKED.title}: its prompts or tokens are those" in capsys.readouterr().out


def test_requests_with_the_default_written_out_are_one_question():
    ask = {"task": "translation", "source": "fr", "target": "zh", "every": 4}
    asked = Request("notebook_02", ask)
    same = Request("notebook_10", {**ask, "lens": None, "seed": 0})
    others = [{"seed": 1}, {"lens": "linear"}, {"every": 8}, {"languages": ["en"]}]
    assert asked.question == same.question
    assert asked.question != replace(asked, model="gemma-3-270m").question
    assert len({asked.question, *(replace(asked, arguments=ask | o).question for o in others)}) == 5


@pytest.mark.parametrize(("name", "n_pairs"), [("gemma-3-270m", 3), (LARGER, 2)])
def test_what_is_stored_is_asked_once(name, n_pairs):
    """Each place alone asks for all that it shows, also where another place is listed first."""
    stored = answers.requests(name)
    assert len({each.question for each in stored}) == len(stored)
    for place, n_shown in (("notebook_10", 5 * n_pairs), ("atlas", 4)):
        shown = answers.requests(name, [place])
        assert {each.place for each in shown} == {place} and len(shown) == n_shown
        assert {each.question for each in shown} <= {each.question for each in stored}


def test_the_table_of_retrieval_has_what_the_results_say(tiny, monkeypatch):
    model = tiny("llama")
    monkeypatch.setattr(measure, "RETRIEVED", {("de", "zh"): ["en", "zh"]})
    table = measure.retrieval(model)
    assert list(table.columns) == list(ll.data.results("retrieval").columns)
    ask = {"languages": ["de", "en", "zh"], "progress": False}
    found = ll.run_retrieval(model, "translation", "de", "zh", **ask)
    assert set(table.pop("pair")) == {"de → zh"}
    columns = found.to_frame().columns
    pd.testing.assert_frame_equal(table[columns], found.to_frame())
    minus = table[["en_minus", "minus_lower", "minus_upper"]]
    assert minus[table["language"].isin(["de", "en"])].isna().all(axis=None)
    chinese = minus[table["language"] == "zh"].to_numpy()
    assert (chinese == found.difference("en", "zh").to_numpy()).all()
