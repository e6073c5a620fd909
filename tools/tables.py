"""Fill the tables that README and INSTRUCTOR.md show of the course.

Generated text stands between two comments, ``<!-- NAME -->`` and ``<!-- /NAME -->``; the rest of
the page is written by hand.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import nbformat

from . import scripts
from .notebook import counts
from .scripts import Script

IMAGES = "course/images"
LEARN = "| | notebook | you will |\n|---|---|---|"
TEACH = (
    "| notebook | cells | words | exercises | predictions | minutes, first run | again "
    "| to work through |\n|---|---|---|---|---|---|---|---|"
)


def filled(students: dict[Script, nbformat.NotebookNode]) -> dict[Path, str]:
    """Return the pages with their tables, from the scripts and the student forms."""
    learn = "\n".join([LEARN, *(_learn(script) for script in students)])
    teach = "\n".join([TEACH, *(_teach(script, made) for script, made in students.items())])
    sections = {
        "README.md": {"notebooks": f"\n{learn}\n", "languages": str(languages())},
        "notebooks/INSTRUCTOR.md": {"counts": f"\n{teach}\n"},
    }
    pages = {}
    for name, contents in sections.items():
        path = scripts.ROOT / name
        if not path.exists():
            raise SystemExit(
                f"{name} is missing, and tables of the course stand in it: restore it."
            )
        text = path.read_text(encoding="utf-8")
        for section, content in contents.items():
            text = fill(text, section, content, name)
        pages[path] = text
    return pages


def languages() -> int:
    """Return how many languages there are: a folder each."""
    return len(list((scripts.ROOT / "data" / "languages").glob("*/language.toml")))


def fill(text: str, section: str, content: str, page: str) -> str:
    """Return a page with one section filled in.

    Raises:
        SystemExit: The page does not have the section's two comments exactly once.
    """
    start, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if text.count(start) != 1 or len(pattern.findall(text)) != 1:
        raise SystemExit(f"{page}: write {start}{end} once, where {section} belong.")
    return pattern.sub(lambda _: f"{start}{content}{end}", text)


def _learn(script: Script) -> str:
    """Return a notebook's row in the README."""
    alt = html.escape(script.front["alt"], quote=True)
    picture = f'<img src="{IMAGES}/{script.number}.png" width="160" alt="{alt}">'
    link = f"[{script.title}](notebooks/{script.name}.ipynb)"
    cells = [picture, link, script.front["you_will"]]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _teach(script: Script, student: nbformat.NotebookNode) -> str:
    """Return a notebook's row in INSTRUCTOR.md."""
    link = f"[{script.title}]({script.name}.ipynb)"
    numbers = [f"{count:,}" for count in counts(student).values()]
    times = [script.front["first_run"], script.front["again"], script.minutes]
    return f"| {' | '.join([link, *numbers, *map(str, times)])} |"
