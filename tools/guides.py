"""Read the claims of the texts that are not notebooks: the guides, and the replies of the checks.

``course/claims`` has one file per text. It holds one dict: from the number of a notebook to a dict
as in a ``claims`` cell, whose expressions are evaluated at the end of that notebook.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import claim_cells, scripts
from .claim_cells import Claim
from .scripts import Script

TEXTS = {  # from the file in course/claims to the text that it is about
    "README": "README.md",
    "data": "data/README.md",
    "GLOSSARY": "notebooks/GLOSSARY.md",
    "INSTRUCTOR": "notebooks/INSTRUCTOR.md",
    "REPORT": "notebooks/REPORT.md",
    "replies": "latentlang/course/notebook_*.py",
}
GENERATED = re.compile(r"<!-- (\w+) -->.*?<!-- /\1 -->", re.DOTALL)


@dataclass(frozen=True)
class Guide:
    """A text, and the file with its claims."""

    file: str

    @property
    def name(self) -> str:
        """The text's place in the repository."""
        return TEXTS[self.file]

    @property
    def text(self) -> str:
        """What a reader sees and the builder does not write."""
        paths = sorted(scripts.ROOT.glob(self.name))
        sources = [path.read_text(encoding="utf-8") for path in paths]
        if self.file == "replies":
            return "\n\n".join(text for source in sources for text in _replies(source))
        return "\n\n".join(GENERATED.sub("", source) for source in sources)

    def claims(self) -> dict[str, list[Claim]]:
        """Return the claims, by the number of the notebook at whose end they are evaluated.

        Raises:
            SystemExit: The file is not such a dict, a fragment is not in the text or comes twice,
                or an expression names neither the library nor a result of its notebook, or lacks
                a number of its fragment. The message has one line per fault.
        """
        path = scripts.ROOT / "course" / "claims" / f"{self.file}.py"
        if not path.exists():
            return {}
        course = {script.number: script for script in scripts.scripts()}
        found: dict[str, list[Claim]] = {}
        faults: list[str] = []
        for number, part in _parts(path):
            if number not in course or number in found:
                said = "stands there twice" if number in found else "does not exist"
                raise SystemExit(f"course/claims/{path.name}: notebook {number!r} {said}.")
            found[number] = list(claim_cells.pairs(ast.unparse(part), path.name))
            known = claim_cells.results(course[number]) | {"ll"}
            for claim in found[number]:
                if claim.expression and not claim_cells.names(claim.expression) & known:
                    faults.append(f"{path.name}: `{claim.expression}` names no result.")
                faults += [f"{path.name}: {fault}" for fault in claim.unlinked()]
        faults += self._wrong(claim.text for part in found.values() for claim in part)
        claim_cells.refuse(faults)
        return found

    def _wrong(self, fragments: Iterable[str]) -> Iterator[str]:
        """Yield a sentence per fragment that the text does not have, or that comes twice."""
        text, seen = " ".join(self.text.split()), set()
        for fragment in fragments:
            if fragment not in text:
                yield f"Claim {fragment!r}: {self.name} does not say this."
            if fragment in seen:
                yield f"Claim {fragment!r}: it stands there twice."
            seen.add(fragment)


GUIDES = [Guide(file) for file in TEXTS]


def evaluated(script: Script) -> dict[str, str]:
    """Return what is evaluated at a notebook's end: its own claims, and those of guides about it.

    Returns:
        From the fragment to the expression. A guide's name stands before its fragment.
    """
    about = {
        f"{guide.name}: {claim.text}": claim.expression
        for guide in GUIDES
        for claim in guide.claims().get(script.number, [])
        if claim.expression
    }
    return claim_cells.claims(script) | about


def _parts(path: Path) -> Iterator[tuple[object, ast.expr]]:
    """Yield each notebook's number in a file of claims, with the dict of its claims."""
    last = ast.parse(path.read_text(encoding="utf-8")).body[-1:]
    whole = getattr(last[0], "value", None) if last else None
    if not isinstance(whole, ast.Dict):
        raise SystemExit(f"course/claims/{path.name}: it holds one dict, from notebook to claims.")
    for key, part in zip(whole.keys, whole.values):
        yield getattr(key, "value", None), part


def _replies(source: str) -> Iterator[str]:
    """Yield the sentences in a module of checks: its strings, apart from docstrings."""
    tree = ast.parse(source)
    expressions = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for whole in formatted for part in ast.walk(whole) if part is not whole}
    skipped = inside | {id(node) for node in expressions if isinstance(node, ast.Constant)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            values = (getattr(part, "value", None) for part in node.values)
            yield "".join(value if isinstance(value, str) else "…" for value in values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value
