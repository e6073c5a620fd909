"""Hold the texts of the repository against the rules of style in ``style.toml``.

    python -m tools.check_style

Each rule is a pattern, such as ``is no`` for ``is not a``. Guides and the text cells of the course
must also have one sentence per line. Lists, tables, headings and code are exempt from that.
The exit status is 1 when a text breaks a rule.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby, takewhile
from pathlib import Path

from . import ROOT

GUIDES = (
    "README.md",
    "CONTRIBUTING.md",
    "data/README.md",
    "notebooks/GLOSSARY.md",
    "notebooks/INSTRUCTOR.md",
    "notebooks/REPORT.md",
    "tools/web/atlas.md",
    "tools/web/index.md",
)
# Not the end of a sentence, although a full stop and a capital letter or a number follow.
_ABBREVIATIONS = r"e\.g|i\.e|cf|vs|etc|al|Eq|Eqs|Fig|Sec|App|No|Dr|Prof|St|[A-Z]"
_SENTENCE_END = re.compile(
    rf"(?<!\w)(?P<abbreviation>(?:{_ABBREVIATIONS})\.\s)"
    # A title may end with a question mark; its source follows in parentheses.
    r"|(?:[.…]|[!?](?!\S*\s+\())"
    r"[*_\"'”’)\]]*\s+(?=[^\sa-z])"
)
# A paragraph may begin with a heading of its own in bold: it stays with the first sentence.
_RUN_IN_HEADING = re.compile(r"\*\*[^*]+(?:[.:?!]\*\*|\*\* \([^)]*\)\.)\s+")
_NO_PARAGRAPH = re.compile(r"[#|<>]|!?\[!?\[|!\[|[-*+]\s|\d+\.\s|:::|\{\{")
_CODE = re.compile(r"^(```|~~~).*?^\1|`+[^`]+`+|\]\([^)\s]*\)|<!--.*?-->", re.M | re.S)
_DOCTEST = re.compile(r"^\s*(?:>>>|\.\.\. ).*", re.M)


@dataclass(frozen=True)
class Text:
    """A text that somebody reads: its kind, where it begins, and its words."""

    kind: str
    path: Path
    line: int
    words: str

    @property
    def lines(self) -> range:
        """The numbers of its lines."""
        return range(self.line, self.line + self.words.count("\n") + 1)


@dataclass(frozen=True)
class Rule:
    """A rule of style: a pattern that a text must not match, and what to write instead."""

    name: str
    pattern: re.Pattern
    advice: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules of ``style.toml``."""
    table = tomllib.loads((Path(__file__).parent / "style.toml").read_text("utf-8"))
    found = []
    for row in table["rule"]:
        pattern = row["pattern"]
        for name, alternatives in table["words"].items():
            pattern = pattern.replace(f"{{{name}}}", alternatives)
        compiled = re.compile(pattern, re.VERBOSE | re.IGNORECASE)
        found.append(
            Rule(row["name"], compiled, row["advice"], tuple(row["hits"]), tuple(row["misses"]))
        )
    return tuple(found)


def texts(root: Path) -> Iterator[Text]:
    """Yield every text of a repository that the rules are for."""
    for name in GUIDES:
        yield Text("guide", root / name, 1, (root / name).read_text("utf-8"))
    for path in sorted((root / "course").glob("*.py")):
        cells = list(_cells(path))
        yield from cells
        yield from _comments(path, {n for cell in cells for n in cell.lines})
        yield from _strings(path)
    for folder in ("latentlang", "tools"):
        for path in sorted((root / folder).rglob("*.py")):
            yield from _comments(path)
            yield from _strings(path)


def _cells(path: Path) -> Iterator[Text]:
    """Yield the text cells of a percent script."""
    start, lines = 0, []
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), "# %%"], 1):
        if line.startswith("# %%"):
            if start:
                yield Text("cell", path, start, "\n".join(lines))
            start, lines = (number + 1 if "[markdown]" in line else 0), []
        elif start:
            lines.append(line.removeprefix("#").removeprefix(" "))


