"""Prompts: exact texts, draws of demonstrations, what is dropped and why, and the errors."""

from __future__ import annotations

import random

import pandas as pd
import pytest

import latentlang as ll
from latentlang.errors import DataError

TWO = pd.DataFrame(
    {
        "concept": ["virtue", "flower"],
        "en": ["virtue", "flower"],
        "fr": ["vertu", "fleur"],
        "zh": ["德", "花"],
    }
)
# One row for each fate in a translation from Russian to French.
FATES = pd.DataFrame(
    [
        ("water", "water", "eau", "вода"),
        ("book", "book", "livre|bouquin", "книга"),  # 'b', 'bo' begin both
        (
            "port",
            "port",
            "Port|havre",
            "порт",
        ),  # the English word is in a French spelling, whatever its case
        ("nameless", "", "eau", "имя"),
        ("untold", "untold", "", "слово"),
        ("unasked", "unasked", "eau", ""),
    ],
    columns=["concept", "en", "fr", "ru"],
)


def test_translation_and_repetition_texts(llama2_tokenizer):
    translation = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=llama2_tokenizer, words=TWO, k=1
    )
    assert [p.text for p in translation] == [
        'Français: "fleur" - 中文: "花"\nFrançais: "vertu" - 中文: "',
        'Français: "vertu" - 中文: "德"\nFrançais: "fleur" - 中文: "',
    ]
    repetition = ll.build_prompts(
        "repetition", target="zh", tokenizer=llama2_tokenizer, words=TWO, k=1
    )
    assert repetition[1].text == '中文: "德" - 中文: "德"\n中文: "花" - 中文: "'
    flower = translation[1]
    assert (flower.task, flower.source, flower.target, flower.concept, flower.demos) == (
        "translation",
        "fr",
        "zh",
        "flower",
        ("virtue",),
    )
    assert flower.answers == {"en": ("flower",), "zh": ("花",), "fr": ("fleur",)}
    assert flower.token_ids["zh"] == ll.start_ids("花", llama2_tokenizer)
    assert repetition[1].source == "zh" and set(repetition[1].answers) == {"en", "zh"}


@pytest.mark.parametrize(
    ("code", "shown", "asked"),
    [
        ("en", '{} Answer: "{}".', '{} Answer: "'),
        ("fr", '{} Réponse : "{}".', '{} Réponse : "'),
        ("de", '{} Antwort: "{}".', '{} Antwort: "'),
        ("ru", '{} Ответ: "{}".', '{} Ответ: "'),
        ("zh", '{}答案："{}"。', '{}答案："'),
    ],
)
def test_cloze_texts(code, shown, asked, llama2_tokenizer):
    words, sentences = ll.load_words(), ll.load_cloze(code)
    prompts = ll.build_prompts(
        "cloze", target=code, tokenizer=llama2_tokenizer, pivot="zh" if code == "en" else "en"
    )
    for prompt in prompts[:20]:
        assert len(prompt.demos) == 2
        lines = [
            shown.format(sentences[d].replace("___", '"___"'), words.at[d, code][0])
            for d in prompt.demos
        ]
        lines.append(asked.format(sentences[prompt.concept].replace("___", '"___"')))
        assert prompt.text == "\n".join(lines)


def test_four_demonstrations_in_the_papers_format(llama2_tokenizer):
    words = ll.load_words()
    for prompt in ll.build_prompts("translation", "de", "ru", tokenizer=llama2_tokenizer)[:50]:
        assert len(prompt.demos) == 4
        lines = [
            f'Deutsch: "{words.at[d, "de"][0]}" - Русский: "{words.at[d, "ru"][0]}"'
            for d in prompt.demos
        ]
        assert prompt.text == "\n".join(
            [*lines, f'Deutsch: "{words.at[prompt.concept, "de"][0]}" - Русский: "']
        )


def test_demonstrations_never_include_the_query_nor_repeat(llama2_tokenizer):
    for shared in (False, True):
        prompts = ll.build_prompts(
            "translation", "fr", "zh", tokenizer=llama2_tokenizer, shared_demos=shared
        )
        for prompt in prompts:
            assert prompt.concept not in prompt.demos and len(set(prompt.demos)) == 4
        assert len({p.demos for p in prompts}) == (1 if shared else len(prompts))


def test_the_seed_names_the_prompts(llama2_tokenizer):
    def texts(**options) -> list[str]:
        return [
            p.text
            for p in ll.build_prompts(
                "translation", "fr", "zh", tokenizer=llama2_tokenizer, **options
            )
        ]

    assert texts(seed=1) == texts(seed=1) and texts() == texts(seed=0)
    assert not set(texts(seed=1)) & set(texts(seed=2))
    assert all(text.count("\n") == 2 for text in texts(k=2))
    assert all("\n" not in text for text in texts(k=0)) and texts(k=0)


