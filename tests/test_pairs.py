"""Pairs of prompts, means of latents, and the position of the queried word, on the demo model."""

from __future__ import annotations

import oracle
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError, TraceError

CONCEPTS = ["book", "flower", "sun", "water", "tree", "house", "dog", "door", "milk", "moon"]


@pytest.fixture(scope="module")
def build(model):
    """``build("fr", "en")`` -> translations of ten concepts."""

    def prompts(source: str, target: str):
        return ll.build_prompts("translation", source, target, tokenizer=model.tokenizer).about(
            CONCEPTS
        )

    return prompts


@pytest.fixture(scope="module")
def drawn(model, build):
    return ll.pairs(build("fr", "en"), build("de", "zh"), model=model)


def test_pairs_keep_their_promises(model, build, drawn):
    assert len(drawn) >= 2 and len(drawn.source) == len(drawn.into) == len(drawn)
    for row, (a, b) in enumerate(zip(drawn.source, drawn.into)):
        assert a.concept != b.concept
        assert a.concept not in b.demos and b.concept not in a.demos
        sets = [drawn.targets[label][row] for label in drawn.targets]
        assert len(sets) == 4 and sum(map(len, sets)) == len(set().union(*sets))
        assert drawn.targets["A in en"][row] == a.token_ids["en"]
        assert drawn.targets["B in zh"][row] == b.token_ids["zh"]
        assert drawn.targets["A in zh"][row] == build("de", "zh")[a.concept].token_ids["zh"]
        assert drawn.targets["B in en"][row] == build("fr", "en")[b.concept].token_ids["en"]
        for prompt in (a, b):
            own = oracle.plain(model, prompt.text)[1]
            assert int(own.argmax()) in prompt.token_ids[prompt.target]
    for side, prompts in (("source", drawn.source), ("into", drawn.into)):
        concepts = [prompt.concept for prompt in prompts]
        assert len(set(concepts)) == len(concepts)
        left_out = set(drawn.dropped.loc[drawn.dropped["side"] == side, "concept"])
        asked = build("fr", "en") if side == "source" else build("de", "zh")
        assert left_out | set(concepts) == {prompt.concept for prompt in asked}
        assert left_out.isdisjoint(concepts)


def test_the_pivot_is_a_fifth_set_where_neither_language_is_it(model, build):
    pairs = ll.pairs(build("fr", "es"), build("de", "zh"), model=model)
    assert list(pairs.targets) == ["A in es", "B in es", "A in zh", "B in zh", "pivot"]
    for row in range(len(pairs)):
        sets = [sets[row] for sets in pairs.targets.values()]
        assert sum(map(len, sets)) == len(set().union(*sets))


def test_the_same_seed_draws_the_same_pairs(model, build, drawn):
    def concepts(pairs):
        return [(a.concept, b.concept) for a, b in zip(pairs.source, pairs.into)]

    again = ll.pairs(build("fr", "en"), build("de", "zh"), model=model)
    assert concepts(again) == concepts(drawn)
    two = ll.pairs(build("fr", "en"), build("de", "zh"), model=model, n=2)
    assert len(two) == 2 and set(concepts(two)) <= set(concepts(drawn))


def test_a_sweep_with_its_controls(model, drawn):
    """After the last layer the answer is that of the source prompt, and self changes nothing."""
    patch = ll.Patch(ll.latents_at(model, drawn.source))
    options = {"targets": drawn.targets, "controls": True, "progress": False}
    sweep = ll.sweep(model, drawn.into, patch, **options)
    assert list(sweep.controls)[:3] == ["self", "another concept", "random"]
    third = sweep.controls["third language (es)"]
    source = ll.decode(model, drawn.source, energy=False, progress=False)
    torch.testing.assert_close(
        sweep.probability["A in en"][:, -1], source.probability["en"][:, -1], atol=1e-4, rtol=0
    )
    into = ll.decode(model, drawn.into, energy=False, progress=False)
    torch.testing.assert_close(
        sweep.baseline["B in zh"], into.probability["zh"][:, -1], atol=1e-4, rtol=0
    )
    assert sweep.prompts["source_concept"].tolist() == [p.concept for p in drawn.source]
    for label, values in sweep.controls["self"].items():
        assert (values - sweep.baseline[label][:, None]).abs().max() < 1e-4
    means = [each["A in en"][:, -1].mean() for each in (sweep.probability, third)]
    assert means[0] > 0.3 > 0.1 > means[1]
    assert sweep.controls["another concept"]["A in en"][:, -1].mean() < 0.1
    assert sweep.controls["random"]["A in en"].max() < 0.1


