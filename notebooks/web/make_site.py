"""Make the static site: executed notebooks with live figures, guides, the library's reference.

    python notebooks/web/make_site.py

The site is written to build/site; it works from a folder, without a network. A notebook that was
not executed yet is run first.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

WEB = Path(__file__).resolve().parent
NOTEBOOKS = WEB.parent
sys.path.insert(0, str(NOTEBOOKS))

import pages  # noqa: E402
import store  # noqa: E402

_BADGE = re.compile(r"\[!\[([^]]+)\]\([^)]*\)\]\(([^)]*)\)")
GUIDES = ("GLOSSARY.md", "INSTRUCTOR.md")
MODULES = (
    "models.load",
    "models.model",
    "models.catalogue",
    "models.architectures",
    "prompts.words",
    "prompts.tokens",
    "prompts.tasks",
    "prompts.prompt",
    "prompts.build",
    "lens.decode",
    "lens.run",
    "lens.readings",
    "runs.experiments",
    "runs.experiment",
    "analysis.summary",
    "analysis.phases",
    "analysis.intervals",
    "analysis.energy",
    "analysis.sphere",
    "analysis.mds",
    "analysis.rotation",
    "plots",
    "explore",
    "course.quiz",
    "checks",
    "errors",
)


def collect(sources: Path) -> None:
    """Write what Sphinx reads into ``sources``: pages with outputs, guides, reference, settings."""
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(WEB, sources, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(WEB / "conf.py", sources)
    shutil.copytree(NOTEBOOKS / "images", sources / "images")
    pages.copy_scripts(sources / "static")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        page = pages.still(nbformat.read(store.executed(path.stem, "student"), 4))
        badges, title = page.cells[:2]
        # A page begins with its title, and asks nobody else for pictures.
        page.cells[:2] = [title, badges]
        badges.source = _BADGE.sub(r"[\1](\2) ·", badges.source).rstrip(" ·")
        nbformat.write(page, sources / path.name)
    for name in GUIDES:
        text = (NOTEBOOKS / name).read_text(encoding="utf-8")
        text = re.sub(r"\]\((?:\.\./|solutions)[^)]*\)", "](index.md)", text)
        (sources / name).write_text(text, encoding="utf-8")
    reference = sources / "reference"
    reference.mkdir()
    for module in MODULES:
        name = f"latentlang.{module}"
        members = "   :members:\n"
        if module in ("plots", "explore"):
            members += "   :imported-members:\n"
        page = f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n{members}"
        (reference / f"{module}.rst").write_text(page)
    toctree = "\n".join([".. toctree::", "   :maxdepth: 1", "", *(f"   {m}" for m in MODULES)])
    (reference / "index.rst").write_text(f"The library\n===========\n\n{toctree}\n")


def main(arguments: list[str] | None = None) -> int:
    """Make the site; return Sphinx's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=NOTEBOOKS.parent / "build" / "site")
    options = parser.parse_args(arguments)
    sources = options.out.with_name(f"{options.out.name}-sources")
    collect(sources)
    shutil.rmtree(options.out, ignore_errors=True)
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "html"]
    return subprocess.run([*sphinx, str(sources), str(options.out)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