@pytest.mark.parametrize("shared", [False, True])
def test_the_tokenizer_never_changes_a_prompt(
    llama2_tokenizer, byte_level_tokenizer, tokenizer, shared
):
    sets = [
        {
            p.concept: p.text
            for p in ll.build_prompts(
                "translation", "de", "fr", tokenizer=t, mode=mode, shared_demos=shared
            )
        }
        for t, mode in (
            (llama2_tokenizer, "prefix"),
            (llama2_tokenizer, "first"),
            (byte_level_tokenizer, None),
            (tokenizer, None),
        )
    ]
    assert len({frozenset(s) for s in sets}) > 1  # they do not keep the same concepts
    for other in sets[1:]:
        common = sets[0].keys() & other.keys()
        assert common and all(sets[0][c] == other[c] for c in common)


def test_shared_demonstrations_are_not_asked(llama2_tokenizer):
    prompts = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=llama2_tokenizer, shared_demos=True
    )
    reasons = prompts.dropped.set_index("concept")["reason"]
    assert all(reasons[demo] == "used as a demonstration" for demo in prompts[0].demos)
    prefix = prompts[0].text.rsplit("\n", 1)[0]
    assert all(p.text.startswith(prefix + "\n") for p in prompts)


def test_every_drop_has_its_reason(llama2_tokenizer):
    prompts = ll.build_prompts(
        "translation", "ru", "fr", tokenizer=llama2_tokenizer, words=FATES, k=1
    )
    assert [p.concept for p in prompts] == ["water"]
    assert prompts[0].demos[0] in ("book", "port", "nameless")  # drawn before anything is dropped
    assert prompts.dropped.to_dict("records") == [
        {
            "concept": "book",
            "source": "ru",
            "target": "fr",
            "reason": "shared first token: book / livre",
        },
        {
            "concept": "port",
            "source": "ru",
            "target": "fr",
            "reason": "the pivot word is in the target word: port / Port",
        },
        {"concept": "nameless", "source": "ru", "target": "fr", "reason": "no word in 'en'"},
    ]


def test_a_word_without_tokens_is_dropped(llama2_tokenizer):
    """Llama-2 has an entry for the whole of 'eau' and 'water', not of 'livre' or 'untold'."""
    words = pd.DataFrame(
        {
            "concept": ["water", "book", "tale"],
            "en": ["water", "book", "untold"],
            "fr": ["eau", "bouquin", "eau"],
        }
    )
    prompts = ll.build_prompts(
        "translation", "en", "fr", tokenizer=llama2_tokenizer, words=words, k=1, mode="word"
    )
    assert [p.concept for p in prompts] == ["water"]
    assert list(prompts.dropped["reason"]) == [
        "no token begins the 'fr' word",
        "no token begins the 'en' word",
    ]


def test_any_spelling_counts(llama2_tokenizer):
    words = pd.DataFrame({"concept": ["a", "b"], "en": ["water", "sun"], "zh": ["水|海", "日"]})
    water = ll.build_prompts(
        "repetition", target="zh", tokenizer=llama2_tokenizer, words=words, k=1, mode="word"
    )[0]
    assert (
        water.token_ids["zh"] == {llama2_tokenizer.get_vocab()[c] for c in "水海"}
        and '中文: "水' in water.text
    )


def test_pooling_and_the_table(llama2_tokenizer):
    one, other = (
        ll.build_prompts("translation", code, "zh", tokenizer=llama2_tokenizer, mode="first")
        for code in ("fr", "de")
    )
    pooled = one + other
    assert len(pooled) == len(one) + len(other) and list(pooled) == [*one, *other]
    assert len(pooled.dropped) == len(one.dropped) + len(other.dropped)
    assert [p.concept for p in pooled[:5]] == [p.concept for p in one][:5]
    frame = pooled.to_frame()
    assert list(frame["text"]) == [p.text for p in pooled] and list(frame["source"].unique()) == [
        "fr",
        "de",
    ]
    assert frame["demos"].iloc[0] == ", ".join(one[0].demos)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("translate", "fr", "zh"), "Unknown task 'translate'. Did you mean 'translation'?"),
        (("translation", "french", "zh"), "Unknown language 'french'. Did you mean 'fr'?"),
        (("translation", "fr", "chinees"), "Unknown language 'chinees'. Did you mean 'Chinese'?"),
        (("translation", "fr", "xx"), "Unknown language 'xx'."),
        (
            ("translation", "fr", "fr"),
            "Source and target are both 'fr': choose two languages, or the task 'repetition'.",
        ),
        (("translation", None, "fr"), "A translation needs a source language"),
        (("repetition", "fr", "zh"), "A repetition prompt stays in one language"),
        (("translation", "fr", "de"), "The word list has no column 'de'"),
    ],
)
def test_a_bad_request_is_one_sentence(arguments, sentence, llama2_tokenizer):
    with pytest.raises(DataError) as error:
        ll.build_prompts(*arguments, tokenizer=llama2_tokenizer, words=TWO, k=1)
    assert sentence in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("k", [2, 7, -1])
