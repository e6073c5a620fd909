"""Strata count the right words, and frequencies are those of wordfreq."""

from __future__ import annotations

import gzip
import io
import zipfile

import pandas as pd
import planted
import pytest

import latentlang as ll
from latentlang.errors import DataError
from latentlang.models.stored import stored_model
from latentlang.verdict.frequency import frequency
from latentlang.verdict.measures import at_peak
from tools.frequency import unpacked, zipf_of


@pytest.fixture(scope="module")
def run() -> ll.Run:
    """A stored run of the larger model; no weights are read."""
    qwen = stored_model("qwen2.5-coder-1.5b-instruct")
    return ll.run_experiment(qwen, "translation", "ru", "zh", every=4, progress=False)


def test_each_split_holds_every_prompt_once_and_its_numbers_are_those_of_pandas(run):
    table = ll.strata(run)
    assert (table.groupby("split")["n"].sum() == len(run)).all()
    pivot, _ = at_peak(run.probability["en"], run.probability["en"], run.layers, run.clusters)
    target, _ = at_peak(run.probability["en"], run.probability["zh"], run.layers, run.clusters)
    frame = run.prompts.assign(pivot=pivot.numpy(), lead=(pivot - target).numpy())
    spelled = ll.load_words()["ru"]
    cells = spelled.explode()
    shared = set(cells[cells.duplicated(keep=False)])
    frame["source word"] = [
        "several concepts" if spelled[concept][0] in shared else "one concept"
        for concept in frame["concept"]
    ]
    assert set(frame["source word"]) == {"one concept", "several concepts"}  # such as язык
    for split, column in (("cognate", "cognate"), ("source word", "source word")):
        rows = table[table["split"] == split].set_index("kind")
        means = frame.groupby(column)[["pivot", "lead"]].mean()
        for kind, row in rows.iterrows():
            assert row["pivot"] == pytest.approx(means.loc[kind, "pivot"], abs=1e-6)
            assert row["lead"] == pytest.approx(means.loc[kind, "lead"], abs=1e-6)
            assert row["n"] == (frame[column] == kind).sum()
            assert row["n"] == 1 or row["lower"] <= row["lead"] <= row["upper"]


def test_tokens_are_counted_by_the_tokenizer(tiny):
    run = planted.planted(planted.RUNS["pivot"])
    tokenizer = tiny("llama").tokenizer
    table = ll.strata(run, tokenizer).query("split == 'target word'").set_index("kind")
    cells = ll.load_words().loc[run.prompts["concept"], "zh"]
    plain = [len(tokenizer(f'"{cell[0]}')["input_ids"]) for cell in cells]
    quote = len(tokenizer('"')["input_ids"])
    wanted = pd.Series([min(n - quote, 3) for n in plain]).value_counts()
    names = {1: "1 token", 2: "2 tokens", 3: "3 or more tokens"}
    assert table["n"].to_dict() == {names[n]: count for n, count in wanted.items()}
    assert "target word" not in set(ll.strata(run)["split"])


def test_frequencies_are_those_of_the_words():
    table = frequency()
    assert list(table.index) == list(ll.load_words().index)
    assert table.min().min() > 0 and table.max().max() < 8
    assert "et" not in table and "sw" not in table  # wordfreq has no list of them
    # As wordfreq 3.1.1 itself answers: zipf_frequency("water", "en") and so on.
    own = {"en": 5.52, "fr": 5.46, "de": 5.32, "ru": 4.83}
    assert table.loc["water", list(own)].to_dict() == own
    assert table.loc["heart", "fr"] == 5.17  # cœur


def test_a_list_of_wordfreq_is_read_by_hand():
    """Bytes written out by the specification of MessagePack."""
    lists = [b"\x81\xa7version\xcd\x01\x00", b"\x90", b"\x92\xa2hi\xd9\x02yo", b"\xdc\x00\x01\xa1x"]
    data = b"\x94" + b"".join(lists)
    assert unpacked(data) == [{"version": 256}, [], ["hi", "yo"], ["x"]]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("wordfreq/data/small_xx.msgpack.gz", gzip.compress(data))
    with zipfile.ZipFile(file) as archive:
        assert zipf_of(archive, "xx") == {"hi": 8.99, "yo": 8.99, "x": 8.98}
        assert zipf_of(archive, "yy") is None


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (planted.planted(planted.RUNS["pivot"], source=None), "translations from one source"),
        (planted.planted(planted.RUNS["pivot"], n=1), "take a smaller every"),
    ],
)
def test_a_mistake_is_one_sentence(run, sentence):
    with pytest.raises(DataError, match=sentence):
        ll.strata(run)
