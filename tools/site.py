"""Make the static site: executed notebooks with live figures, guides, the library's reference.

    python -m tools.site

The site is written to build/site; it works from a folder, without a network. A notebook that was
not executed yet is run first. The site is made elsewhere and then put into its folder. There it
removes only the files of an earlier site, which that site listed in its mark.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

from . import atlas_page, drawings, front, pages, store, tables
from .scripts import ROOT, scripts

WEB = Path(__file__).resolve().parent / "web"
MARK = "made-by-latentlang.txt"  # lists the files of a site, in its folder
GUIDES = ("GLOSSARY", "REPORT", "INSTRUCTOR")
# The doors of the library that are read as a whole: their names are imported from other modules.
WHOLE = ("plots", "explore", "checks")
# The objects that the public functions return.
OBJECTS = ("models.model", "prompts.prompt", "runs.experiment")


def collect(sources: Path) -> None:
    """Write what Sphinx reads into ``sources``: pages with outputs, guides, reference, settings."""
    shutil.copytree(WEB / "static", sources / "static")
    shutil.copy(WEB / "conf.py", sources)
    shutil.copytree(ROOT / tables.IMAGES, sources / "images")
    pages.copy_scripts(sources / "static")
    notebooks = {s: nbformat.read(store.executed(s, "student"), 4) for s in scripts()}
    figures = {
        f"{script.name}-{number}.svg": figure
        for script, notebook in notebooks.items()
        for number, figure in enumerate(pages.figures(notebook), 1)
    }
    figures[f"{atlas_page.NAME}.svg"] = atlas_page.figure()
    figures[f"{front.NAME}.svg"] = front.picture()
    drawn = drawings.draw(figures, sources / "static" / "pictures")
    for script, notebook in notebooks.items():
        own = [name for name in drawn if name.startswith(f"{script.name}-")]
        page = pages.still(notebook, [f"_static/pictures/{name}" for name in own])
        # A page begins with its title; the links that open it elsewhere follow.
        page.cells[:2] = reversed(page.cells[:2])
        nbformat.write(page, sources / f"{script.name}.ipynb")
    atlas = atlas_page.page(f"_static/pictures/{atlas_page.NAME}.svg")
    nbformat.write(atlas, sources / f"{atlas_page.NAME}.ipynb")
    for name in GUIDES:
        text = (ROOT / "notebooks" / f"{name}.md").read_text(encoding="utf-8")
        text = re.sub(r"\]\((?:\.\./|solutions)[^)]*\)", "](index.md)", text)
        (sources / f"{name}.md").write_text(text, encoding="utf-8")
    write_front(sources, contents())
    _write_reference(sources / "reference")


def write_front(sources: Path, names: Iterable[str]) -> None:
    """Write the first page, which lists the pages of some names, and the data of its explorer."""
    front.write(sources / "static" / front.NAME, front.answers())
    index = (WEB / "index.md").read_text(encoding="utf-8")
    sections = front.sections(f"_static/pictures/{front.NAME}.svg")
    sections |= {"languages": str(tables.languages()), "contents": "\n".join(names)}
    for section, content in sections.items():
        index = index.replace(f"{{{{ {section} }}}}", content)
    (sources / "index.md").write_text(index, encoding="utf-8")


def contents() -> list[str]:
    """Return the pages of the site in order."""
    return [*(script.name for script in scripts()), atlas_page.NAME, *GUIDES, "reference/index"]


def reference() -> list[str]:
    """Return the modules of the reference in the order of their names.

    They are the homes of the public names, what these return, and what a contributor extends.
    """
    stub = ast.parse((ROOT / "latentlang" / "__init__.pyi").read_text(encoding="utf-8"))
    homes = (module for node in stub.body for module in _homes(node))
    recipes = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`latentlang/([\w/]+)\.py`", recipes)
    extended = [path for path in named if (ROOT / "latentlang" / f"{path}.py").exists()]
    return sorted({*homes, *OBJECTS, *(path.replace("/", ".") for path in extended)})


def _homes(node: ast.stmt) -> Iterator[str]:
    """Yield the modules that a statement of the stub names, and those behind a door."""
    if not (isinstance(node, ast.ImportFrom) and node.level):
        return
    if node.module:
        yield node.module
        return
    for name in (alias.name for alias in node.names):
        door = ROOT / "latentlang" / f"{name}.py"
        if name in WHOLE or not door.exists():
            yield name
            continue
        imports = [
            n for n in ast.parse(door.read_text("utf-8")).body if isinstance(n, ast.ImportFrom)
        ]
        yield from [n.module for n in imports if n.level] or [name]


def _write_reference(folder: Path) -> None:
    """Write one page per module, and their contents."""
    folder.mkdir()
    modules = reference()
    for module in modules:
        name = f"latentlang.{module}"
        members = "   :members:\n"
        if module in WHOLE:
            members += "   :imported-members:\n"
        page = f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n{members}"
        (folder / f"{module}.rst").write_text(page)
    toctree = "\n".join([".. toctree::", "   :maxdepth: 1", "", *(f"   {m}" for m in modules)])
    (folder / "index.rst").write_text(f"The library\n===========\n\n{toctree}\n")


def require_own(folder: Path) -> None:
    """Refuse a folder that holds files and no mark of an earlier site.

    Raises:
        SystemExit: names the folder.
    """
    if folder.exists() and not folder.is_dir():
        raise SystemExit(f"{folder} is a file: name a folder for the site.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise SystemExit(f"{folder} holds files that are not a site: name another folder.")


def put(made: Path, folder: Path) -> None:
    """Put a site into its folder, and remove the files of the site that was there before.

    Args:
        made: a folder with the new site.
        folder: where it belongs; a reader's own files there stay.
    """
    names = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    mark = folder / MARK
    earlier = mark.read_text(encoding="utf-8").splitlines() if mark.exists() else []
    for name in earlier:
        (folder / name).unlink(missing_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made / name, folder / name)
    mark.write_text("\n".join(names), encoding="utf-8")
    below = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
    for path in below:
        if not any(path.iterdir()):
            path.rmdir()


def main(arguments: list[str] | None = None) -> int:
    """Make the site; return Sphinx's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    options = parser.parse_args(arguments)
    require_own(options.out)
    with tempfile.TemporaryDirectory() as folder:
        sources, made = Path(folder, "sources"), Path(folder, "site")
        sources.mkdir()
        collect(sources)
        sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-d", f"{folder}/doctrees"]
        status = subprocess.run([*sphinx, str(sources), str(made)], check=False).returncode
        if status == 0:
            put(made, options.out)
    return status


if __name__ == "__main__":
    sys.exit(main())
