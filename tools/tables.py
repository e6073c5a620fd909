"""Fill the tables that README and INSTRUCTOR.md show of the course.

Generated text stands between two comments, ``<!-- NAME -->`` and ``<!-- /NAME -->``; the rest of
the page is written by hand.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import nbformat
import pandas as pd

import latentlang as ll

from . import scripts
from .notebook import counts
from .scripts import Script

IMAGES = "course/images"
LEARN = "| | notebook | you will |\n|---|---|---|"
TEACH = (
    "| notebook | cells | words | exercises | predictions | minutes, first run | again "
    "| to work through |\n|---|---|---|---|---|---|---|---|"
)
# What INSTRUCTOR.md shows of data/results.
EXPERIMENTS = {
    "translation de+fr+ru → zh": "German, French and Russian → Chinese",
    "repetition zh": "repetition, Chinese",
    "cloze zh": "cloze, Chinese",
}
RESULTS = (
    "| run | words | n | English peaks at | at layer | median | above 10 % | English leads at "
    "| target at the end | right |\n|---|---|---|---|---|---|---|---|---|---|"
)


def filled(students: dict[Script, nbformat.NotebookNode]) -> dict[Path, str]:
    """Return the pages with their tables, from the scripts and the student forms."""
    learn = "\n".join([LEARN, *(_learn(script) for script in students)])
    results = "\n".join([RESULTS, *_results()])
    teach = "\n".join([TEACH, *(_teach(script, made) for script, made in students.items())])
    sections = {
        "README.md": {"notebooks": f"\n{learn}\n", "languages": str(languages())},
        "notebooks/INSTRUCTOR.md": {"counts": f"\n{teach}\n", "results": f"\n{results}\n"},
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


def _results() -> list[str]:
    """Return the rows of measured runs in INSTRUCTOR.md."""
    pairs = ll.data.results("headlines")
    names = ll.languages()["name"]
    pairs["run"] = [" → ".join(names[code] for code in pair.split(" → ")) for pair in pairs["pair"]]
    others = ll.data.results("experiments").assign(words="no shared tokens")
    others["run"] = others["experiment"].map(EXPERIMENTS)
    return [_result(row) for row in pd.concat([pairs, others]).to_dict("records")]


def _result(row: dict) -> str:
    """Return one measured run as a row of INSTRUCTOR.md."""
    ahead = "–" if pd.isna(row["english_ahead"]) else str(row["english_ahead"]).replace(" ", ", ")
    cells = [
        row["run"],
        row["words"],
        f"{row['n']}",
        f"{row['pivot_peak']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]",
        f"{row['at_layer']}",
        f"{row['median']:.3f}",
        f"{row['above_10']:.3f}",
        ahead,
        f"{row['target_last']:.3f}",
        f"{row['right']:.3f}",
    ]
    return f"| {' | '.join(cells)} |"
