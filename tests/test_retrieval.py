"""Retrieval against loops that are written out, and against runs whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace

import oracle
import pandas as pd
import pytest
import torch
from tiny import some_lens

import latentlang as ll
from latentlang.errors import DataError, LatentLangError
from latentlang.lens.run import Run
from latentlang.prompts.cognates import grade
from latentlang.prompts.setting import Setting

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


MISTAKES = {
    "an unknown language": ({"languages": ["english"]}, "Unknown language 'english'"),
    "no language": ({"languages": []}, "at least one language"),
    "every": ({"every": 0}, "every=1 or more"),
    "too few": ({"every": 10_000}, "leaves . concepts whose words differ"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(tiny, mistake):
    changed, sentence = MISTAKES[mistake]
    ask = {"languages": ["en", "fr"], "every": 12, "progress": False, **changed}
    with pytest.raises(LatentLangError, match=sentence):
        ll.run_retrieval(tiny("llama"), "translation", "de", "zh", **ask)
