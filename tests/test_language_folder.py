"""A language is a folder: nothing else is edited to add one, and every mistake in it is named."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import latentlang as ll
from latentlang.__main__ import main
from latentlang.errors import DataError
from latentlang.explore.controls import pair_controls
from latentlang.prompts.language_folder import read_concepts, read_languages
from latentlang.prompts.tasks import TASKS
from latentlang.prompts.word_table import chosen_words, word_csv, word_table
from latentlang.prompts.words import language_folders
from tools import ROOT, check_words, dictionaries

DATA = ROOT / "data"
# By name alone: a mistake in a file is for a test to report, and not for the collection of tests.
CODES = sorted(path.name for path in (DATA / "languages").iterdir() if path.name[0] not in "._")

DANISH = {
    "language.toml": """
name = "Danish"
endonym = "Dansk"
script = "Latin"
direction = "ltr"
answer = "Svar:"
stop = "."
quotes = "»«"
iso639_3 = "dan"
dictionaries = ["eng-dan", "dan-eng"]
""",
    "words.csv": """concept,words
eagle,ørn
book,bog
house,hus
flower,blomst
mirror,spejl
""",
    "cloze.csv": """concept,sentence
eagle,"En ___ er en stor rovfugl, der bygger rede højt oppe."
book,Man låner en ___ på biblioteket for at læse den.
house,"Et ___ har vægge, et tag og en dør."
""",
}


def write_language(folder: Path, **changes: str | bytes | None) -> Path:
    """Write the Danish folder; ``words=None`` leaves a file out, ``words="…"`` replaces it."""
    folder.mkdir(parents=True)
    for name, text in DANISH.items():
        text = changes.get(name.partition(".")[0], text)
        if text is not None:
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            (folder / name).write_bytes(data)
    return folder


# The shipped folders


@pytest.fixture(scope="module")
def code_of(words) -> dict[str, str]:
    """The code of each language by that of dictionaries."""
    return {folder.iso639_3: code for code, folder in language_folders().items()}


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, read without the library."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_has_every_concept_and_every_language(words):
    assert list(words.index) == [row["concept"] for row in rows(DATA / "concepts.csv")]
    assert sorted(words.columns) == CODES
    assert all(type(cell) is tuple for cell in words.to_numpy().ravel())


@pytest.mark.parametrize("code", CODES)
def test_the_table_joins_what_the_files_say(code, words):
    table = rows(DATA / "languages" / code / "words.csv")
    written = {row["concept"]: tuple(row["words"].split("|")) for row in table}
    assert {concept: cell for concept, cell in words[code].items() if cell} == written


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    concepts = read_concepts(DATA / "concepts.csv")
    head, *lines = DANISH["words.csv"].splitlines(keepends=True)
    for code, text in (("da", lines), ("nb", reversed(lines))):
        write_language(tmp_path / code, words=head + "".join(text))
    languages = read_languages(tmp_path)
    assert languages["da"].words(concepts) == languages["nb"].words(concepts)


def test_one_wide_csv_of_the_table_reads_as_the_table(tmp_path, words):
    path = tmp_path / "words.csv"
    path.write_text(word_csv(), encoding="utf-8")
    pd.testing.assert_frame_equal(ll.load_words(path), words)


def test_a_reader_cannot_change_the_table_of_the_next_one():
    words = ll.load_words()
    words.at["sun", "de"] = ("Mond",)
    assert ll.load_words().at["sun", "de"] == ("Sonne",)


def test_the_order_of_the_languages_is_that_of_their_files(words):
    def place(code: str) -> tuple[float, str]:
        text = (DATA / "languages" / code / "language.toml").read_text(encoding="utf-8")
        return tomllib.loads(text).get("order", float("inf")), code

    codes = list(words.columns)
    assert codes == list(ll.languages().index) == sorted(CODES, key=place)
    assert codes[:6] == ["en", "zh", "de", "fr", "ru", "es"]


def test_nouns_come_first():
    kinds = pd.read_csv(DATA / "concepts.csv")["kind"].tolist()
    assert kinds.index("numeral") == kinds.count("noun")
    assert set(kinds) == {"noun", "numeral", "colour", "direction"}


def test_the_wheel_contains_all_data():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for path in DATA.iterdir():
        if path.name != "README.md":
            assert included[f"data/{path.name}"] == f"latentlang/data/{path.name}"


# Each language


@pytest.mark.parametrize("code", CODES)
def test_a_language_is_ready(code, words, code_of):
    """It has words, prompts, a place in the menus and dictionaries, or a reason for none."""
    folder = language_folders()[code]
    concepts = [concept for concept, cell in words[code].items() if cell]
    assert concepts
    line = TASKS["translation"](words, "en", code).line(concepts[0], concepts[0])
    assert line.endswith(f' - {folder.endonym}: "{words.at[concepts[0], code][0]}"')
    cloze = TASKS["cloze"](words, code, code)
    assert all(cloze.usable(concept) for concept in cloze.sentences)
    concept = next(iter(cloze.sentences))
    answer = words.at[concept, code][0]
    assert cloze.line(concept, concept).endswith(f'"{answer}"{folder.stop}')
    menu = pair_controls("translation", "en", code)["target"].options
    assert dict((value, label) for label, value in menu)[code].startswith(folder.name)
    assert word_table([code], [concept]).splitlines()[1].split()[0] == code
    assert not dictionaries.mistake(folder, code_of)


# Mistakes


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("language", None, ["da has no language.toml: add the file, or remove the folder"]),
        ("language", 'name = "Danish\n', ["language.toml, line 1, column 15", "not TOML"]),
        ("language", "name = \n", ["language.toml, line 1, column 8", "not TOML"]),
        ("language", b'name = "D\xe6n"', ["language.toml, line 1", "not UTF-8"]),
        ("language", "", ["language.toml: the key 'name' is missing"]),
        ("language", ("stop", "Stop"), ["line 7", "'Stop' is unknown", "Did you mean 'stop'?"]),
        ("language", ("answer =", "[answer]\nx ="), ["line 6, key 'answer'", "text in quotation"]),
        ("language", ('"Dansk"', '" "'), ["line 3, key 'endonym'", "text in quotation marks"]),
        ("language", ('"Dansk"', "7"), ["line 3, key 'endonym'", "text in quotation marks"]),
        ("language", ("ltr", "right"), ["line 5, key 'direction'", "'ltr'", "'rtl'"]),
        ("language", ('"dan"', '"da"'), ["line 9, key 'iso639_3'", "three small letters"]),
        ("language", ('["eng-dan", "dan-eng"]', '"eng-dan"'), ["line 10", "write a list of names"]),
        ("language", ('"ltr"', '"ltr"\norder = "9"'), ["line 6, key 'order'", "a whole number"]),
        ("language", ('"ltr"', '"ltr"\nname = "x"'), ["line 6, column", "not TOML"]),
        (
            "language",
            ("Svar", "Svar\\u200b"),
            ["line 6, key 'answer'", "U+200B (zero width space)"],
        ),
        ("words", None, ["da has no words.csv", "concept,words"]),
        (
            "words",
            "concept,word\neagle,ørn\n",
            ["line 1", "'words' is missing", "Did you mean 'word"],
        ),
        (
            "words",
            "concept,words\negle,ørn\n",
            ["line 2, column 'concept'", "Did you mean 'eagle'?"],
        ),
        ("words", "concept,words\nsun,sol\nsun,sol\n", ["line 3, column 'concept'", "in line 2"]),
        ("words", "concept,words\n sun,sol\n", ["line 2, column 'concept'", "stray space"]),
        ("words", "concept,words\nsun,\n", ["line 2, column 'words'", "is empty"]),
        ("words", "concept,words\nsun,sol| x\n", ["line 2, column 'words'", "stray space"]),
        ("words", "concept,words\nsun,sol|sol\n", ["line 2, column 'words'", "twice"]),
        ("words", "concept,words\nsun,sol,sol\n", ["line 2", "3 cells and the header 2"]),
        ("words", "concept;words\nsun;sol\n", ["line 1", "semicolons", "with commas"]),
        ("words", '"concept";"words"\n"sun";"sol"\n', ["line 1", "semicolons", "with commas"]),
        ("words", "concept\twords\nsun\tsol\n", ["line 1", "tabs", "with commas"]),
        ("words", "concept,words,note\nsun,sol,x\n", ["line 1", "'note' is unknown", "remove it"]),
        ("words", "concept,words,\nsun,sol,\n", ["line 1", "column 3 has no name", "comma"]),
        ("words", 'concept,words\nsun,"sol\nmoon,m\n', ["line 2: a quotation mark is opened"]),
        ("words", 'concept,words\nsun,"sol\nmoon,"m"\n', ["line 2: a quotation mark is opened"]),
        (
            "words",
            'concept,words\nsun,"sol\nmoon,m"\n',
            ["line 2, column", "U+000A (a line break)"],
        ),
        (
            "cloze",
            "concept,sentence\nsun,En ____.\n",
            ["line 2, column 'sentence'", "exactly once"],
        ),
        ("cloze", "concept,sentence\nsun,______\n", ["line 2, column 'sentence'", "exactly once"]),
        ("cloze", "concept,sentence\nsun,___ _\n", ["line 2, column 'sentence'", "exactly once"]),
        ("cloze", "concept,sentence\nsun,___ \n", ["line 2, column 'sentence'", "with a space"]),
        (
            "cloze",
            'concept,sentence\nsun,"""___"""\n',
            ["line 2, column 'sentence'", "double quote"],
        ),
        ("cloze", "concept,sentence\nsun,En\u00ad ___.\n", ["line 2", "U+00AD (soft hyphen)"]),
        ("cloze", "concept,sentence,by\nsun,___,x\n", ["line 1", "'by' is unknown"]),
        ("cloze", None, ["no cloze sentences for Danish ('da')"]),
        ("cloze", "concept,sentence\negle,En ___.\n", ["line 2", "Did you mean 'eagle'?"]),
        ("cloze", "concept,sentence\nsun,En.\n", ["line 2, column 'sentence'", "exactly once"]),
        (
            "cloze",
            "concept,sentence\nsun,___\nsun,___\n",
            ["line 3, column 'concept'", "in line 2"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, file, text, expected):
    if isinstance(text, tuple):
        text = DANISH["language.toml"].replace(*text)
        assert text != DANISH["language.toml"]
    folder = write_language(tmp_path / "languages" / "da", **{file: text})
    with pytest.raises(DataError) as error:
        read_all(folder.parent)
    message = str(error.value)
    assert all(part in message for part in expected), message
    assert "\n" not in message and message.endswith((".", "?"))
    assert (file == "cloze" and text is None) or str(folder) in message


SIGNS = {
    "\x00": "U+0000 (a control character)",
    "\t": "U+0009 (a tab)",
    "\x0b": "U+000B (a control character)",
    "\u2028": "U+2028 (line separator)",
    "\u00a0": "U+00A0 (no-break space)",
    "\u200b": "U+200B (zero width space)",
    "\u200c": "U+200C (zero width non-joiner)",
    "\u200d": "U+200D (zero width joiner)",
    "\u202e": "U+202E (right-to-left override)",
    "\u2060": "U+2060 (word joiner)",
    "\u3164": "U+3164 (hangul filler)",
    "\ufeff": "U+FEFF (zero width no-break space)",
}


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"U+{ord(sign):04X}")
def test_a_character_that_nobody_sees_is_named(tmp_path, sign):
    text = f"concept,words\nsun,sol\nmoon,m|må{sign}ne\n"
    language = read_languages(write_language(tmp_path / "x" / "da", words=text).parent)["da"]
    with pytest.raises(DataError) as error:
        language.words(read_concepts(DATA / "concepts.csv"))
    assert "words.csv, line 3, column 'words': " in str(error.value)
    assert SIGNS[sign] in str(error.value) and error.value.args[0].isprintable()


@pytest.mark.parametrize(
    "word",
    ["می\u200cروم", "क्\u200dष", "क्\u200cष", "র\u200d্যাব"],
    ids=["Persian", "Hindi joined", "Hindi apart", "Bengali"],
)
def test_a_joiner_that_a_word_needs_is_accepted(tmp_path, word):
    folder = write_language(tmp_path / "da", words=f"concept,words\nsun,{word}\n")
    language = read_languages(folder.parent)["da"]
    assert language.words(read_concepts(DATA / "concepts.csv")) == {"sun": (word,)}


@pytest.mark.parametrize("name", DANISH)
def test_a_folder_in_place_of_a_file_is_named(tmp_path, name):
    folder = write_language(tmp_path / "da", **{name.partition(".")[0]: None})
    (folder / name).mkdir()
    with pytest.raises(DataError, match=rf"{name} is a folder: put a file of this name"):
        read_all(tmp_path)


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """A folder that any user may enter; pytest's own are closed to all but one."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Have the rights of an ordinary user: nothing refuses root."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