def test_a_sweep_of_the_demo_model_equals_hooks(model, drawn):
    latents = ll.latents_at(model, drawn.source)
    sweep = ll.sweep(model, drawn.into, ll.Patch(latents), targets=drawn.targets, progress=False)
    for layer in (8, 13):
        value = latents.values[0, layer - 1]
        own = oracle.changed(model, drawn.into[0].text, lambda h, _, v=value: v, [layer])[1].exp()
        for label, sets in drawn.targets.items():
            expected = own[sorted(sets[0])].sum()
            assert (sweep.probability[label][0, layer - 1] - expected).abs() < 1e-4


@pytest.mark.parametrize("pair", [("fr", "en"), ("zh", "de"), ("ko", "en"), ("hi", "en")])
def test_the_word_position_is_the_last_token_of_the_queried_word(model, build, pair):
    """Behind it, a tokenizer that reads the text piece by piece has read the whole word."""
    for prompt in build(*pair):
        start, end = prompt.word_span
        word = prompt.answers[pair[0]][0]
        assert prompt.text[start:end] == word and "\n" not in prompt.text[start:]
        offsets = model.tokenizer(prompt.text, return_offsets_mapping=True)["offset_mapping"]
        reached = [n for n, (first, last) in enumerate(offsets) if first < end and last > first]
        values = ll.latents_at(model, prompt, at="word").values[0, 0]
        hooked = oracle.changed(model, prompt.text, lambda h, _: h, [1], reached[-1])
        assert hooked[0].shape[0] == model.n_layers
        expected = oracle.read(model, prompt.text, reached[-1]).latents[1]
        torch.testing.assert_close(values, expected, atol=1e-3, rtol=1e-3)
        break


def test_a_cloze_prompt_has_no_queried_word(model):
    prompts = ll.build_prompts("cloze", target="en", tokenizer=model.tokenizer)[:2]
    with pytest.raises(TraceError, match="shows no queried word"):
        ll.latents_at(model, prompts, at="word")


def test_a_concept_mean_is_the_mean_of_its_prompts(model, build):
    sets = [build("de", "it"), build("nl", "fi")]
    mean = ll.concept_mean(model, sets, target="zh")
    assert mean.at == "word" and set(mean.concepts) <= set(CONCEPTS)
    concept = mean.concepts[1]
    parts = [ll.latents_at(model, each[concept], at="word").values for each in sets]
    torch.testing.assert_close(
        mean[concept].values, (parts[0] + parts[1]) / 2, atol=1e-3, rtol=1e-3
    )


def test_a_concept_mean_without_the_target_language(model, build):
    for code in ("zh", "en", "es"):
        with pytest.raises(DataError, match=f"have '{code}' as source, target or pivot"):
            ll.concept_mean(model, [build("de", "it"), build("zh", "es")], target=code)
    leak = ll.concept_mean(model, [build("zh", "es")], target="zh", allow_target=True)
    assert len(leak) == len(build("zh", "es"))


def test_a_language_vector_is_a_difference_of_means(model, build):
    away, towards = build("en", "fr"), build("en", "zh")
    vector = ll.language_vector(model, away, towards)
    shared = [p.concept for p in towards if p.concept in away]
    assert list(vector.concepts) == shared and vector.is_vector
    ends, starts = (ll.latents_at(model, each.about(shared)) for each in (towards, away))
    expected = ends.values.mean(0) - starts.values.mean(0)
    torch.testing.assert_close(vector.values, expected, atol=1e-2, rtol=1e-3)
    with pytest.raises(TraceError, match="was made from prompts about"):
        ll.sweep(model, away[:2], ll.Steer(vector), progress=False)
    swept = ll.sweep(
        model, away[:2], ll.Steer(vector), controls=True, allow_seen=True, progress=False
    )
    assert list(swept.controls) == ["self", "random", "third language (es)"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a, b: (a, a), "Both sets ask for 'en'"),
        (lambda a, b: (a, "text"), "must be a set"),
        (lambda a, b: (a[:0], b), "must be a set"),
        (lambda a, b: (a[:1], b[5:6]), "There are 0 pairs and not 1"),
    ],
)
def test_pairs_that_cannot_be_are_one_sentence(model, build, change, sentence):
    with pytest.raises(DataError, match=sentence):
        ll.pairs(*change(build("fr", "en"), build("de", "zh")), model=model)


def test_too_many_pairs_are_refused(model, build):
    with pytest.raises(DataError, match="pairs and not 40"):
        ll.pairs(build("fr", "en"), build("de", "zh"), model=model, n=40)


def test_sets_that_share_no_concept_have_no_mean(model, build):
    with pytest.raises(DataError, match="share no concept"):
        ll.language_vector(model, build("en", "fr")[:2], build("en", "zh")[5:7])
    with pytest.raises(DataError, match="needs sets of prompts"):
        ll.concept_mean(model, ["a text"], target="zh")
