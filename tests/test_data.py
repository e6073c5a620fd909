"""Broken tables name file, line and column; the shipped files keep their promises."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import latentlang as ll
from latentlang.data import language
from latentlang.errors import DataError
from latentlang.prompts.csv_file import read_csv
from latentlang.prompts.words import concepts, language_folders
from tools.word_rules import foreign_letters

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
        ("concept,en,,\nsun,sun,,\n", ["line 1: column 3 has no name", "comma"]),
        ("sep=;\nconcept;en\nsun;sun\n", ["line 1", "remove it", "with commas"]),
        ("sep=,\nconcept,en\nsun,sun\n", ["line 1", "remove it", "with commas"]),
        ("concept, en\nsun,sun\n", ["line 1", "' en' of column 2 has a stray space"]),
        ("concept,en\u200b\nsun,sun\n", ["line 1", "column 2", "U+200B (zero width space)"]),
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
        (raw.assign(fr=[5, "vertu"]), "row 1, column 'fr': 5 is a int; write words as text"),
        (raw.assign(fr=[5.0, None]), "row 1, column 'fr': 5.0 is a float"),
        (raw.assign(fr=[("a", 5), ""]), "row 1, column 'fr': 5 is a int"),
        (raw.assign(fr=[{"a"}, ""]), r"row 1, column 'fr': \{'a'\} is a set"),
        (raw.assign(concept=[1, 2]), "row 1, column 'concept': 1 is a int"),
        (pd.concat([raw, raw[["fr"]]], axis=1), "column 'fr' stands there twice"),
        (raw.rename(columns={"fr": "fr "}), "'fr ' of column 3 has a stray space"),
        (raw.assign(fr=["\u200fkitab", ""]), r"row 1, column 'fr'.*U\+200F"),
        (raw.set_index("concept").reset_index(drop=True), "no column 'concept'"),
        (raw.set_index("concept").rename_axis("word"), "no column 'concept'"),
    ):
        with pytest.raises(DataError, match=message):
            ll.load_words(broken)


def test_a_data_frame_whose_index_is_the_concept(words):
    part = words.loc[["sun", "moon"], ["en", "fr"]]
    pd.testing.assert_frame_equal(ll.load_words(part.rename_axis(None)), part)
    gaps = part.astype(object).rename_axis(None)
    gaps.at["sun", "fr"] = pd.NA
    assert ll.load_words(gaps).at["sun", "fr"] == ()


@pytest.mark.parametrize(
    "form",
    [["sun"], {"sun": "soleil"}, [{"concept": "sun"}], pd.Series(["sun"]), 5, ("a",)],
    ids=str,
)
def test_another_form_of_table_is_told_the_accepted_ones(form, llama2_tokenizer):
    for action in (
        lambda: ll.load_words(form),
        lambda: ll.build_prompts("translation", "fr", tokenizer=llama2_tokenizer, words=form),
    ):
        with pytest.raises(DataError, match="path of a CSV file, or a pandas DataFrame") as error:
            action()
        assert type(form).__name__ in str(error.value)


def test_a_word_may_stand_for_two_concepts_in_an_own_list(write_csv):
    words = ll.load_words(write_csv("concept,en,de\nbank,bank,Bank\nbench,bench,Bank\n"))
    assert words["de"].tolist() == [("Bank",), ("Bank",)]


def test_a_caller_cannot_change_what_others_get():
    language("fr")["endonym"] = "changed"
    assert language("fr")["endonym"] == "Français"
    for shared in (language_folders(), concepts(), concepts()["sun"]):
        with pytest.raises(TypeError):
            shared["fr"] = "changed"


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
def test_no_cell_has_a_spelling_twice(code, words):
    assert all(len(set(cell)) == len(cell) for cell in words[code])


@pytest.mark.parametrize(
    ("code", "word", "owners"),
    [
        ("ru", "язык", ["tongue", "language"]),
        ("cs", "měsíc", ["moon", "month"]),
        ("zh", "天", ["sky", "day"]),
        ("hu", "hét", ["week", "seven"]),
        ("en", "glass", ["glass"]),
    ],
)
def test_a_spelling_stands_for_every_concept_that_it_names(code, word, owners, words):
    assert sorted(words.index[words[code].map(lambda cell: word in cell)]) == sorted(owners)


def test_every_concept_has_a_gloss_that_does_not_use_its_word():
    for concept, row in concepts().items():
        said = spaced(row["gloss"].casefold())
        assert said.strip() and spaced(concept.casefold()) not in said, concept


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_the_words_of_a_course(code, words):
    assert words[code].map(bool).mean() > 0.9
    folder = language_folders()[code]
    assert not foreign_letters(folder, words[code].to_dict())
    assert not foreign_letters(folder, {c: (text,) for c, text in ll.load_cloze(code).items()})


SIGNED = ("date", "words_read", "words_wrong", "sentences_read", "sentences_wrong")


@pytest.mark.parametrize("code", CODES)
def test_what_a_native_speaker_signed_can_be_true(code, words):
    path = LANGUAGES / code / "signed.csv"
    if not path.exists():
        return  # a new language needs none
    sizes = {"words": words[code].map(bool).sum(), "sentences": len(ll.load_cloze(code))}
    for line, row in read_csv(path, SIGNED, may_be_empty=()):
        assert date.fromisoformat(row["date"]) <= date.today(), line
        for part, size in sizes.items():
            assert 0 <= int(row[f"{part}_wrong"]) <= int(row[f"{part}_read"]) <= size, line


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