@pytest.mark.parametrize("name", DANISH)
def test_a_file_that_cannot_be_read_is_named(readable_by_all, name):
    folder = write_language(readable_by_all / "da")
    (folder / name).chmod(0)
    message = rf"{name} cannot be read \(Permission denied\): check"
    concepts = read_concepts(DATA / "concepts.csv")
    with ordinary_user(), pytest.raises(DataError, match=message):
        language = read_languages(readable_by_all)["da"]
        language.words(concepts)
        language.sentences(concepts)


def read_all(folder: Path) -> None:
    """Read every table of the Danish folder."""
    language, concepts = read_languages(folder)["da"], read_concepts(DATA / "concepts.csv")
    language.words(concepts)
    language.sentences(concepts)


@pytest.mark.parametrize("key", ["name", "endonym", "script", "stop", "quotes", "iso639_3"])
def test_a_key_that_is_missing_is_named(tmp_path, key):
    lines = DANISH["language.toml"].splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(f"{key} "))
    folder = write_language(tmp_path / "da", language=text)
    with pytest.raises(DataError, match=f"language.toml: the key '{key}' is missing"):
        read_languages(folder.parent)


def test_a_folder_is_named_by_its_code_and_hidden_ones_are_left_out(tmp_path):
    write_language(tmp_path / "da")
    for name in (".ipynb_checkpoints", "__pycache__"):
        (tmp_path / name).mkdir()
    assert list(read_languages(tmp_path)) == ["da"]
    write_language(tmp_path / "Danish")
    with pytest.raises(DataError, match="Danish is not named like a language: use its code"):
        read_languages(tmp_path)