def _comments(path: Path, skipped: Container[int] = ()) -> Iterator[Text]:
    """Yield comments outside of some lines; those on consecutive lines are one text."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    comments = [
        (token.start[0], token.string)
        for token in tokens
        if token.type == tokenize.COMMENT and token.start[0] not in skipped
    ]
    for _, block in groupby(enumerate(comments), lambda each: each[1][0] - each[0]):
        block = [comment for _, comment in block]
        words = "\n".join(comment.removeprefix("#").strip() for _, comment in block)
        yield Text("comment", path, block[0][0], words)


def _strings(path: Path) -> Iterator[Text]:
    """Yield docstrings, and messages: every other string of more than one word."""
    tree = ast.parse(path.read_text("utf-8"))
    parts, docstrings = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts.update(node.values)
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            docstrings.add(getattr(node.body[0], "value", None))
    for node in ast.walk(tree):
        if node in parts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            kind = "docstring" if node in docstrings else "message"
            yield Text(kind, path, node.lineno, node.value)
        elif isinstance(node, ast.JoinedStr):
            words = [v.value if isinstance(v, ast.Constant) else "_" for v in node.values]
            yield Text("message", path, node.lineno, "".join(words))


def faults(text: Text) -> Iterator[str]:
    """Yield one line for each place where a text breaks a rule."""
    words = _masked(text.words)
    for rule in rules():
        for match in rule.pattern.finditer(words):
            line = text.line + words.count("\n", 0, match.start())
            said = " ".join(text.words[match.start() : match.end()].split())
            yield f"{text.path}:{line}: {rule.name}: {said} -> {rule.advice}"
    if text.kind in ("guide", "cell"):
        for first, lines in paragraphs(text.words):
            wanted = sentences(" ".join(lines))
            if lines != wanted:
                n = next((n for n, pair in enumerate(zip(lines, wanted)) if len(set(pair)) > 1), 0)
                place = f"{text.path}:{text.line + first + n}"
                yield f"{place}: one sentence per line: {lines[n]} -> {wanted[n]}"


def paragraphs(words: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the paragraphs of a text in Markdown: the number of the first line, and the lines."""
    lines = words.split("\n")
    blank = [not line.strip("_ ") for line in _masked(words).split("\n")]
    for is_blank, block in groupby(range(len(lines)), lambda n: blank[n]):
        paragraph = list(takewhile(lambda n: not _NO_PARAGRAPH.match(lines[n]), block))
        if paragraph and not is_blank:
            yield paragraph[0], [lines[n] for n in paragraph]


def sentences(words: str) -> list[str]:
    """Return the sentences of a paragraph.

    >>> sentences("See Eq. 2. It holds (as in `a. B`). **Why?** Look.")
    ['See Eq. 2.', 'It holds (as in `a. B`).', '**Why?**', 'Look.']
    """
    hidden = _masked(words)
    heading = _RUN_IN_HEADING.match(hidden)
    begin, found = 0, []
    for match in _SENTENCE_END.finditer(hidden, heading.end() if heading else 0):
        if not match["abbreviation"]:
            found.append(words[begin : match.end()].strip())
            begin = match.end()
    return [*found, words[begin:].strip()]


def _masked(words: str) -> str:
    """Return a text whose code, addresses and examples are blank; every line keeps its place."""
    for pattern in (_CODE, _DOCTEST):
        words = pattern.sub(lambda match: re.sub(r"[^\n]", "_", match[0]), words)
    return words


def check(all_texts: Iterable[Text]) -> list[str]:
    """Return every fault of some texts, in order."""
    return [fault for text in all_texts for fault in faults(text)]


def main() -> int:
    """Print each fault and return 1 if there is one."""
    found = check(texts(ROOT))
    for fault in found:
        print(fault.removeprefix(f"{ROOT}/"))
    print(f"{len(found)} faults of style", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
