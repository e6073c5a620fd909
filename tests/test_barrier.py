"""The translation barrier counts what plain loops count, and false alarms are drawn apart."""

from __future__ import annotations

from dataclasses import replace

import planted
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError

LANGUAGES = ("en", "ru", "ko")


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return tiny("llama").tokenizer


def words_of(concept: str, tokenizer) -> set[int]:
    """Return the tokens that begin a concept's word in any language but French.

    The prompts show the French word.
    """
    row = ll.load_words().loc[concept]
    first, shown = (
        {i for code in codes for word in row[code] for i in ll.start_ids(word, tokenizer)}
        for codes in (LANGUAGES, ["fr"])
    )
    return first - shown


@pytest.fixture(scope="module")
def run(tokenizer) -> ll.Run:
    """A run in which it is known which layers show which token; token 0 is no word's."""
    made = planted.planted(planted.RUNS["pivot"])
    top_ids = torch.zeros_like(made.top_ids)
    for row, concept in enumerate(made.prompts["concept"]):
        if row < 6:
            top_ids[row, 8, 0] = min(words_of(concept, tokenizer))
    top_ids[7, 17, 0] = min(words_of(made.prompts["concept"][7], tokenizer))  # the last layer
    rank = torch.ones_like(made.rank["zh"])
    rank[[0, 1, 8], -1] = 5
    ranks = {**made.readings["rank"], "zh": rank}
    return replace(made, top_ids=top_ids, readings={**made.readings, "rank": ranks})


def test_shares_are_those_of_plain_loops(run, tokenizer):
    row = ll.barrier({"zh": run}, tokenizer, LANGUAGES).loc["zh"]
    assert row["n"] == 10 and row["right"] == pytest.approx(0.7)
    assert row["solved"] == pytest.approx(0.6)  # a word in the last layer alone is not the middle
    assert row["lost"] == pytest.approx(0.2) and row["lost_of_solved"] == pytest.approx(2 / 6)
    assert row["lower"] <= row["beyond"] <= row["upper"]
    assert row["beyond"] == pytest.approx(row["solved"] - row["false_alarms"])


def test_a_copy_of_the_word_shown_is_no_solution(run, tokenizer):
    top_ids = torch.zeros_like(run.top_ids)
    table = ll.load_words()
    for row, concept in enumerate(run.prompts["concept"]):
        for token in ll.start_ids(table.loc[concept, "fr"][0], tokenizer):
            top_ids[row, 8, 0] = token
    assert (top_ids > 0).sum() > 4
    shown = {"zh": replace(run, top_ids=top_ids)}
    assert ll.barrier(shown, tokenizer, ["fr", *LANGUAGES]).loc["zh", "solved"] == 0
    found = 0
    for row, concept in enumerate(run.prompts["concept"]):
        french, english = (
            {i for word in table.loc[concept, code] for i in ll.start_ids(word, tokenizer)}
            for code in ("fr", "en")
        )
        top_ids[row, 8, 0] = min(english - french, default=0)
        found += bool(english - french)
    led = ll.barrier({"zh": replace(run, top_ids=top_ids)}, tokenizer, ["en"]).loc["zh"]
    assert led["by_pivot"] == led["solved"] == pytest.approx(found / 10) and found


def test_a_false_alarm_is_another_concepts_word(run, tokenizer):
    """Show, for each seed, only words of the next concept: solved falls, alarms may come."""
    own = [words_of(concept, tokenizer) for concept in run.prompts["concept"]]
    top_ids = torch.zeros_like(run.top_ids)
    for row in range(10):
        others = set().union(*(each for k, each in enumerate(own) if k != row)) - own[row]
        for layer, token in enumerate(sorted(others)[:17]):
            top_ids[row, layer, 0] = token
    shown = replace(run, top_ids=top_ids)
    tables = [
        ll.barrier({"zh": shown}, tokenizer, LANGUAGES, seed=seed).loc["zh"] for seed in range(5)
    ]
    assert all(table["solved"] == 0 == table["lost"] for table in tables)
    assert max(table["false_alarms"] for table in tables) > 0
    assert all(table["lost_of_solved"] != table["lost_of_solved"] for table in tables)  # NaN


@pytest.mark.parametrize(
    ("runs", "languages", "sentence"),
    [
        ({}, None, "at least one run"),
        ({"zh": planted.planted(planted.RUNS["pivot"], n=1)}, None, "two concepts"),
        ({"zh": planted.planted(planted.RUNS["pivot"])}, ["xx"], "Unknown language 'xx'"),
        ({"zh": planted.planted(planted.RUNS["pivot"])}, [], "at least one language"),
        ({"zh": planted.planted(planted.RUNS["pivot"])}, [["en"]], "Unknown language"),
        ({"zh": planted.planted(planted.RUNS["pivot"])}, 3, "Unknown language '3'"),
    ],
)
def test_a_mistake_is_one_sentence(tokenizer, runs, languages, sentence):
    with pytest.raises(DataError, match=sentence):
        ll.barrier(runs, tokenizer, languages)


def test_one_language_may_be_given_alone(run, tokenizer):
    one = ll.barrier({"zh": run}, tokenizer, "ru")
    assert one.equals(ll.barrier({"zh": run}, tokenizer, ["ru"]))


def test_a_copy_counts_where_the_target_word_itself_is_shown(run, tokenizer):
    """A repetition asks for a copy; a prompt of a pool is held against its own source."""
    top_ids = torch.zeros_like(run.top_ids)
    table = ll.load_words()
    words = [
        {i for word in table.loc[concept, "zh"] for i in ll.start_ids(word, tokenizer)}
        for concept in run.prompts["concept"]
    ]
    for row, ids in enumerate(words):
        top_ids[row, 8, 0] = min(ids, default=0)
    found = sum(map(bool, words)) / len(run)
    repeated = replace(
        run,
        top_ids=top_ids,
        setting=replace(run.setting, task="repetition", sources=("zh",)),
        prompts=run.prompts.assign(source="zh"),
    )
    row = ll.barrier({"zh": repeated}, tokenizer, ["zh"]).loc["zh"]
    assert row["solved"] == pytest.approx(found) and found
    pool = replace(
        run,
        top_ids=top_ids,
        setting=replace(run.setting, sources=("zh", "fr"), target="en"),
        prompts=run.prompts.assign(source=["zh"] * 5 + ["fr"] * 5),
        readings=run.readings,
    )
    solved = ll.barrier({"en": pool}, tokenizer, ["zh"]).loc["en", "solved"]
    french = [
        {i for word in table.loc[concept, "fr"] for i in ll.start_ids(word, tokenizer)}
        for concept in run.prompts["concept"]
    ]
    expected = [min(ids, default=0) in ids - copy for ids, copy in zip(words[5:], french[5:])]
    assert solved == pytest.approx(sum(expected) / 10) and sum(expected)
