"""``run_sweep`` asks what its protocols say, keeps the answer, and finds it without weights."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from test_stored import rewrite

import latentlang as ll
from latentlang.errors import DataError, ModelError, TraceError
from latentlang.lens.sweep import Sweeping
from latentlang.models.store import Store
from latentlang.models.store_files import write_facts
from latentlang.models.stored import facts_of, shared_store, stored_model
from latentlang.runs.stored_sweeps import keep_sweep, sweep_differences
from latentlang.runs.sweep_experiment import SweepExperiment, asked, material_of
from tools import answers
from tools.requested import Request

STEER = ("steer", ("en", "zh"), ("en", "fr"))
ERASE = ("erase", "en", ("de", "zh"))
FEW = {"every": 40, "progress": False}


@pytest.fixture(scope="module")
def one(tiny):
    return tiny("llama")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Keep the results of these tests in a cache of their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("sweeps")))
        patched.delenv("LATENTLANG_CACHE", raising=False)
        yield


@pytest.fixture(scope="module")
def steered(one) -> ll.Sweep:
    return ll.run_sweep(one, *STEER, **FEW, continue_tokens=3)


@pytest.fixture(scope="module")
def erased(one) -> ll.Sweep:
    return ll.run_sweep(one, *ERASE, **FEW)


def hooked(model, ids: list[int], layer: int, change, place: int = -1) -> torch.Tensor:
    """Return the next token's probabilities when one layer's output is changed, by a plain hook."""

    def hook(_, __, output):
        h = output if isinstance(output, torch.Tensor) else output[0]
        h[:, place] = change(h[:, place])

    handle = model.blocks[layer - 1].register_forward_hook(hook)
    try:
        return model.forward(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1)
    finally:
        handle.remove()


def latents(model, prompts, layer: int) -> torch.Tensor:
    """Return the latents of the last tokens after a layer, one prompt at a time."""
    rows: list[torch.Tensor] = []

    def keep(h: torch.Tensor) -> torch.Tensor:
        rows.append(h[0].clone())
        return h

    for prompt in prompts:
        hooked(model, model.tokenizer(prompt.text)["input_ids"], layer, keep)
    return torch.stack(rows)


def prompts_of(model, source: str, target: str):
    whole = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer)
    return whole.about(ll.load_words().index[:: FEW["every"]])


def test_steering_adds_the_difference_of_means_of_the_other_half(one, steered):
    away, there = prompts_of(one, "en", "fr"), prompts_of(one, "en", "zh")
    shared = {prompt.concept for prompt in away} & {prompt.concept for prompt in there}
    tested = list(steered.prompts["concept"])
    made_from = shared - set(tested)
    assert len(made_from) == len(shared) // 2, "no prompt was dropped, so the halves are known"
    for layer in steered.layers:
        vector = latents(one, there.about(made_from), layer).mean(0)
        vector -= latents(one, away.about(made_from), layer).mean(0)
        for row, concept in enumerate(tested):
            ids = one.tokenizer(away[concept].text)["input_ids"]
            chances = hooked(one, ids, layer, lambda h, v=vector: h + v)
            sets = {"zh": there[concept].token_ids["zh"], "fr": away[concept].token_ids["fr"]}
            sets["other:zh"] = there[concept].yardstick.token_ids["zh"]
            assert tuple(sets) == steered.labels
            for label, tokens in sets.items():
                wanted = chances[sorted(tokens)].sum().item()
                assert steered.probability[label][row, layer - 1].item() == pytest.approx(
                    wanted, abs=1e-5
                )
    assert (steered.probability["zh"] - steered.baseline["zh"][:, None]).abs().max() > 1e-4
    assert {"self", "random"} <= set(steered.controls)


def test_erasing_projects_off_the_rows_of_the_concepts_own_word(one, erased):
    prompts = prompts_of(one, "de", "zh").without_cognates()
    assert set(erased.prompts["concept"]) <= {prompt.concept for prompt in prompts}
    for row, concept in enumerate(erased.prompts["concept"]):
        prompt = prompts[concept]
        rows = one.folded_unembedding(sorted(prompt.token_ids["en"])).double()
        basis = torch.linalg.qr(rows.T)[0]
        ids = one.tokenizer(prompt.text)["input_ids"]
        for layer in (1, 4):
            chances = hooked(
                one, ids, layer, lambda h, b=basis: (h.double() - h.double() @ b @ b.T).float()
            )
            for label in ("en", "zh"):
                wanted = chances[sorted(prompt.token_ids[label])].sum().item()
                assert erased.probability[label][row, layer - 1].item() == pytest.approx(
                    wanted, abs=1e-5
                )
    assert erased.origin == "the word in English"
    assert "Erase: the word in English, at the last token" in ll.plots.describe(
        ll.plots.sweep(erased)
    )


def test_the_word_of_a_third_language_can_be_erased(one):
    sweep = ll.run_sweep(one, "erase", "fr", ("de", "zh"), **FEW)
    french = prompts_of(one, "de", "fr")
    assert sweep.labels == ("zh", "fr", "other:zh")
    assert set(sweep.prompts["concept"]) <= {prompt.concept for prompt in french}


def test_continuations_are_greedy_and_keep_the_change(one, steered):
    away = prompts_of(one, "en", "fr")
    there = prompts_of(one, "en", "zh")
    made_from = {p.concept for p in away} & {p.concept for p in there}
    made_from -= set(steered.prompts["concept"])
    for layer in (1, 4):
        vector = latents(one, there.about(made_from), layer).mean(0)
        vector -= latents(one, away.about(made_from), layer).mean(0)
        for row, concept in enumerate(steered.prompts["concept"]):
            ids = list(one.tokenizer(away[concept].text)["input_ids"])
            place, written = len(ids) - 1, []
            for _ in range(3):
                chances = hooked(one, ids + written, layer, lambda h, v=vector: h + v, place)
                written.append(int(chances.argmax()))
            assert steered.continuations[row][layer - 1] == one.tokenizer.decode(written)
    closed = [['"' in text for text in texts] for texts in steered.continuations]
    assert steered.closed.tolist() == closed


def test_a_question_is_answered_once(one, steered, monkeypatch):
    monkeypatch.setattr(Sweeping, "work", lambda *_: pytest.fail("computed again"))
    assert ll.run_sweep(one, *STEER, **FEW, continue_tokens=3) == steered


CHOICES = [
    {"seed": 1},
    {"at": "word"},
    {"onward": True},
    {"continue_tokens": 2},
    {"every": 20},
]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_choice_is_another_question(one, choice):
    first = asked(*STEER, every=40, continue_tokens=3)
    other = asked(*STEER, **{"every": 40, "continue_tokens": 3} | choice)
    keys = {SweepExperiment.of(one, q, material_of(one, q)).key for q in (first, other)}
    assert len(keys) == len({first.file, other.file}) == len({first.title, other.title}) == 2


def test_another_model_is_another_question(one, tiny):
    inquiry = asked(*STEER, every=40)
    models = (one, tiny("qwen2"))
    keys = {SweepExperiment.of(m, inquiry, material_of(m, inquiry)).key for m in models}
    assert len(keys) == 2


def test_a_damaged_or_strange_entry_is_computed_again(one, erased, home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    again = ll.run_sweep(one, *ERASE, **FEW)
    assert again == erased
    (path,) = tmp_path.glob("latentlang/results/*.safetensors")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.warns(UserWarning, match="is damaged; it will be computed again"):
        assert ll.run_sweep(one, *ERASE, **FEW) == erased
    replace(erased, at="word").save(path)
    with pytest.warns(UserWarning, match="is about something else"):
        assert ll.run_sweep(one, *ERASE, **FEW) == erased


def test_a_refresh_computes_again(one, erased, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ll.run_sweep(one, *ERASE, **FEW)
    calls, work = [], Sweeping.work
    monkeypatch.setattr(Sweeping, "work", lambda self, p: (calls.append(1), work(self, p)))
    ll.run_sweep(one, *ERASE, **FEW)
    assert not calls
    ll.run_sweep(one, *ERASE, **FEW, refresh=True)
    assert calls == [1]


def test_changed_weights_are_computed_and_not_kept(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    changed = tiny.fresh("llama")
    with torch.no_grad():
        changed.module.get_input_embeddings().weight.mul_(1.5)
    with pytest.warns(UserWarning, match="have changed since they were loaded"):
        ll.run_sweep(changed, *ERASE, **FEW)
    assert not list(tmp_path.glob("latentlang/results/*.safetensors"))


MISTAKES = [
    (("patched", ("fr", "en"), ("de", "zh")), {}, "Unknown protocol 'patched'.*mean 'patch'"),
    (("patch", "fr", ("de", "zh")), {}, r'source is a pair of languages, such as \("fr", "en"\)'),
    (("patch", ("fr", "en"), "zh"), {}, "into is a pair of languages"),
    (("patch", ("fr", "xx"), ("de", "zh")), {}, "xx"),
    (("patch", [("fr", "en"), ("de", "en")], ("de", "zh")), {}, "source is a pair"),
    (("erase", ("fr", "en"), ("de", "zh")), {}, "source is the language whose word is erased"),
    (("steer", ("en", "zh"), ("en", "fr")), {"every": 0}, "every is a whole number, 1 or more"),
    (("steer", ("en", "zh"), ("en", "fr")), {"every": 480}, "every=480|Too few concepts"),
    (("steer", ("en", "zh"), ("en", "fr")), {"continue_tokens": 7}, "a whole number, 0 to 6"),
    (("steer", ("en", "zh"), ("en", "fr")), {"at": None}, "at is 'last', 'word' or the number"),
    (
        ("steer", ("en", "zh"), ("en", "fr")),
        {"seed": "x"},
        "seed is a whole number, 0 to 4294967295",
    ),
    (("concept_mean", [], ("en", "zh")), {}, "source is a pair"),
]


@pytest.mark.parametrize(("arguments", "choices", "sentence"), MISTAKES)
def test_a_mistake_is_one_sentence(one, arguments, choices, sentence):
    with pytest.raises(DataError, match=sentence) as refused:
        ll.run_sweep(one, *arguments, **FEW | choices)
    assert "\n" not in str(refused.value)


def test_a_mean_of_the_target_itself_is_refused(one):
    with pytest.raises(DataError, match="the answer itself"):
        ll.run_sweep(one, "concept_mean", [("de", "it"), ("zh", "es")], ("en", "zh"), **FEW)


@pytest.fixture
def kept(one, steered, tmp_path, monkeypatch):
    """A model without weights, and the folder with its only answer, the steered sweep."""
    folder = shared_store(tmp_path, one.name)
    write_facts(folder, facts_of(one))
    keep_sweep(folder, steered, one, asked(*STEER, every=40, continue_tokens=3))
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path))
    return stored_model(one.name), folder


def test_a_stored_sweep_is_the_live_one_but_for_its_rounding(kept, steered):
    found = ll.run_sweep(kept[0], *STEER, **FEW, continue_tokens=3)
    for name, exact in steered.tensors().items():
        assert (found.tensors()[name] - exact).abs().max() <= 2e-4
        assert (found.tensors()[name] / exact - 1).abs()[exact > 1e-6].max() <= 0.004
    same = {name: getattr(steered, name) for name in ("probability", "baseline", "controls")}
    assert replace(found, **same) == steered
    assert ll.plots.sweep(found).layout.meta["message"]


def test_the_same_sweep_gives_the_same_bytes(kept, one, steered):
    folder = kept[1]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keep_sweep(folder, steered, one, asked(*STEER, every=40, continue_tokens=3))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(before) == 3


@pytest.mark.parametrize(
    "change",
    [*CHOICES, {"source": ("en", "de")}, {"into": ("en", "de")}, {"refresh": True}],
    ids=str,
)
def test_another_question_to_a_stored_model_is_one_sentence(kept, change):
    usual = dict(zip(("protocol", "source", "into"), STEER)) | FEW | {"continue_tokens": 3}
    with pytest.raises(TraceError) as refused:
        ll.run_sweep(kept[0], **usual | change)
    sentence = str(refused.value)
    assert "steer en-zh into en-fr · continue_tokens=3 (every=40)" in sentence
    assert "\n" not in sentence


def with_facts(change):
    return lambda arrays, facts: change(facts)


HOSTILE = {
    "another model": with_facts(lambda facts: facts.update(model="llama-2-7b")),
    "another position": with_facts(lambda facts: facts.update(at="word")),
    "another seed": with_facts(lambda facts: facts["setting"].update(seed=7)),
    "layers twice": with_facts(lambda facts: facts.update(layers=[1, 1, 2, 3])),
    "no continuations": with_facts(lambda facts: facts.update(continuations=[])),
    "numbers as texts": with_facts(lambda facts: facts.update(continuations=[[1, 2, 3, 4]] * 3)),
    "no prompts": with_facts(lambda facts: facts["prompts"].pop("text")),
    "half the prompts": lambda arrays, facts: arrays.update(
        probability=arrays["probability"][:, ::2]
    ),
    "a label fewer": with_facts(lambda facts: facts["labels"].pop()),
    "nothing": with_facts(lambda facts: facts.clear()),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_or_strange_answer_is_one_sentence(kept, change):
    _, folder = kept
    (row,) = json.loads((folder / "index.json").read_text())["answers"]
    rewrite(folder / row["file"], row, change)
    stored = stored_model(kept[0].name)
    with pytest.raises(ModelError, match=f"{row['file']} is damaged"):
        ll.run_sweep(stored, *STEER, **FEW, continue_tokens=3)


def test_a_stored_sweep_of_other_prompts_is_told(kept, one):
    _, folder = kept
    assert list(sweep_differences(Store.open(folder, ""), one)) == []
    elsewhere = replace(one, number_format="bfloat16")
    assert list(sweep_differences(Store.open(folder, ""), elsewhere)) == []
    (row,) = json.loads((folder / "index.json").read_text())["answers"]
    rewrite(folder / row["file"], row, with_facts(lambda facts: facts.update(experiment="x")))
    (told,) = sweep_differences(Store.open(folder, ""), one)
    assert "steer en-zh into en-fr" in told and "another version" in told


def test_the_command_keeps_sweeps_beside_runs(one, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(answers, "ROOT", tmp_path)
    monkeypatch.setattr(answers, "RUNS", ())
    request = dict(zip(("protocol", "source", "into"), ERASE)) | {"every": 40}
    monkeypatch.setattr(answers, "PIVOT_TESTS", ())
    name = str(tiny.folder("llama"))
    monkeypatch.setattr(answers, "SWEEPS", (Request("notebook_08", request, name),))
    for _ in range(2):
        answers.main(name)
        assert "erase en into de-zh (every=40): n = " in capsys.readouterr().out
    store = Store.open(shared_store(tmp_path / "data" / "results", name), "")
    assert list(store.answers) == [asked(**request)]


@pytest.mark.more
def test_a_patch_on_the_demo_model_changes_the_language_and_the_concept(model):
    """SCIENCE, section 2, on a few pairs: after layer 13 the answer is the source's, in English."""
    sweep = ll.run_sweep(model, "patch", ("fr", "en"), ("de", "zh"), every=48, progress=False)
    means = {label: values.mean(0) for label, values in sweep.probability.items()}
    assert max(means, key=lambda label: means[label][13]) == "A in en"
    assert max(means, key=lambda label: means[label][2]) == "B in zh"
    assert (sweep.prompts["source_concept"] != sweep.prompts["concept"]).all()
    itself = sweep.control("self")
    for label, values in itself.probability.items():
        torch.testing.assert_close(
            values, sweep.baseline[label][:, None].expand_as(values), atol=1e-4, rtol=0
        )
    random = sweep.controls["random"]["A in en"].mean(0)
    assert random.max() < 0.1 * means["A in en"].max()
