"""Make the static site: the executed notebooks with live figures, the guides, and the reference of the library.

    python notebooks/web/make_site.py [--executed FOLDER]

The site is written to build/site; it works from a folder, without a network. ``--executed`` takes notebooks that were
run already (NN_verb_topic.ipynb with outputs), else all of them are run first.
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

import execute  # noqa: E402
import pages  # noqa: E402

_BADGE = re.compile(r"\[!\[([^]]+)\]\([^)]*\)\]\(([^)]*)\)")
GUIDES = ("GLOSSARY.md", "INSTRUCTOR.md")
MODULES = (
    "models", "data", "prompts", "tokens", "lens", "decoded", "experiments", "summaries", "metrics", "geometry", "paths",
    "plots", "explore", "predictions", "checks", "errors",
)  # fmt: skip


def collect(sources: Path, executed: Path | None) -> None:
    """Write what Sphinx reads into ``sources``: pages with outputs, guides, reference, settings."""
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(WEB, sources, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    shutil.copy(WEB / "conf.py", sources)
    shutil.copytree(NOTEBOOKS / "images", sources / "images")
    pages.copy_scripts(sources / "static")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(executed / path.name, 4) if executed else execute.run(path)
        page = pages.still(notebook)
        badges, title = page.cells[:2]
        page.cells[:2] = [title, badges]  # a page begins with its title, and asks nobody else for pictures
        badges.source = _BADGE.sub(r"[\1](\2) ·", badges.source).rstrip(" ·")
        nbformat.write(page, sources / path.name)
    for name in GUIDES:
        text = (NOTEBOOKS / name).read_text(encoding="utf-8")
        (sources / name).write_text(re.sub(r"\]\((?:\.\./|solutions)[^)]*\)", "](index.md)", text), encoding="utf-8")
    reference = sources / "reference"
    reference.mkdir()
    for module in MODULES:
        name = f"latentlang.{module}"
        members = "   :members:\n   :imported-members:\n" if module in ("plots", "explore") else "   :members:\n"
        (reference / f"{module}.rst").write_text(f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n{members}")
    listed = "\n".join(f"   {module}" for module in MODULES)
    (reference / "index.rst").write_text(f"The library\n===========\n\n.. toctree::\n   :maxdepth: 1\n\n{listed}\n")


def main(arguments: list[str] | None = None) -> int:
    """Make the site; return Sphinx's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--executed", type=Path, help="a folder of notebooks that were run already")
    parser.add_argument("--out", type=Path, default=NOTEBOOKS.parent / "build" / "site")
    options = parser.parse_args(arguments)
    sources = options.out.with_name(f"{options.out.name}-sources")
    collect(sources, options.executed)
    shutil.rmtree(options.out, ignore_errors=True)
    return subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "html", str(sources), str(options.out)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
