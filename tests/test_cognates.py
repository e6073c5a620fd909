"""Cognates: words that are spelled alike, by a rule, by eye, and in every kind of prompt."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

import latentlang as ll
from latentlang.prompts.cognates import grade, similarity

BY_EYE = Path(__file__).with_name("spelled_alike.csv")


def bare(word: str) -> str:
    """Return the letters of a word without case and marks."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in letters if unicodedata.category(c) != "Mn")


def edits(a: str, b: str) -> int:
    """Return the fewest edits between two texts, by the recursion of Lowrance and Wagner (1975).

    Neighbors may be exchanged, with other edits between them afterwards.
    """

    @cache
    def fewest(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        ways = [fewest(i - 1, j) + 1, fewest(i, j - 1) + 1]
        ways.append(fewest(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
        for k, m in product(range(1, i), range(1, j)):
            if a[k - 1] == b[j - 1] and a[i - 1] == b[m - 1]:
                ways.append(fewest(k - 1, m - 1) + (i - k - 1) + 1 + (j - m - 1))
        return min(ways)

    return fewest(len(a), len(b))


def expected(word: str, other: str) -> str:
    """Return the grade of two words, from the fewest edits: at most two of five letters."""
    a, b = bare(word), bare(other)
    if a == b:
        return "identical"
    scripts = {unicodedata.name(c).split()[0] for c in a + b if c.isalpha()}
    if len(scripts) > 1 or min(sum(c.isalpha() for c in each) for each in (a, b)) < 4:
        return "no"
    return "near" if 5 * edits(a, b) <= 2 * max(len(a), len(b)) else "no"


def test_the_rule_agrees_with_a_reading_by_eye():
    """94 of 100 pairs: dette and langue look less alike, Axt, Norden, Gruppe and botella more."""
    pairs = pd.read_csv(BY_EYE, comment="#")
    assert pairs["source"].value_counts().to_dict() == {"fr": 34, "de": 33, "es": 33}
    words = ll.load_words()
    for row in pairs.itertuples():
        assert any(row.word == own[0] for own in words[row.source] if own), row
    ruled = [grade(row.word, row.english) != "no" for row in pairs.itertuples()]
    differ = pairs[(pairs["alike"] == "yes") != pd.Series(ruled)]
    assert len(differ) <= 6, differ
    assert 25 < sum(pairs["alike"] == "yes") < 40


@pytest.mark.parametrize("source", ["fr", "de", "es"])
def test_a_grade_is_that_of_the_fewest_edits(source):
    words = ll.load_words()
    pairs = [(a[0], b[0]) for a, b in zip(words[source], words["en"]) if a and b]
    pairs += [(a, b[::-1]) for a, b in pairs[:50]] + [(a, a[1] + a[0] + a[2:]) for a, _ in pairs]
    for word, other in pairs:
        assert grade(word, other) == grade(other, word) == expected(word, other), (word, other)


@pytest.mark.parametrize(
    ("word", "other", "wanted"),
    [
        ("LION", "lion", "identical"),
        ("cafe\u0301", "café", "identical"),
        ("art", "Art", "identical"),
        ("mer", "mar", "no"),  # three letters
        ("нос", "nos", "no"),
        ("аbсd", "abcd", "no"),  # two Cyrillic letters
        ("Straße", "strasse", "identical"),
    ],
)
def test_case_marks_length_and_script(word, other, wanted):
    assert grade(word, other) == wanted


def test_neighbors_may_be_exchanged_with_an_edit_between_them():
    assert similarity("ca", "abc") == pytest.approx(1 - 2 / 3) and edits("ca", "abc") == 2


@pytest.mark.parametrize(
    ("task", "source", "target", "change"),
    [
        ("translation", "fr", "de", {}),
        ("translation", "fr", "de", {"control": "random"}),
        ("translation", "fr", "de", {"control": "sw"}),
        ("translation", "ru", "zh", {}),
        ("translation", "ja", "zh", {"overlap": "paper"}),
        ("translation", "en", "de", {}),  # the pivot is the source
        ("translation", "fr", "en", {}),  # the pivot is the target
        ("translation", "fr", "zh", {"pivot": "de"}),
        ("repetition", None, "de", {}),
    ],
)
def test_words_of_every_two_languages_are_compared(tokenizer, task, source, target, change):
    """Of a source that is not pivot or target only the word that the prompt shows."""
    words = ll.load_words()
    prompts = ll.build_prompts(task, source, target, tokenizer=tokenizer, **change)
    pivot, source = change.get("pivot", "en"), source or target
    table = prompts.cognates()
    for prompt in prompts:
        meanings = [prompt.concept, *prompt.homographs]
        cells = {code: {w for m in meanings for w in words.at[m, code]} for code in (pivot, target)}
        if source in cells:
            cells[source] = set(words.at[prompt.concept, source])
        else:
            cells[source] = {words.at[prompt.concept, source][0]}
        codes = list(cells)
        grades = {
            (a, b): expected(a, b)
            for n, code in enumerate(codes)
            for other in codes[n + 1 :]
            for a, b in product(cells[code], cells[other])
        }
        order = ["no", "near", "identical"]
        assert prompt.cognate == max(grades.values(), key=order.index), prompt.concept
        rows = table[table["concept"] == prompt.concept]
        told = {frozenset(pair) for pair in zip(rows["word"], rows["other"])}
        assert told == {frozenset(pair) for pair, found in grades.items() if found != "no"}
    kept = {prompt.concept for prompt in prompts.without_cognates()}
    assert kept.isdisjoint(table["concept"])
    assert kept | set(table["concept"]) == {prompt.concept for prompt in prompts}
    assert table.empty == (source == "ru")


def test_a_pool_tells_of_two_words_once(tokenizer):
    ask = {"tokenizer": tokenizer, "target": "de"}
    one, other = (ll.build_prompts("translation", code, **ask) for code in ("fr", "es"))
    table = (one + other).cognates()
    assert not table.duplicated().any()
    assert set(table["pair"]) == {"fr–en", "fr–de", "es–en", "es–de", "en–de"}
    assert len(one.cognates()) < len(table) < len(one.cognates()) + len(other.cognates())
