"""The controls change one thing each, and pooled sources keep every prompt."""

from __future__ import annotations

import random
import re

import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.prompts.tokens import tokenize_word


def build(tokenizer, control=None, **change):
    ask = {"source": "fr", "target": "zh", "tokenizer": tokenizer} | change
    return ll.build_prompts("translation", control=control, **ask)[::20]


def demonstrations(prompt) -> list[tuple[str, str]]:
    return re.findall(r'Français: "([^"]+)" - 中文: "([^"]+)"', prompt.text)


def test_shuffled_demonstrations_show_every_answer_at_a_wrong_word(tokenizer):
    words = ll.load_words()
    for plain, shuffled in zip(build(tokenizer), build(tokenizer, "shuffled")):
        right = [(words.at[c, "fr"][0], words.at[c, "zh"][0]) for c in plain.demos]
        assert demonstrations(plain) == right
        shown = demonstrations(shuffled)
        assert [word for word, _ in shown] == [word for word, _ in right]
        assert sorted(answer for _, answer in shown) == sorted(answer for _, answer in right)
        assert all(pair not in right for pair in shown)
        assert (
            plain.text.splitlines()[-1] == shuffled.text.splitlines()[-1]
            and plain.token_ids == shuffled.token_ids
        )


def test_random_pivot_is_another_word_of_like_length_before_the_same_prompts(tokenizer):
    words, drawn = ll.load_words(), {p.concept: p for p in build(tokenizer, "random")}
    plain = {p.concept: p for p in build(tokenizer)}
    both = plain.keys() & drawn.keys()
    assert len(both) >= 10
    for concept in both:
        right, followed = words.at[concept, "en"], drawn[concept].answers["en"]
        assert (
            drawn[concept].text == plain[concept].text
            and drawn[concept].answers["zh"] == plain[concept].answers["zh"]
        )
        assert (
            followed != right
            and followed in set(words["en"])
            and abs(len(followed[0]) - len(right[0])) <= 1
        )
    assert [p.answers for p in build(tokenizer, "random")] == [
        p.answers for p in build(tokenizer, "random")
    ]


def test_a_language_code_makes_that_language_the_pivot(tokenizer):
    for prompt in build(tokenizer, "de"):
        assert prompt.pivot == "de" and "en" not in prompt.answers
        assert prompt.answers["de"] == ll.load_words().at[prompt.concept, "de"]


@pytest.mark.parametrize(
    ("control", "change", "complaint"),
    [
        ("shufled", {}, "Did you mean 'shuffled'"),
        ("fr", {}, "already source or target"),
        ("random", {"source": "en"}, "other than source and target"),
        ("en", {}, "follows the pivot itself and changes nothing"),
        ("nl", {"pivot": "de"}, "pivot='de' and control='nl' both name the language to follow"),
        ("shuffled", {"k": 1}, "k=1 leaves nothing to exchange: use k=2"),
        ("shuffled", {"k": 0}, "k=0 leaves nothing to exchange"),
    ],
)
def test_a_control_that_cannot_be_is_one_sentence(tokenizer, control, change, complaint):
    with pytest.raises(DataError, match=complaint):
        build(tokenizer, control, **change)


def naive_stand_in(concept, others, words, tokenizer, seed=0):
    """Draw from the five nearest ranks among the words of like length, by sorting them all."""

    def rank(other):
        return tokenize_word(" " + words[other][0], tokenizer)[0]

    length = len(words[concept][0])
    alike = [other for other in others if abs(len(words[other][0]) - length) <= 1]
    nearest = sorted(alike, key=lambda other: abs(rank(other) - rank(concept)))[:5]
    return random.Random(f"{seed}|{concept}").choice(nearest)


def test_a_stand_in_is_drawn_by_length_and_frequency_and_is_not_in_the_prompt(tokenizer):
    words = ll.load_words().iloc[::6]
    prompts = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=tokenizer, words=words, control="random"
    )
    plain = ll.build_prompts("translation", "fr", "zh", tokenizer=tokenizer, words=words)
    assert len(prompts) == len(plain) > 50
    for prompt, right in zip(prompts, plain):
        shown = {
            word.casefold()
            for concept in (prompt.concept, *prompt.demos)
            for code in ("en", "fr", "zh")
            for word in words.at[concept, code]
        }
        asked = frozenset().union(*right.token_ids.values())
        others = []
        for concept in words.index:
            spelled = [w for code in ("en", "fr", "zh") for w in words.at[concept, code]]
            starts = frozenset().union(
                *(ll.start_ids(word, tokenizer, None) for word in words.at[concept, "en"])
            )
            if shown.isdisjoint(map(str.casefold, spelled)) and starts - asked:
                others.append(concept)
        stand_in = naive_stand_in(prompt.concept, others, words["en"], tokenizer)
        assert prompt.answers["en"] == words.at[stand_in, "en"]
        assert prompt.token_ids["en"] and not prompt.token_ids["en"] & asked


def test_a_concept_without_a_stand_in_is_dropped(tokenizer):
    few = ll.load_words().loc[["sky", "flower", "mountain", "butterfly", "eye"]]
    prompts = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=tokenizer, words=few, control="random", k=2
    )
    for prompt in prompts:
        followed = few.index[few["en"] == prompt.answers["en"]].item()
        assert followed not in (prompt.concept, *prompt.demos)
    reasons = prompts.dropped.set_index("concept")["reason"]
    assert reasons["flower"] == "no other 'en' word of like length can stand in"


def test_shuffled_answers_are_wrong_when_two_demonstrations_share_a_word(llama2_tokenizer):
    """All prompts of a list of pairs with one Chinese word: no solved line is right."""
    shipped = ll.load_words().iloc[:24]
    words = shipped[["en", "fr", "zh"]].copy()
    words["zh"] = [shipped["zh"].iloc[row - row % 2] for row in range(24)]
    prompts = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=llama2_tokenizer, words=words, control="shuffled"
    )
    pairs_of_one_word = 0
    for prompt in prompts:
        shown = demonstrations(prompt)
        right = {words.at[concept, "fr"][0]: words.at[concept, "zh"] for concept in prompt.demos}
        assert all(answer not in right[word] for word, answer in shown)
        pairs_of_one_word += len({answer for _, answer in shown}) < len(shown)
    assert pairs_of_one_word, "otherwise this list tests nothing"


def test_pooled_sources_hold_every_prompt_of_each(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, ask = tiny("llama"), {"target": "zh", "every": 40, "progress": False}
    alone = [ll.run_experiment(model, "translation", code, **ask) for code in ("de", "ru")]
    pooled = ll.run_experiment(model, "translation", ["de", "ru"], **ask)
    assert pooled.languages == ("en", "zh") and len(pooled) == sum(map(len, alone))
    asked = set(ll.load_words().index[::40])
    assert all(len(run) > 5 and set(run.prompts["concept"]) <= asked for run in alone), (
        "both pairs ask about the same concepts"
    )
    assert list(pooled.prompts["text"]) == [text for run in alone for text in run.prompts["text"]]
    for code in ("en", "zh"):
        assert torch.equal(
            pooled.probability[code], torch.cat([run.probability[code] for run in alone])
        )
    stored = sorted((tmp_path / "latentlang" / "results").glob("*.safetensors"))
    assert len(stored) == 2, "a pool is made of the entries of its pairs, not a third one"
