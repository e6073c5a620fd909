"""No token counts for two languages: the rule by brute force, on real vocabularies and lists."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import latentlang as ll
from latentlang.errors import DataError
from latentlang.prompts.sets import separate

SETS = st.dictionaries(st.sampled_from("abcde"), st.frozensets(st.integers(0, 12)), min_size=1)
PAIRS = [("fr", "it"), ("es", "pt"), ("zh", "ja"), ("fr", "zh"), ("en", "de")]


def entries(ids, tokenizer) -> set[str]:
    return {tokenizer.decode([token]).strip() for token in ids}


def same_word(column: pd.Series, concept: str) -> list[str]:
    """Return the concepts for which the first word of a concept stands, in the table's order."""
    first = column[concept][:1]
    return [other for other in column.index if other == concept or {*first} & {*column[other]}]


@given(asked=SETS, watched=SETS)
def test_no_token_is_left_in_two_sets(asked, watched):
    watched = {label.upper(): tokens for label, tokens in watched.items()}
    apart = separate(asked, watched)
    clashing = [{a, b} for a, b in combinations(asked, 2) if asked[a] & asked[b]]
    assert set(apart.shared or ()) in clashing if clashing else apart.shared is None
    everything = [*asked.items(), *watched.items()]
    for label, tokens in watched.items():
        alone = {
            token
            for token in tokens
            if not any(token in other for name, other in everything if name != label)
        }
        assert apart.watched[label] == alone and apart.taken[label] == tokens - alone


@pytest.mark.parametrize(
    ("source", "target", "control"),
    [(*pair, None) for pair in PAIRS]
    + [(*pair, control) for pair in PAIRS[:4] for control in ("random", "sw")],
)
def test_followed_languages_share_no_token(source, target, control, tokenizer):
    prompts = ll.build_prompts("translation", source, target, tokenizer=tokenizer, control=control)
    assert prompts.setting.overlap == "drop"
    for prompt in prompts:
        for a, b in combinations(prompt.token_ids.values(), 2):
            assert not a & b, prompt.concept