def test_a_language_without_an_order_comes_last(tmp_path):
    for code, order in (("nb", ""), ("sv", "order = 2"), ("da", ""), ("de", "order = 1")):
        write_language(tmp_path / code, language=DANISH["language.toml"] + order)
    assert list(read_languages(tmp_path)) == ["de", "sv", "da", "nb"]


def test_a_spelling_may_stand_for_two_concepts(tmp_path):
    table = "concept,words\nmoon,måne\nmonth,måned|måne\n"
    folder = write_language(tmp_path / "da", words=table)
    language = read_languages(folder.parent)["da"]
    read = language.words(read_concepts(DATA / "concepts.csv"))
    assert read == {"moon": ("måne",), "month": ("måned", "måne")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("concept,kind\nsun,noun\n", ["line 1", "'gloss' is missing"]),
        ("concept,gloss,kind\nsun,a star,\n", ["line 2, column 'kind'", "is empty"]),
        ("concept,gloss,kind\nsun,,noun\n", ["line 2, column 'gloss'", "is empty"]),
        (
            "concept,gloss,kind\nsun,our Sun,noun\n",
            ["line 2, column 'gloss'", "'sun' contains the word", "other words"],
        ),
        ("concept,gloss,kind\nsun, a star,noun\n", ["line 2, column 'gloss'", "with a space"]),
        ("concept,gloss,kind\nsun,a st\u00adar,noun\n", ["line 2, column 'gloss'", "U+00AD"]),
        ("concept,gloss,kind,note\nsun,a star,noun,x\n", ["line 1", "'note' is unknown"]),
        (
            "concept,gloss,kind\nsun,a star,noun\nsun,a star,noun\n",
            ["line 3", "in line 2"],
        ),
    ],
)
def test_a_mistake_in_the_list_of_concepts_is_named(tmp_path, text, expected):
    path = tmp_path / "concepts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_concepts(path)
    assert all(part in str(error.value) for part in [str(path), *expected])


