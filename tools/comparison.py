"""How the words of a language compare with its dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field

from .dictionaries import Dictionary, normalize

Rows = dict[str, dict[str, tuple[str, ...]]]  # concept: language code: spellings


@dataclass
class Comparison:
    """How many words a language has, and how its dictionaries see them."""

    words: int = 0
    covered: int = 0
    agreeing: int = 0
    first_agreeing: int = 0
    # concept, our word, the dictionaries' words
    disagreements: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        """The covered share of the words, in per cent."""
        return 100 * self.covered / max(self.words, 1)

    @property
    def agreement(self) -> float:
        """The agreeing share of the covered words, in per cent."""
        return 100 * self.agreeing / max(self.covered, 1)

    @property
    def first_agreement(self) -> float:
        """The share of the covered words whose first spelling agrees, in per cent."""
        return 100 * self.first_agreeing / max(self.covered, 1)


def compare(code: str, rows: Rows, tables: list[Dictionary]) -> Comparison:
    """Compare the words of a language with its dictionaries."""
    result = Comparison(words=len(rows))
    codes = {"en", code}.union(*((table.source, table.target) for table in tables))
    for concept, row in rows.items():
        cells = {other: [normalize(word, other) for word in row.get(other, ())] for other in codes}
        first = cells[code][0]
        keys_of = {**cells, code: [first]}
        if not any(key in table.translations for table in tables for key in keys_of[table.source]):
            continue
        agreeing, others = look_up(code, cells, tables)
        result.covered += 1
        result.agreeing += bool(agreeing)
        result.first_agreeing += first in agreeing
        if not agreeing:
            result.disagreements.append((concept, row[code][0], "; ".join(others)))
    return result


def look_up(
    code: str, cells: dict[str, list[str]], tables: list[Dictionary]
) -> tuple[set[str], list[str]]:
    """Look up one concept.

    Returns:
        Which of our words agree with a dictionary, and what the dictionaries say instead.
    """
    agreeing: set[str] = set()
    others = []
    for source, target, translations in tables:
        for key in cells[source]:
            theirs = translations.get(key, set())
            if source != code:
                agreeing |= theirs & set(cells[code])
            elif theirs & set(cells[target]):
                agreeing.add(key)
            if theirs and not agreeing:
                others.append(f"{key}: {', '.join(sorted(theirs)[:12])}")
    return agreeing, others