def test_the_probabilities_of_followed_languages_sum_to_one_at_most(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts(
        "translation", "ru", "zh", tokenizer=model.tokenizer, mode="first", overlap="drop"
    )[::20]
    run = ll.decode(model, prompts, progress=False)
    assert len(run) > 3 and set(run.languages) == {"en", "zh", "ru"}
    assert (sum(run.probability.values()) <= 1 + 1e-6).all()


def test_the_paper_compares_target_and_pivot_alone(llama2_tokenizer):
    ask = {"source": "fr", "target": "it", "tokenizer": llama2_tokenizer}
    paper = ll.build_prompts("translation", **ask)
    assert paper.setting.overlap == "paper" and "overlap: paper" in repr(paper)
    assert paper.setting == ll.build_prompts("translation", mode=None, **ask).setting
    words = ll.load_words()
    starts = {
        code: words[code].map(
            lambda cell: frozenset().union(*(ll.start_ids(word, llama2_tokenizer) for word in cell))
        )
        for code in ("en", "fr", "it")
    }
    apart, both = set(), set()
    for concept in words.index:
        meanings = same_word(words["fr"], concept)
        fr = starts["fr"][concept]
        en, it = (frozenset().union(*starts[code][meanings]) for code in ("en", "it"))
        spelled = {code: {w for cell in words.loc[meanings, code] for w in cell} for code in starts}
        inside = any(e.lower() in i.lower() for e in spelled["en"] for i in spelled["it"])
        if fr and words.at[concept, "it"] and not en & it and not inside:
            both.add(concept)
            if not fr & it and not en & fr:
                apart.add(concept)
    assert {prompt.concept for prompt in paper} == both
    dropping = ll.build_prompts("translation", overlap="drop", **ask)
    assert {prompt.concept for prompt in dropping} == apart and apart < both
    assert "overlap" not in repr(dropping) and dropping.setting.overlap == "drop"
    reasons = dropping.dropped.set_index("concept")["reason"]
    assert all(reasons[concept].startswith("shared first token") for concept in both - apart)


def test_an_unknown_overlap_is_one_sentence(llama2_tokenizer):
    with pytest.raises(DataError, match="Unknown overlap 'papers'. Did you mean 'paper'"):
        ll.build_prompts("translation", "fr", tokenizer=llama2_tokenizer, overlap="papers")


@pytest.mark.parametrize("control", ["random", "sw", "shuffled"])
@pytest.mark.parametrize(("source", "target"), PAIRS[:4])
def test_a_control_is_about_the_same_concepts(source, target, control, tokenizer):
    """Only a word that the third language does not have is missing."""
    ask = {"source": source, "target": target, "tokenizer": tokenizer}
    plain = ll.build_prompts("translation", **ask)
    changed = ll.build_prompts("translation", control=control, **ask)
    missing = {c for c, cell in ll.load_words()["sw"].items() if not cell and control == "sw"}
    assert {p.concept for p in changed} == {p.concept for p in plain} - missing
    grades = {p.concept: p.cognate for p in plain if p.concept not in missing}
    assert {p.concept: p.cognate for p in changed} == grades
    assert changed.cognates().equals(plain.about(grades).cognates())


def test_shared_tokens_are_taken_from_a_third_language(tokenizer):
    """Dutch shares many words with German: the tokens are counted, and the prompts stay."""
    ask = {"source": "fr", "target": "de", "tokenizer": tokenizer}
    prompts = ll.build_prompts("translation", control="nl", **ask)
    plain = {p.concept: p for p in ll.build_prompts("translation", **ask)}
    words, taken = ll.load_words(), 0
    for prompt in prompts:
        begins = frozenset().union(
            *(
                ll.start_ids(word, tokenizer, None)
                for cell in words.loc[same_word(words["fr"], prompt.concept), "nl"]
                for word in cell
            )
        )
        others = frozenset().union(*plain[prompt.concept].token_ids.values())
        assert prompt.token_ids["nl"] == begins - prompt.taken["nl"]
        assert begins & others <= prompt.taken["nl"]
        taken += len(prompt.taken["nl"])
    assert prompts.taken["nl"] == taken > 50 and f"{taken} nl" in repr(prompts)
    assert prompts.to_frame()["taken"].sum() == sum(prompts.taken.values())


def test_a_token_that_is_another_word_of_the_list_does_not_count(tokenizer):
    """Gemma begins 'Handtuch' with 'Hand', a word of its own if it stands in the list."""
    rows = [
        ("towel", "towel", "Handtuch", "毛巾"),
        ("hand", "hand", "Hand", "手"),
        ("sun", "sun", "Sonne", "太阳"),
    ]
    table = pd.DataFrame(rows, columns=["concept", "en", "de", "zh"])
    ask = {"tokenizer": tokenizer, "words": table, "k": 1}
    first = ll.start_ids("Handtuch", tokenizer, "first")
    assert entries(first, tokenizer) == {"Hand"}
    prompts = ll.build_prompts("translation", "zh", "de", **ask)
    assert [p.concept for p in prompts] == ["sun"]
    reasons = prompts.dropped.set_index("concept")["reason"]
    assert reasons["towel"].startswith("no token of its own")
    assert reasons["hand"].startswith("the pivot word is in the target word")
    alone = ll.build_prompts("translation", "zh", "de", **ask | {"words": table[::2]})
    assert [p.concept for p in alone] == ["towel", "sun"]
    # start_ids and the paper's mode know no word list.
    prefix = ll.build_prompts("translation", "zh", "de", **ask, mode="prefix", overlap="drop")
    assert prefix["towel"].token_ids["de"] == ll.start_ids("Handtuch", tokenizer)
    assert not any(prefix.taken.values())


def test_the_run_of_another_overlap_is_another_entry(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ask = {"source": "ru", "target": "zh", "every": 80, "progress": False}
    runs = [
        ll.run_experiment(tiny("llama"), "translation", overlap=overlap, **ask)
        for overlap in (None, "paper", "drop")
    ]
    assert [run.setting.overlap for run in runs] == ["paper", "paper", "drop"]
    stored = list((tmp_path / "latentlang" / "results").glob("*.safetensors"))
    assert len(stored) == 2
    assert "overlap: paper" in ll.plots.language_probability(runs[0]).layout.title.text


# Russian мир is world and peace, German Frieden is peace alone; 平和 begins with 平, which is flat.
SENSES = pd.DataFrame(
    [
        ("world", "world", "мир|свет", "世界", "Welt"),
        ("peace", "peace", "мир", "平和|世", "Frieden"),
        ("flat", "flat", "плоский", "平", "flach"),
        ("light", "light", "свет", "光", "Licht"),
        ("sun", "sun", "солнце", "日", "Sonne"),
        ("water", "water", "вода", "水", "Wasser"),
        ("hand", "hand", "рука", "手", "Hand"),
    ],
    columns=["concept", "en", "ru", "zh", "de"],
)


@pytest.mark.parametrize("mode", ["prefix", "word", "first"])
def test_every_meaning_of_the_source_word_is_a_right_answer(mode, llama2_tokenizer):
    ask = {"tokenizer": llama2_tokenizer, "words": SENSES, "k": 1, "mode": mode}
    prompts = ll.build_prompts("translation", "ru", "zh", **ask, overlap="paper")
    answers = {p.concept: (p.answers["zh"], p.answers["en"], p.homographs) for p in prompts}
    assert answers["world"] == (("世界", "平和", "世"), ("world", "peace"), ("peace",))
    assert answers["peace"] == (("平和", "世", "世界"), ("peace", "world"), ("world",))
    # The query shows свет, which is the second spelling of world as well.
    assert answers["light"] == (("光", "世界"), ("light", "world"), ("world",))
    assert answers["sun"] == (("日",), ("sun",), ())
    assert prompts.ambiguous == {"ru": 3} and "source words of several concepts: 3 ru" in repr(
        prompts
    )
    frame = prompts.to_frame().set_index("concept")
    assert frame["homographs"].to_dict()["world"] == "peace" and not frame.at["sun", "homographs"]
    # 世 spells peace, and 平 another concept than these two.
    tokens = {p.concept: entries(p.token_ids["zh"], llama2_tokenizer) for p in prompts}
    begins = {"first": {"世", "平"}, "word": {"世"}}
    if mode in begins:
        assert tokens["world"] == tokens["peace"] == begins[mode] - {"平"}
        taken = {p.concept: entries(p.taken["zh"], llama2_tokenizer) for p in prompts}
        assert taken["world"] == taken["peace"] == begins[mode] & {"平"}
    else:
        assert tokens["world"] == tokens["peace"] >= {"世", "平"}


@pytest.mark.parametrize("mode", ["prefix", "first"])
def test_a_word_of_one_concept_keeps_its_own_answers(mode, llama2_tokenizer):
    """German asks about one concept at a time, and so do the tasks of one language."""
    ask = {"tokenizer": llama2_tokenizer, "words": SENSES, "k": 1, "mode": mode}
    ask["overlap"] = "paper"
    for prompts in (
        ll.build_prompts("translation", "de", "ru", **ask),
        ll.build_prompts("repetition", target="ru", **ask),
    ):
        assert prompts.ambiguous in ({"de": 0}, {"ru": 0}) and "several" not in repr(prompts)
        rows = SENSES.set_index("concept")
        for prompt in prompts:
            cells = {code: " | ".join(words) for code, words in prompt.answers.items()}
            assert all(rows.at[prompt.concept, c] == cells[c].replace(" ", "") for c in cells)


def test_no_demonstration_shows_an_answer_of_another_meaning(llama2_tokenizer):
    """Of мир, мир and свет, none stands before another one; shuffled answers are wrong for all."""
    ask = {"tokenizer": llama2_tokenizer, "words": SENSES, "overlap": "paper"}
    alike = {"world", "peace", "light"}
    right = {c: {"世界", "平和", "世"} for c in ("world", "peace")} | {"light": {"光", "世界"}}
    seen = set()
    for seed in range(20):
        for prompt in ll.build_prompts("translation", "ru", "zh", k=2, seed=seed, **ask):
            assert prompt.concept not in alike or alike.isdisjoint(prompt.demos), prompt.concept
        shuffled = ll.build_prompts(
            "translation", "ru", "zh", k=3, seed=seed, control="shuffled", **ask
        )
        for prompt in shuffled:
            seen |= alike & set(prompt.demos)
            for demo, line in zip(prompt.demos, prompt.text.splitlines()):
                shown = line.split('"')[3]
                own = {SENSES.set_index("concept").at[demo, "zh"]}
                assert shown not in right.get(demo, own), line
    assert seen == alike


@pytest.mark.parametrize("control", ["random", "de"])
def test_a_control_follows_every_meaning_or_none(control, llama2_tokenizer):
    ask = {"tokenizer": llama2_tokenizer, "words": SENSES, "k": 1, "mode": "first"}
    prompts = ll.build_prompts(
        "translation", "ru", "zh", control=control, overlap="paper", **ask
    ).about(["world", "peace"])
    assert len(prompts) == 2
    for prompt in prompts:
        assert prompt.homographs and len(prompt.answers["zh"]) == 3
        if control == "de":
            assert set(prompt.answers["de"]) == {"Welt", "Frieden"}
        else:
            assert {"world", "peace", "light"}.isdisjoint(prompt.answers["en"])


@pytest.mark.parametrize("source", ["ru", "ko", "sw"])
def test_the_right_answers_of_the_shipped_words(source, llama2_tokenizer, words):
    """By brute force: a row is right if its cell holds the word that the prompt shows."""
    prompts = ll.build_prompts("translation", source, "zh", tokenizer=llama2_tokenizer)
    ambiguous = 0
    for prompt in prompts:
        shown = prompt.text.splitlines()[-1].split('"')[1]
        rows = words.loc[same_word(words[source], prompt.concept)]
        assert all(shown in cell for cell in rows[source])
        for code in ("en", "zh"):
            assert set(prompt.answers[code]) == {w for cell in rows[code] for w in cell}
        assert {*prompt.homographs, prompt.concept} == set(rows.index)
        ambiguous += len(rows) > 1
        for demo in prompt.demos:
            assert not {w for cell in rows["zh"] for w in cell} & set(words.at[demo, "zh"])
    assert prompts.ambiguous == {source: ambiguous} and ambiguous > 5