# python -m latentlang words


def test_the_words_command_prints_columns_that_stand_below_each_other(capsys):
    assert main(["words", "zh", "de", "hi", "--concept", "eagle", "--concept", "book"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["concept", "zh", "de", "hi"]
    assert lines[1].split() == ["eagle", "鹰|鷹|老鹰|老鷹", "Adler", *lines[1].split()[3:]]
    # Each Chinese character takes two columns of a terminal.
    assert lines[0].index("de") == lines[1].index("Adler") + 6 == lines[2].index("Buch") + 10
    assert main(["words", "fr", "--concept", "potato", "--concept", "sun"]) == 0
    assert capsys.readouterr().out == "concept  fr\npotato   —\nsun      soleil\n"


def test_the_words_command_prints_one_concept_in_every_language(capsys, words):
    assert main(["words", "--concept", "sun"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["code", *words.columns]
    german = lines[1 + list(words.columns).index("de")]
    assert german.split()[:3] == ["de", "German", "Sonne"]
    assert german.endswith(ll.load_cloze("de")["sun"])


def test_the_words_command_prints_a_table_that_load_words_reads(capsys, tmp_path):
    assert main(["words", "en", "fr", "--csv", "--concept", "moon", "--concept", "sun"]) == 0
    path = tmp_path / "words.csv"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    pd.testing.assert_frame_equal(ll.load_words(path), chosen_words(["en", "fr"], ["moon", "sun"]))
    assert list(ll.load_words(path).index) == ["moon", "sun"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["words"], "too wide to read"),
        (["words", "German"], "Did you mean 'de'?"),
        (["words", "de", "--concept", "egle"], "Did you mean 'eagle'?"),
    ],
)
def test_the_words_command_says_in_one_sentence_what_it_cannot_print(capsys, arguments, expected):
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert expected in printed.err and printed.err.count("\n") == 1 and not printed.out


# python -m tools.check_words


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dictionaries": ()}, "no dictionary is named; add the key 'dictionaries'"),
        ({"no_dictionary": "none"}, "keep one of the keys"),
        ({"dictionaries": ("deu",)}, "'deu' cannot be used"),
        ({"dictionaries": ("eng-xyz",)}, "'eng-xyz' cannot be used"),
        ({"dictionaries": ("eng-fra",)}, "'eng-fra' cannot be used; write CC-CEDICT"),
    ],
)
def test_a_language_without_a_dictionary_is_named(changes, expected, code_of):
    german = language_folders()["de"]
    assert not dictionaries.mistake(german, code_of)
    text = dictionaries.mistake(replace(german, **changes), code_of)
    assert expected in text and str(german.path / "language.toml") in text


