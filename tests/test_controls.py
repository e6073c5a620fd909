"""The controls change one thing each, and pooled sources keep every prompt."""

from __future__ import annotations

import re

import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError


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
    ],
)
def test_a_control_that_cannot_be_is_one_sentence(tokenizer, control, change, complaint):
    with pytest.raises(DataError, match=complaint):
        build(tokenizer, control, **change)


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
