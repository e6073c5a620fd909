"""Romanised words: the rules by hand, and their probability by plain hooks."""

from __future__ import annotations

import pytest
from oracle import read

import latentlang as ll
from latentlang.errors import DataError
from latentlang.verdict.romanised import romanised_words
from tools.romanise import japanese, korean, russian


@pytest.mark.parametrize(
    ("rule", "word", "wanted"),
    [
        (russian, "щека", ["shcheka"]),
        (russian, "объект", ["obekt"]),
        (korean, "꽃", ["kkot"]),
        (korean, "달력", ["dallyeok"]),
        (korean, "음악", ["eumak"]),
        (korean, "A", []),
        (japanese, "しゃしん", ["shashin"]),
        (japanese, "りょこう", ["ryokou"]),
        (japanese, "マッチ", ["matchi"]),
        (japanese, "ソファ", ["sofa"]),
        (japanese, "花", []),
    ],
)
def test_rules_by_hand(rule, word, wanted):
    assert rule(word) == wanted


@pytest.mark.parametrize("code", ["zh", "ru", "ja", "ko"])
def test_stored_words_are_latin_and_follow_the_rules(code):
    words, stored = ll.load_words()[code], romanised_words(code)
    assert set(stored) <= set(words.index) and len(stored) > 300
    assert all(word.isalpha() and word.lower() == word for cell in stored.values() for word in cell)
    rule = {"ru": russian, "ko": korean, "ja": japanese}.get(code)
    if rule:
        for concept, cell in words.items():
            spelled = list(dict.fromkeys(text for word in cell for text in rule(word)))
            assert list(stored.get(concept, ())) == spelled


def test_probabilities_are_those_of_plain_hooks(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "de", "ru", tokenizer=model.tokenizer)[:5]
    table = ll.romanised(model, prompts, progress=False)
    words, own = romanised_words("ru"), {}
    for prompt in prompts:
        ids = {i for word in words[prompt.concept] for i in ll.start_ids(word, model.tokenizer)}
        own[prompt.concept] = ids - {i for each in prompt.token_ids.values() for i in each}
    own = {concept: ids for concept, ids in own.items() if ids}
    assert table["n"].iloc[0] == len(own) > 1
    ours, others = [], []
    for prompt in prompts.about(own):
        chance = read(model, prompt.text).log_probs[1:].exp()
        mine = own[prompt.concept]
        ours.append(chance[:, sorted(mine)].sum(-1))
        apart = [sorted(ids - mine) for concept, ids in own.items() if concept != prompt.concept]
        others.append(sum(chance[:, ids].sum(-1) for ids in apart) / len(apart))
    assert table["romanised"].tolist() == pytest.approx((sum(ours) / len(ours)).tolist(), abs=1e-5)
    assert table["other"].tolist() == pytest.approx((sum(others) / len(others)).tolist(), abs=1e-5)


def test_a_language_without_spellings_is_one_sentence(tiny):
    with pytest.raises(DataError, match="not stored in Latin letters"):
        romanised_words("ar")
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "de", "ru", tokenizer=model.tokenizer)[:1]
    with pytest.raises(DataError, match="pass more prompts"):
        ll.romanised(model, prompts, progress=False)