def test_nothing_is_installed_unless_it_is_asked_for(tmp_path, capsys, monkeypatch):
    """An apt-get that only writes down how it was called comes first on the path."""
    calls = tmp_path / "calls"
    calls.write_text("")
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    arguments = ["--dictionaries", str(tmp_path), "--languages", "de"]
    packages = "dict-freedict-eng-deu dict-freedict-deu-eng"
    assert check_words.main(arguments) == 1 and calls.read_text() == ""
    assert f"`apt-get install {packages}`" in capsys.readouterr().err
    assert check_words.main([*arguments, "--install"]) == 1
    assert calls.read_text().splitlines() == [
        "update -qq",
        f"install -y -qq --no-install-recommends {packages}",
    ]


def test_make_installs_for_the_value_1_alone():
    for value, installs in (("1", True), ("0", False), ("", False)):
        command = ["make", "-n", "-o", ".venv/.ready", "data-check", f"INSTALL={value}"]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "tools.check_words" in said.stdout
        assert ("--install" in said.stdout.partition("tools.check_words")[2]) == installs


def test_the_lists_are_looked_at_without_a_dictionary(tmp_path, capsys):
    """A letter of another script is a fault, a word of two concepts is listed, both by hand."""
    (tmp_path / "words.csv").write_text(
        "concept,en,uk,ko\nmoon,moon,місяць,달\nmonth,month,місяць,달\nsun,sun,cонце,해\n",
        encoding="utf-8",
    )
    options = ["--words", str(tmp_path / "words.csv"), "--out", str(tmp_path / "out")]
    assert check_words.main(options) == 1
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[:3] == [
        "en  0 spellings of several concepts",
        "uk  1 spellings of several concepts: місяць (moon, month)",
        "ko  1 spellings of several concepts: 달 (moon, month)",
    ]
    assert "uk: sun 'cонце' has letters of LATIN; write it in Cyrillic." in printed.err
    for code in ("uk", "ko"):
        assert f"Warning: {code}: no dictionary covers it" in printed.err
    assert printed.err.count("\n") == 3