def test_too_many_demonstrations(k, llama2_tokenizer):
    with pytest.raises(
        DataError, match=f"k={k} demonstrations and a query need .* this pair has 2: lower k"
    ):
        ll.build_prompts("translation", "fr", "zh", tokenizer=llama2_tokenizer, words=TWO, k=k)


def test_no_usable_words(llama2_tokenizer):
    with pytest.raises(
        DataError, match=r"No usable words from 'fr' to 'zh'.*2 concepts.*try mode="
    ):
        ll.build_prompts(
            "translation",
            "fr",
            "zh",
            tokenizer=llama2_tokenizer,
            words=TWO.assign(zh=TWO["en"]),
            k=1,
        )
    with pytest.raises(DataError, match="empty: give it at least one concept"):
        ll.build_prompts("translation", "fr", "zh", tokenizer=llama2_tokenizer, words=TWO[:0], k=1)


@pytest.mark.parametrize("column", ["fr", "zh"])
@pytest.mark.parametrize("shared", [False, True])
def test_no_demonstration_shares_a_word_with_the_query(column, shared, llama2_tokenizer):
    """Pairs of concepts have one word: the same, another case, or a second spelling."""
    shipped = ll.load_words().iloc[:24]
    words = shipped[["en", "fr", "zh"]].copy()
    same = [shipped[column].iloc[row - row % 2] for row in range(24)]
    same[1] = (same[1][0].upper(),)
    same[3] = (shipped[column].iloc[3][0], same[3][0])
    words[column] = same
    ask = {"tokenizer": llama2_tokenizer, "words": words, "shared_demos": shared}
    prompts = ll.build_prompts("translation", "fr", "zh", overlap="paper", **ask)
    assert len(prompts) >= 8
    for prompt in prompts:
        own = {word.casefold() for word in words.at[prompt.concept, column]}
        for demo in prompt.demos:
            assert own.isdisjoint(word.casefold() for word in words.at[demo, column])
    if shared:
        reasons = set(prompts.dropped["reason"])
        assert "its word is shown in a demonstration" in reasons


def test_the_draw_is_the_one_of_the_random_module(llama2_tokenizer):
    """Demonstrations are drawn from the list of the concepts that share no word with the query."""
    words = ll.load_words()
    usable = [c for c in words.index if words.at[c, "fr"] and words.at[c, "zh"]]
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=llama2_tokenizer, seed=3)

    cells = {
        code: {c: {word.casefold() for word in words.at[c, code]} for c in usable}
        for code in ("fr", "zh")
    }
    for prompt in [*prompts[::30], prompts["tongue"], prompts["rose"], prompts["sky"]]:
        shown = words.at[prompt.concept, "fr"][0]
        meanings = [c for c in usable if shown in words.at[c, "fr"]]
        own = {code: set().union(*(cells[code][c] for c in meanings)) for code in cells}
        others = [c for c in usable if all(own[code].isdisjoint(cells[code][c]) for code in cells)]
        draw = random.Random(f"translation|fr|zh|3|{prompt.concept}")
        assert prompt.demos == tuple(draw.sample(others, 4))
    shared = ll.build_prompts(
        "translation", "fr", "zh", tokenizer=llama2_tokenizer, shared_demos=True
    )
    assert shared[0].demos == tuple(random.Random("translation|fr|zh|0").sample(usable, 4))


def test_homographs_leave_too_few_demonstrations(llama2_tokenizer):
    words = pd.DataFrame(
        {"concept": ["a", "b", "c"], "en": ["sun", "sea", "sky"], "zh": ["日", "日", "天"]}
    )
    with pytest.raises(DataError, match="3 concepts that share no word, and this pair has 2"):
        ll.build_prompts("translation", "en", "zh", tokenizer=llama2_tokenizer, words=words, k=2)
