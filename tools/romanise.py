"""Write data/languages/<code>/romanised.csv: the words in Latin letters, by the rules below.

    python -m tools.romanise

Chinese: pinyin by pypinyin, without tones and with them. Russian and Korean: letter by letter.
Japanese: Hepburn, of the accepted spellings in kana; a concept without one has no row.
data/README.md gives the rules in words.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable

import latentlang as ll

from .scripts import ROOT

# Latin letters in the order of the letters of a script; "_" stands for none.
_OF_RUSSIAN = "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya"
_OF_KANA = """
    a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho
    ma mi mu me mo ya yu yo ra ri ru re ro wa o n ga gi gu ge go za ji zu ze zo da ji zu de do
    ba bi bu be bo pa pi pu pe po
"""
_OF_INITIALS = "g kk n d tt r m b pp s ss _ j jj ch k t p h"
_OF_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
# Of the last consonants of a syllable: at the end, and before a vowel.
_OF_FINALS = "_ k k k n n n t l k m l l l p l m p p t t ng t t k t p t"
_OF_LINKED = "_ g kk ks n nj n d r lg lm lb ls lt lp r m b ps s ss ng j ch k t p _"


def _letters(row: str) -> list[str]:
    """Return the Latin letters of a row."""
    return ["" if each == "_" else each for each in row.split()]


_RUSSIAN = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", _letters(_OF_RUSSIAN)))
_INITIALS, _VOWELS = _letters(_OF_INITIALS), _letters(_OF_VOWELS)
_FINALS, _LINKED = _letters(_OF_FINALS), _letters(_OF_LINKED)
_KANA = dict(
    zip(
        "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
        "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽ",
        _letters(_OF_KANA),
    )
)
_SMALL = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo"}
_SMALL_VOWELS = dict(zip("ぁぃぅぇぉ", "aiueo"))


def russian(word: str) -> list[str]:
    """Return a word letter by letter; the hard and the soft sign have no letter.

    >>> russian("ещё"), russian("жизнь")
    (['eshchyo'], ['zhizn'])
    """
    return ["".join(_RUSSIAN.get(letter, letter) for letter in word.lower())]


def korean(word: str) -> list[str]:
    """Return a word by the letters of the Revised Romanization, without its changes of sounds.

    A last consonant before a vowel is written as a first one, and l before l stays.

    >>> korean("하늘"), korean("달"), korean("얼음")
    (['haneul'], ['dal'], ['eoreum'])
    """
    syllables = [divmod(ord(letter) - 0xAC00, 28) for letter in unicodedata.normalize("NFC", word)]
    if any(not 0 <= first < 19 * 21 for first, _ in syllables):
        return []
    text, before = "", 0
    for place, (first, final) in enumerate(syllables):
        initial, vowel = divmod(first, 21)
        after_l = before == 8 and _INITIALS[initial] == "r"
        text += ("l" if after_l else _INITIALS[initial]) + _VOWELS[vowel]
        following = syllables[place + 1][0] // 21 if place + 1 < len(syllables) else None
        linked = following is not None and _INITIALS[following] == ""
        text += (_LINKED if linked else _FINALS)[final]
        before = final
    return [text]


def japanese(word: str) -> list[str]:
    """Return a word in kana by Hepburn, long vowels as they are spelled; other words are left out.

    >>> japanese("きょう"), japanese("がっこう"), japanese("ケーキ"), japanese("空")
    (['kyou'], ['gakkou'], ['keeki'], [])
    """
    text, double = "", False
    for letter in map(_hiragana, unicodedata.normalize("NFC", word)):
        if letter == "っ":
            double = True
            continue
        if letter == "ー" and text:
            text += text[-1]
            continue
        if letter in _SMALL and text.endswith("i"):
            glide = _SMALL[letter]
            text = text[:-1] + (glide[1:] if text.endswith(("shi", "chi", "ji")) else glide)
            continue
        if letter in _SMALL_VOWELS and text:
            text = text[:-1] + _SMALL_VOWELS[letter]
            continue
        if letter not in _KANA:
            return []
        syllable = _KANA[letter]
        first = "t" if syllable.startswith("ch") else syllable[0]
        text += (first if double else "") + syllable
        double = False
    return [text]


def chinese(word: str) -> list[str]:
    """Return a word in pinyin, without tones and with them, as one word."""
    from pypinyin import Style, lazy_pinyin

    return ["".join(lazy_pinyin(word, style=style)) for style in (Style.NORMAL, Style.TONE)]


def _hiragana(letter: str) -> str:
    """Return the hiragana of a katakana letter, and any other letter as it is."""
    return chr(ord(letter) - 0x60) if "ァ" <= letter <= "ヶ" else letter


RULES: dict[str, Callable[[str], list[str]]] = {
    "zh": chinese,
    "ru": russian,
    "ja": japanese,
    "ko": korean,
}


def main() -> None:
    """Write the file of each language."""
    for code, rule in RULES.items():
        path = ROOT / "data" / "languages" / code / "romanised.csv"
        count = 0
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["concept", "words"])
            for concept, cell in ll.load_words()[code].items():
                spelled = list(dict.fromkeys(text for word in cell for text in rule(word)))
                if spelled:
                    rows.writerow([concept, "|".join(spelled)])
                    count += 1
        print(f"{code}: {count} concepts")


if __name__ == "__main__":
    main()