def write_dictionary(folder: Path, direction: str, entries: dict[str, str]) -> None:
    """Write a dictionary as FreeDict's packages have it: articles, and an index into them."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    def base64_number(value: int) -> str:
        return "".join(digits[value >> shift & 63] for shift in (12, 6, 0))

    articles, index = b"", ""
    for word, translation in entries.items():
        article = f"{word} /spoken/\n1. {translation} (rare) [note]\n".encode()
        index += f"{word}\t{base64_number(len(articles))}\t{base64_number(len(article))}\n"
        articles += article
    (folder / f"freedict-{direction}.dict.dz").write_bytes(gzip.compress(articles))
    (folder / f"freedict-{direction}.index").write_text(index, encoding="utf-8")


def test_the_dictionary_check_counts_as_by_hand(tmp_path, capsys, words):
    """Ten words: eight in the dictionary, seven agree, six of them with the first spelling."""
    concepts = list(words.index[words["hi"].map(bool)])[:10]
    hindi = [f"शब{chr(0x915 + i)}" for i in range(10)]
    hindi[6] = f"{hindi[6]}र|{hindi[6]}"  # the dictionary has the second spelling
    rows = [f"{concept},{concept},{word}\n" for concept, word in zip(concepts, hindi)]
    (tmp_path / "words.csv").write_text("concept,en,hi\n" + "".join(rows), encoding="utf-8")
    entries = {concept: word.partition("|")[2] or word for concept, word in zip(concepts, hindi)}
    entries[concepts[7]] = "घर"
    entries = {concept: entries[concept] for concept in concepts[:8]}
    write_dictionary(tmp_path, "eng-hin", entries)
    options = ["--words", "words.csv", "--dictionaries", ".", "--out", "out", "--languages", "hi"]
    options = [str(tmp_path / o) if o in ("words.csv", ".", "out") else o for o in options]
    assert check_words.main(options) == 1
    printed = capsys.readouterr()
    numbers = "hi  eng-hin                       10        8   80.0         7   87.5          75.0"
    assert numbers in printed.out.splitlines()
    assert printed.err.count("\n") == 1
    assert f"hi: {concepts[7]} '{hindi[7]}' disagrees and is not in" in printed.err
    with (tmp_path / "out" / "hi.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == [concepts[7], hindi[7], f"{concepts[7]}: घर"]


# A language added to a copy


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the library, its data, its tools and its tests."""
    ignore = shutil.ignore_patterns("__pycache__", "*.ipynb")
    for folder in ("latentlang", "data", "tools", "tests", "course"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run_in(copy: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run Python in the copy, whose library goes before the installed one."""
    command = [sys.executable, *arguments]
    env = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.more
def test_a_language_is_added_as_a_folder(copy):
    proof = (
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests/test_language_folder.py",
        "-k",
        "[da]",
    )
    assert " passed" not in run_in(copy, *proof).stdout
    write_language(copy / "data" / "languages" / "da")
    done = run_in(copy, *proof)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout[-3000:]
    code = """
import latentlang as ll
from latentlang.explore.controls import pair_controls
print(ll.__file__, list(ll.languages().index)[-1], list(ll.load_words().columns)[-1])
print(ll.load_words()["da"].map(bool).sum(), sorted(ll.load_cloze("da")))
print([choice.options[-1] for choice in pair_controls("translation", "da", "zh").values()
       if choice.description in ("From", "To")])
"""
    printed = run_in(copy, "-c", code)
    assert printed.stdout.splitlines() == [
        f"{copy / 'latentlang' / '__init__.py'} da da",
        "5 ['book', 'eagle', 'house']",
        "[('Danish (Dansk)', 'da'), ('Danish (Dansk)', 'da')]",
    ], printed.stderr
    printed = run_in(copy, "-m", "latentlang", "words", "da", "--concept", "eagle")
    assert printed.stdout.splitlines()[1].split()[:3] == ["da", "Danish", "ørn"]


@pytest.mark.more
def test_the_dictionary_check_sees_a_language_that_is_added(copy):
    folder = write_language(copy / "data" / "languages" / "da")
    english = {"eagle": "ørn", "book": "bog", "house": "hus", "flower": "blomst", "mirror": "spejl"}
    write_dictionary(copy, "eng-dan", english)
    write_dictionary(copy, "dan-eng", {"hus": "house"})
    check = ("-m", "tools.check_words", "--dictionaries", str(copy), "--languages", "da")
    done = run_in(copy, *check)
    line = "da  eng-dan dan-eng                5        5  100.0         5  100.0         100.0"
    assert done.returncode == 0 and line in done.stdout.splitlines(), done.stderr
    # It disagrees, and a row of reviewed.csv says why our word stands.
    words = DANISH["words.csv"] + "sun,sol\nmoon,måne\ntree,træ\n"
    (folder / "words.csv").write_text(words, encoding="utf-8")
    more = {"sun": "sol", "moon": "måne", "tree": "stamtræ"}
    write_dictionary(copy, "eng-dan", english | more)
    done = run_in(copy, *check)
    assert done.returncode == 1 and "da: tree 'træ' disagrees and is not in" in done.stderr
    reviewed = "concept,word,verdict,note\ntree,træ,variant,the dictionary has the family tree\n"
    (folder / "reviewed.csv").write_text(reviewed, encoding="utf-8")
    done = run_in(copy, *check)
    assert done.returncode == 0 and "1 disagreements reviewed" in done.stdout, done.stderr
    # It names neither a dictionary nor a reason.
    text = DANISH["language.toml"].partition("dictionaries")[0]
    (folder / "language.toml").write_text(text, encoding="utf-8")
    done = run_in(copy, "-m", "tools.check_words", "--dictionaries", str(copy))
    assert done.returncode == 1 and f"{folder / 'language.toml'}: no dictionary is" in done.stderr
