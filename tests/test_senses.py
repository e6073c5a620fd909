"""Other senses of English words: the table is sound, and the numbers are those of plain hooks."""

from __future__ import annotations

import pandas as pd
import pytest
from oracle import read

import latentlang as ll
from latentlang.errors import DataError
from tools import ROOT

TABLE = pd.read_csv(ROOT / "data" / "english_senses.csv", index_col="concept")


def test_no_word_of_the_other_sense_is_one_of_the_concept():
    words = ll.load_words()
    assert TABLE.index.is_unique and set(TABLE.index) <= set(words.index)
    for code in TABLE.columns.drop("other"):
        for concept, cell in TABLE[code].dropna().items():
            ours = {word.casefold() for word in words.loc[concept, code]}
            assert ours.isdisjoint(word.casefold() for word in cell.split("|")), (code, concept)


def test_probabilities_are_those_of_plain_hooks(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
    prompts = prompts.about(TABLE.index[TABLE["de"].notna() & TABLE["zh"].notna()])[:6]
    table = ll.english_senses(model, prompts, progress=False)
    own = {}
    for prompt in prompts:
        cell = TABLE.loc[prompt.concept, "zh"].split("|")
        ids = {i for word in cell for i in ll.start_ids(word, model.tokenizer)}
        own[prompt.concept] = ids - {i for each in prompt.token_ids.values() for i in each}
    own = {concept: ids for concept, ids in own.items() if ids}
    assert table["n"].iloc[0] == len(own) > 1
    gaps = []
    for prompt in prompts.about(own):
        chance, mine = read(model, prompt.text).log_probs[1:].exp(), own[prompt.concept]
        apart = [sorted(ids - mine) for concept, ids in own.items() if concept != prompt.concept]
        other = sum(chance[:, ids].sum(-1) for ids in apart) / len(apart)
        gaps.append(chance[:, sorted(mine)].sum(-1) - other)
    assert table["beyond"].tolist() == pytest.approx((sum(gaps) / len(gaps)).tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("pair", "sentence"), [(("en", "zh"), "take two other languages"), (("de", "ja"), "in 'ja'")]
)
def test_a_mistake_is_one_sentence(tiny, pair, sentence):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", *pair, tokenizer=model.tokenizer)[:2]
    with pytest.raises(DataError, match=sentence):
        ll.english_senses(model, prompts)
