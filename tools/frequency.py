"""Write data/frequency/zipf.csv: how frequent each word of the lists is, by the data of wordfreq.

    pip download --no-deps wordfreq==3.1.1
    python -m tools.frequency wordfreq-3.1.1-py3-none-any.whl

The package is read as a file and not installed. Its lists are looked up as they are, without its
tokenizers: a word that is not an entry has an empty cell, which does not say that it is rare.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import latentlang as ll

from .scripts import ROOT

TABLE = ROOT / "data" / "frequency" / "zipf.csv"


def main(wheel: Path) -> None:
    """Write the table from a wheel of wordfreq."""
    words = ll.load_words()
    columns = {}
    with zipfile.ZipFile(wheel) as archive:
        for code in words.columns:
            if (found := zipf_of(archive, code)) is not None:
                columns[code] = [
                    found.get(folded(cell[0])) if cell else None for cell in words[code]
                ]
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["concept", *columns])
        for concept, *values in zip(words.index, *columns.values()):
            rows.writerow([concept, *("" if value is None else f"{value:.2f}" for value in values)])
    for code, values in columns.items():
        print(f"{code}: {sum(value is not None for value in values)} of {len(values)} words")


def folded(word: str) -> str:
    """Return a word as the lists spell it: composed letters, without capitals.

    >>> folded("Straße")
    'straße'
    """
    return unicodedata.normalize("NFC", word).lower()


def zipf_of(archive: zipfile.ZipFile, code: str) -> dict[str, float] | None:
    """Return ``{word: Zipf value}`` of a language, or None if wordfreq has no list of it.

    A list holds a header, then the words of each whole centibel: those at place k have the
    frequency 10^(-k / 100). The Zipf value is the logarithm of that frequency times 10^9.
    """
    names = [f"wordfreq/data/{size}_{code}.msgpack.gz" for size in ("large", "small")]
    name = next((each for each in names if each in archive.namelist()), None)
    if name is None:
        return None
    _, *bins = unpacked(gzip.decompress(archive.read(name)))
    return {word: 9 - place / 100 for place, entries in enumerate(bins) for word in entries}


def unpacked(data: bytes) -> list:
    """Return what a file in the format MessagePack holds, as far as these lists use it.

    >>> unpacked(bytes([0x92, 0xA2, 0x68, 0x69, 0x01]))
    ['hi', 1]
    """
    return next(_values(data))


def _values(data: bytes) -> Iterator:
    """Yield the values of MessagePack one by one; lists, maps, texts and small numbers."""
    place = 0

    def number(size: int) -> int:
        nonlocal place
        place += size
        return int.from_bytes(data[place - size : place], "big")

    def value() -> object:
        kind = number(1)
        if kind < 0x80:
            return kind
        if kind in (0xCC, 0xCD, 0xCE):
            return number(1 << (kind - 0xCC))
        if kind < 0x90 or kind in (0xDE, 0xDF):
            pairs = kind & 0x0F if kind < 0x90 else number(2 << (kind - 0xDE))
            return {value(): value() for _ in range(pairs)}
        if kind < 0xA0 or kind in (0xDC, 0xDD):
            count = kind & 0x0F if kind < 0xA0 else number(2 << (kind - 0xDC))
            return [value() for _ in range(count)]
        if kind < 0xC0 or kind in (0xD9, 0xDA, 0xDB):
            length = kind & 0x1F if kind < 0xC0 else number(1 << (kind - 0xD9))
            return number(length).to_bytes(length, "big").decode("utf-8")
        raise SystemExit(f"The file holds a value of the kind 0x{kind:x}, which is unknown here.")

    while place < len(data):
        yield value()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, help="the downloaded file of wordfreq")
    main(parser.parse_args().wheel)
