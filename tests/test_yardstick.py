"""The yardstick of a prompt: another concept's words, which share nothing with the prompt."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import combinations, permutations

import oracle
import pandas as pd
import pytest
import torch
from test_sets import entries
from tiny import TEXTS, targets_for

import latentlang as ll
from latentlang.lens.readings import Reading
from latentlang.runs.experiment import Experiment, fits

PAIRS = list(permutations(("en", "zh", "de", "fr", "ru"), 2))  # the paper's languages


def without(prompts):
    """Return the same prompts without their yardsticks."""
    return replace(prompts, prompts=tuple(replace(p, yardstick=None) for p in prompts))


def begins(words: pd.DataFrame, concept: str, code: str, tokenizer, mode) -> frozenset[int]:
    return frozenset().union(*(start(word, tokenizer, mode) for word in words.at[concept, code]))


start = cache(ll.start_ids)  # the same words are asked for in every pair


def own_tokens(words: pd.DataFrame, prompt, tokenizer, mode) -> frozenset[int]:
    """Return every token that begins a word of a prompt in pivot, source and target, or counts."""
    concepts = (prompt.concept, *prompt.homographs)
    senses = {"en": concepts, prompt.target: concepts, prompt.source: concepts[:1]}
    sets = [begins(words, c, code, tokenizer, mode) for code, cs in senses.items() for c in cs]
    return frozenset().union(*sets, *prompt.token_ids.values())


@pytest.fixture(scope="module")
def read(tiny):
    """A few prompts of a random Llama, and their run."""
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer, mode="first")
    few = prompts[:7]
    assert all(prompt.yardstick for prompt in few)
    return few, ll.decode(model, few, keep_latents=True, progress=False)


def others_of(run: ll.Run) -> dict[str, torch.Tensor]:
    return {k: values for k, values in run.probability.items() if k not in run.languages}


def test_the_probability_of_the_yardstick_by_hand(model, words):
    """Sums of the softmax over Start(w) of the other concept, with plain forward hooks."""
    tokenizer = model.tokenizer
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=tokenizer, seed=3)[:120:40]
    run = ll.decode(model, prompts, progress=False)
    assert set(others_of(run)) == {"other:en", "other:zh", "other:fr"}
    spelled = {c: {w for cell in words[c] for w in cell} for c in ("en", "zh", "fr")}
    for row, prompt in enumerate(prompts):
        other, reading = prompt.yardstick.concept, oracle.read(model, prompt.text)
        assert run.prompts.at[row, "yardstick"] == other != prompt.concept
        for code in ("en", "zh", "fr"):
            # A token that spells another word of the list does not count, as everywhere.
            foreign = spelled[code] - set(words.at[other, code])
            ids = {
                i
                for i in begins(words, other, code, tokenizer, None)
                if tokenizer.decode([i]).strip() not in foreign
            }
            assert ids
            torch.testing.assert_close(
                run.probability[f"other:{code}"][row],
                reading.probability(ids)[1:],
                atol=1e-6,
                rtol=0,
            )


@pytest.mark.parametrize("mode", [None, "prefix"])
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_yardstick_shares_no_token_with_its_prompt(source, target, mode, tokenizer, words):
    prompts = ll.build_prompts("translation", source, target, tokenizer=tokenizer, mode=mode)
    for prompt in prompts:
        sets = prompt.yardstick.token_ids
        assert sets.keys() == prompt.token_ids.keys() and all(sets.values())
        own = own_tokens(words, prompt, tokenizer, mode)
        assert all(a.isdisjoint(b) for a, b in combinations([own, *sets.values()], 2))
        for code, ids in sets.items():
            assert ids <= begins(words, prompt.yardstick.concept, code, tokenizer, mode)


@pytest.mark.parametrize(("source", "target"), [("fr", "zh"), ("ru", "de"), ("en", "ru")])
def test_in_llama_2_too(source, target, llama2_tokenizer, words):
    prompts = ll.build_prompts("translation", source, target, tokenizer=llama2_tokenizer)
    whole = 0
    for prompt in prompts:
        own = own_tokens(words, prompt, llama2_tokenizer, "prefix")
        other, sets = prompt.yardstick.concept, prompt.yardstick.token_ids
        assert all(sets.values())
        assert all(a.isdisjoint(b) for a, b in combinations([own, *sets.values()], 2))
        whole += all(sets[c] == begins(words, other, c, llama2_tokenizer, "prefix") for c in sets)
    assert whole / len(prompts) > 0.9, "nearly all keep all their tokens"


def test_where_all_words_share_a_token_it_does_not_count(llama2_tokenizer, words):
    """Each Hindi word begins with the byte E0; a yardstick that shares only this is found."""
    prompts = ll.build_prompts("translation", "en", "hi", tokenizer=llama2_tokenizer)
    byte = llama2_tokenizer.get_vocab()["<0xE0>"]
    for prompt in prompts:
        assert byte in prompt.token_ids["hi"]
        other, sets = prompt.yardstick.concept, prompt.yardstick.token_ids
        assert begins(words, other, "hi", llama2_tokenizer, "prefix") - sets["hi"] == {byte}
        assert begins(words, other, "en", llama2_tokenizer, "prefix") == sets["en"]


@pytest.mark.parametrize("control", [None, "shuffled", "random", "sw"])
def test_no_word_of_the_prompt_is_the_yardstick(control, tokenizer, words):
    prompts = ll.build_prompts("translation", "de", "fr", tokenizer=tokenizer, control=control)
    codes = ["en", "de", "fr"]
    spellings = {
        c: {w.casefold() for cell in row for w in cell}
        for c, row in zip(words.index, words[codes].itertuples(index=False))
    }
    for prompt in prompts:
        other = prompt.yardstick
        shown = set().union(*(spellings[c] for c in (prompt.concept, *prompt.demos)))
        assert shown.isdisjoint(spellings[other.concept])
        assert other.token_ids.keys() == prompt.token_ids.keys()
        own = own_tokens(words, prompt, tokenizer, None)
        assert own.isdisjoint(frozenset().union(*other.token_ids.values()))
    if control == "random":
        begun = [begins(words, p.yardstick.concept, "en", tokenizer, None) for p in prompts]
        assert all(p.yardstick.token_ids["en"] <= ids for p, ids in zip(prompts, begun))


def test_nearly_every_concept_is_a_yardstick_once(tokenizer):
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=tokenizer)
    uses = Counter(prompt.yardstick.concept for prompt in prompts)
    assert len(uses) > 0.95 * len(prompts) and max(uses.values()) <= 3


def test_the_draw_goes_by_the_seed_alone(tokenizer, words):
    def drawn(**changed):
        ask = {"tokenizer": tokenizer, "words": words} | changed
        return {p.concept: p.yardstick for p in ll.build_prompts("translation", "fr", "zh", **ask)}

    first = drawn()
    assert drawn() == first
    assert drawn(control="shuffled").items() <= first.items()
    other = drawn(seed=1)
    assert sum(other[c] == first[c] for c in first) < 0.1 * len(first)
    reordered = words.sample(frac=1, random_state=0)  # another list is another draw, and has one
    assert all(drawn(words=reordered).values())


@pytest.mark.parametrize("task", ["translation", "repetition", "cloze"])
def test_the_other_numbers_stay_as_they_are(task, tiny):
    """Bit for bit; and the yardstick is in no table and in no count of languages."""
    model = tiny("llama")
    source = "fr" if task == "translation" else None
    ask = {"tokenizer": model.tokenizer, "mode": "first"}
    prompts = ll.build_prompts(task, source, "zh", **ask)[:6]
    run, plain = (
        ll.decode(model, each, keep_latents=True, progress=False)
        for each in (prompts, without(prompts))
    )
    assert run.languages == plain.languages and run.pair == plain.pair
    assert set(others_of(run)) == {f"other:{code}" for code in run.languages}
    assert not others_of(plain) and set(run.rank) == set(plain.rank) == set(run.languages)
    tensors = run.tensors()
    assert tensors.keys() - plain.tensors().keys() == {
        f"probability.other:{code}" for code in run.languages
    }
    for name, tensor in plain.tensors().items():
        assert torch.equal(tensors[name], tensor), name
    assert run.to_frame().equals(plain.to_frame())
    assert ll.summarize(run).equals(ll.summarize(plain))
    assert ll.headlines({"run": run}).equals(ll.headlines({"run": plain}))
    drawn = [ll.plots.table(ll.plots.language_probability(each)) for each in (run, plain)]
    assert drawn[0].drop(columns="another concept's words").equals(drawn[1])
    shares = [
        ll.plots.language_probability(each, scale="share of the followed languages")
        for each in (run, plain)
    ]
    assert shares[0].to_json() == shares[1].to_json()


def test_a_subset_has_the_same_yardsticks(read, tiny):
    prompts, run = read
    part = ll.decode(tiny("llama"), prompts[[1, 4]], progress=False)
    assert part.prompts["yardstick"].tolist() == [prompts[i].yardstick.concept for i in (1, 4)]
    for label, values in others_of(run).items():
        torch.testing.assert_close(part.probability[label], values[[1, 4]], atol=1e-6, rtol=1e-4)


def test_a_yardstick_is_cut_saved_and_put_together(read, tmp_path):
    _, run = read
    loaded = ll.Run.load(run.save(tmp_path / "run.safetensors"))
    together = ll.Run.concatenate([run[:2], run[2:]])
    for label, values in others_of(run).items():
        assert values.shape == (7, 4) and (values > 0).all()
        assert torch.equal(run[2:5].between(2, 3).probability[label], values[2:5, 1:3])
        assert torch.equal(loaded.probability[label], values)
        assert torch.equal(together.probability[label], values)
    assert loaded.languages == together.languages == run.languages == ("en", "zh", "fr")


def test_a_pool_keeps_the_yardsticks_that_all_parts_have(tiny):
    model = tiny("llama")
    sets = [
        ll.build_prompts("translation", code, "zh", tokenizer=model.tokenizer, mode="first")[:4]
        for code in ("fr", "de")
    ]
    whole = ll.decode(model, sets[0] + sets[1], progress=False)
    parts = [ll.decode(model, each, progress=False) for each in sets]
    pooled = ll.Run.concatenate(parts)
    for run in (whole, pooled):
        assert run.languages == ("en", "zh") and set(others_of(run)) == {"other:en", "other:zh"}
    bare = ll.decode(model, without(sets[1]), progress=False)
    for runs in ([parts[0], bare], [bare, parts[0]]):
        assert not others_of(ll.Run.concatenate(runs))
    assert not others_of(ll.decode(model, sets[0] + without(sets[1]), progress=False))


def test_every_position_has_a_yardstick(read, tiny):
    prompts, run = read
    several = ll.decode(tiny("llama"), prompts[0], positions=3, progress=False)
    last = several.last_position()
    for label, values in others_of(run).items():
        assert several.probability[label].shape == (1, 3, 4)
        torch.testing.assert_close(last.probability[label], values[:1], atol=1e-6, rtol=1e-4)


def test_a_typed_text_has_one_if_it_is_named(read, tiny):
    prompts, run = read
    model, prompt = tiny("llama"), prompts[0]
    plain = ll.decode(model, [prompt.text], [prompt.token_ids], progress=False)
    assert not others_of(plain)
    named = prompt.token_ids | {"other:zh": prompt.yardstick.token_ids["zh"]}
    typed = ll.decode(model, [prompt.text], [named], progress=False)
    assert typed.languages == plain.languages and set(typed.rank) == set(plain.rank)
    assert set(others_of(typed)) == {"other:zh"}
    torch.testing.assert_close(
        typed.probability["other:zh"][0], run.probability["other:zh"][0], atol=1e-6, rtol=1e-4
    )


def test_too_short_a_list_has_no_yardstick(words, tiny):
    """Five words and four demonstrations: every other word is shown."""
    model = tiny("llama")
    ask = {"tokenizer": model.tokenizer, "mode": "first", "overlap": "paper"}
    five = words.loc[["flower", "book", "water", "moon", "cat"]]
    prompts = ll.build_prompts("translation", "fr", "zh", words=five, **ask)
    assert len(prompts) and all(prompt.yardstick is None for prompt in prompts)
    assert set(prompts.to_frame()["yardstick"]) == {""}
    run = ll.decode(model, prompts, progress=False)
    assert run.languages == ("en", "zh", "fr") and not others_of(run)


def test_the_remote_path_in_process_reads_the_same(read, tiny):
    prompts, run = read
    simulated = ll.load_model(tiny.folder("llama"), dtype="float32", remote="local")
    sent = ll.decode(simulated, prompts, keep_latents=True, progress=False).tensors()
    assert sent.keys() == run.tensors().keys()
    assert all(torch.equal(sent[name], tensor) for name, tensor in run.tensors().items())


def test_a_stored_result_has_the_yardstick(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = tiny("llama")
    ask = {"every": 40, "progress": False, "overlap": "drop"}
    once, again = (ll.run_experiment(model, "translation", "ru", "zh", **ask) for _ in range(2))
    assert once.probability.keys() == again.probability.keys() and others_of(again)
    assert all(torch.equal(again.probability[k], v) for k, v in once.probability.items())


def test_a_file_without_the_yardsticks_is_about_something_else(read, tiny):
    prompts, _ = read
    model = tiny("llama")
    runs = [
        ll.decode(model, each, top_k=Experiment.top_k, progress=False)
        for each in (prompts, without(prompts))
    ]
    assert [fits(run, model, prompts, False, False) for run in runs] == [True, False]
    yardsticks = [p.yardstick for p in prompts]
    moved = tuple(replace(p, yardstick=y) for p, y in zip(prompts, yardsticks[1:] + yardsticks[:1]))
    assert not fits(runs[0], model, replace(prompts, prompts=moved), False, False)


def test_a_curve_is_compared_with_its_yardstick(read):
    _, run = read
    table = ll.metrics.paired_difference(run, "en", "other:en")
    mean = (run.probability["en"] - run.probability["other:en"]).double().mean(0)
    assert table["difference"].tolist() == pytest.approx(mean.tolist())


def test_the_tokens_are_those_of_another_word(tokenizer):
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=tokenizer)
    other = ll.load_words().loc[prompts["flower"].yardstick.concept]
    for code, ids in prompts["flower"].yardstick.token_ids.items():
        assert all(
            any(word.startswith(entry) for word in other[code]) for entry in entries(ids, tokenizer)
        )


def test_a_reading_per_prompt_has_no_yardstick():
    with pytest.raises(ValueError, match="Only a Reading per language has a yardstick"):
        Reading(lambda x: x, "prompt", "", yardstick=True)


def test_random_architectures_read_it_by_hand(random_model):
    """The yardstick of typed texts: any set of tokens, whatever the architecture."""
    targets = targets_for(random_model)
    named = [row | {"other:zh": {5, 9, 11}} for row in targets]
    run = ll.decode(random_model, TEXTS, named, progress=False)
    for row, text in enumerate(TEXTS):
        reading = oracle.read(random_model, text)
        torch.testing.assert_close(
            run.probability["other:zh"][row], reading.probability([5, 9, 11])[1:], atol=1e-4, rtol=0
        )
