"""Broken tables name file, line and column; the shipped files keep their promises."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

import latentlang as ll
from latentlang.data import language
from latentlang.errors import DataError

LANGUAGES = Path(__file__).resolve().parents[1] / "data" / "languages"
# By name alone: a mistake in a file is for a test to report, and not for the collection of tests.
CODES = sorted(path.name for path in LANGUAGES.iterdir() if path.name[0] not in "._")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("concept,de\nsun,Sonne\n", ["line 1", "column 'en'", "missing"]),
        ("Concept,en\nsun,sun\n", ["line 1", "column 'concept'", "Did you mean 'Concept'?"]),
        ("concept,en,en\nsun,sun,sun\n", ["line 1", "column 'en'", "twice"]),
        (
            "concept,en,de\nsun,sun,Sonne\nmoon,moon\n",
            ["line 3", "column de", "2 cells and the header 3"],
        ),
        ("concept,en\nsun,sun,Sonne\n", ["line 2", "after 'en'", "3 cells and the header 2"]),
        (
            "concept,en\nsun,sun\nmoon,moon\nsun,sunshine\n",
            ["line 4", "column 'concept'", "'sun' is already in line 2"],
        ),
        ("concept,en\nsun,sun\n,moon\n", ["line 3", "column 'concept'", "empty"]),
        ("concept,en,de\nsun,sun,Sonne \n", ["line 2", "column 'de'", "stray space"]),
        ("concept,en,de\nsun,sun,Sonne| Tag\n", ["line 2", "column 'de'", "stray space"]),
        ("concept,en,de\nsun,sun,Sonne|\n", ["line 2", "column 'de'", "empty spelling"]),
        ("concept,en\nsun,sun|sun\n", ["line 2", "column 'en'", "twice"]),
        ("concept,en\n sun,sun\n", ["line 2", "column 'concept'", "stray space"]),
        ('concept,en\nsun,"s""un"\n', ["line 2", "column 'en'", "double quote"]),
        ('concept,en\nsun,"sun\nmoon,moon\n', ["line 2: a quotation mark is opened"]),
        ('concept,en\nsun,sun\nmoon,"mo"on\n', ["line 3", "check the quotes on that line"]),
        ("concept;en\nsun;sun\n", ["line 1", "semicolons", "separate them with commas"]),
        ("concept,en,\nsun,sun,\n", ["line 1: column 3 has no name", "comma"]),
        ("concept,en\nsun,s\u200bun\n", ["line 2, column 'en'", "U+200B (zero width space)"]),
        ("concept,en\ns\u00adun,sun\n", ["line 2, column 'concept'", "U+00AD (soft hyphen)"]),
        ("concept,en,klingon\nsun,sun,jul\n", ["Unknown language 'klingon'"]),
        ("concept,en\n", ["is empty"]),
        ("", ["line 1", "column 'concept'"]),
        ("concept,en\nsun,sun\nmoon,Mönd\n".encode("latin-1"), ["line 3", "not UTF-8"]),
    ],
)
def test_a_broken_csv_names_the_place(write_csv, text, expected):
    path = write_csv(text)
    with pytest.raises(DataError) as error:
        ll.load_words(path)
    message = str(error.value)
    assert all(part in message for part in expected), message
    assert "\n" not in message and (str(path) in message or "klingon" in message)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*nothing.csv: check the path"):
        ll.load_words(tmp_path / "nothing.csv")


def test_a_good_csv(write_csv):
    decomposed = (
        "concept,en,fr,zh\nsummer,summer,e\u0301te\u0301|saison,夏天\n\nvirtue,virtue,,德\n"
    )
    words = ll.load_words(write_csv("\ufeff" + decomposed))
    assert list(words.columns) == ["en", "fr", "zh"] and list(words.index) == ["summer", "virtue"]
    assert words.at["summer", "fr"] == (
        "\u00e9t\u00e9",
        "saison",
    )  # composed (NFC), however the file spells it
    assert words.at["virtue", "fr"] == ()
    pd.testing.assert_frame_equal(ll.load_words(str(write_csv(decomposed))), words)


def test_a_data_frame(write_csv, words):
    raw = pd.DataFrame(
        {
            "concept": ["summer", "virtue"],
            "en": ["summer", "virtue"],
            "fr": ["e\u0301te\u0301|saison", None],
        }
    )
    table = ll.load_words(raw)
    assert table["fr"].tolist() == [("\u00e9t\u00e9", "saison"), ()]
    for accepted in (table, words):  # what load_words returned is accepted
        pd.testing.assert_frame_equal(ll.load_words(accepted), accepted)
    for broken, message in (
        (raw.drop(columns="concept"), "no column 'concept'"),
        (raw.drop(columns="en"), "no column 'en'"),
        (raw.assign(en=["summer", " virtue"]), "row 2, column 'en'.*stray space"),
        (raw.assign(concept="x"), "row 2, column 'concept'.*'x' is already in row 1"),
        (raw[:0], "empty"),
    ):
        with pytest.raises(DataError, match=message):
            ll.load_words(broken)


def test_known_and_unknown_languages():
    assert {"en", "zh", "de", "fr", "ru"} <= set(CODES)
    assert ll.languages().loc["zh", "endonym"] == "中文" and language("fr")["answer"] == "Réponse :"
    table = ll.languages()
    table.loc["fr", "endonym"] = "changed"
    assert (
        ll.languages().loc["fr", "endonym"] == "Français"
    )  # a copy: a reader cannot break the library's own
    for wrong, meant in (
        ("French", "fr"),
        ("Deutsch", "de"),
        ("中文", "zh"),
        ("Russain", "Russian"),
    ):
        with pytest.raises(DataError, match=f"Unknown language '{wrong}'. Did you mean '{meant}'?"):
            language(wrong)
    with pytest.raises(DataError, match=r"There are no cloze sentences|Unknown language"):
        ll.load_cloze("tlh")


def test_the_shipped_words(words):
    assert len(words) >= 400 and set(words.columns) <= set(CODES)
    assert list(words["en"].map(lambda cell: cell[0])) == list(
        words.index
    )  # a concept is named by its English lemma
    for code in words.columns:
        for concept, cell in words[code].items():
            for word in cell:
                assert (
                    unicodedata.is_normalized("NFC", word)
                    and word == word.strip()
                    and '"' not in word
                ), (code, concept)


@pytest.mark.parametrize("code", CODES)
def test_no_spelling_stands_for_two_concepts(code, words):
    owner: dict[str, str] = {}
    for concept, cell in words[code].items():
        for word in cell:
            assert owner.setdefault(word, concept) == concept, (
                f"{word}: {owner[word]} and {concept}"
            )


# Scripts of which Unicode names the letters by another word.
LETTERS = {
    "Han": {"CJK"},
    "Kanji and kana": {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
}


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_the_words_of_a_course(code, words):
    assert words[code].map(bool).mean() > 0.9
    script = ll.languages().loc[code, "script"]
    for word in words[code].map(lambda cell: cell[0] if cell else ""):
        letters = [c for c in word if c.isalpha()]
        names = {unicodedata.name(c).split()[0] for c in letters}
        assert names <= LETTERS.get(script, {script.upper()}), (word, names)


def spaced(text: str) -> str:
    """Return the words of a text with one space around each; words are letters, marks, digits."""
    kept = [c if unicodedata.category(c)[0] in "LMN" else " " for c in text]
    return f" {' '.join(''.join(kept).split())} "


@pytest.mark.parametrize("code", CODES)
def test_the_shipped_cloze_sentences(code, words):
    sentences = ll.load_cloze(code)
    assert len(sentences) >= 30 and set(sentences) <= set(words.index)
    spaceless = ll.languages().loc[code, "script"] in ("Han", "Kanji and kana", "Hangul")
    for concept, sentence in sentences.items():
        assert sentence.count("___") == 1 and unicodedata.is_normalized("NFC", sentence)
        assert sentence == sentence.strip() and '"' not in sentence, concept
        assert words.at[concept, code], f"{concept} has a sentence and no word"
        text = sentence.casefold()
        for word in words.at[concept, code]:
            # As a whole word where there are spaces: "port" may stand in "important".
            word_part = word.casefold() if spaceless else spaced(word.casefold())
            assert word_part not in (text if spaceless else spaced(text)), (
                f"{code}, {concept}: the sentence gives the answer '{word}' away: {sentence}"
            )
