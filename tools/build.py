"""Write what follows from the scripts in ``course``: both forms of every notebook, and tables.

    python -m tools.build            write the notebooks, and the tables in README and INSTRUCTOR
    python -m tools.build --check    fail when one of them differs from the scripts

Every notebook carries a mark: the name under which it was written and a digest of its texts, codes
and attachments. What carries no mark, or another digest, is a reader's own. It is never deleted,
and it is moved aside before another notebook takes its name. Outputs do not count: they come back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

from . import notebook, scripts, tables
from .course_checks import check_course
from .scripts import FORMS


def wanted() -> dict[Path, str]:
    """Return every file that follows from the scripts, with its text."""
    course = scripts.scripts()
    check_course(course)
    files, students = {}, {}
    for script, following in zip(course, [*course[1:], None]):
        for form, folder in FORMS.items():
            made = notebook.make(script, form, following)
            name = f"{folder}/{script.name}.ipynb"
            made.metadata["latentlang"] = {"file": name, "digest": _digest(made)}
            files[scripts.ROOT / name] = notebook.text_of(made)
            if form == "student":
                students[script] = made
    return files | tables.filled(students)


def present() -> list[Path]:
    """Return the notebooks in the folders that carry the mark of their place."""
    folders = [scripts.ROOT / folder for folder in FORMS.values()]
    paths = [path for folder in folders for path in sorted(folder.glob("*.ipynb"))]
    return [path for path in paths if _mark(_content(path)).get("file") == _name(path)]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is stale")
    check = parser.parse_args(arguments).check
    files = wanted()
    stale = [path for path, text in files.items() if not _says(path, text)]
    left = [path for path in present() if path not in files]
    names = ", ".join(map(_name, [*stale, *left]))
    if check:
        if names:
            remedy = "Run `make notebook-files`; what you write belongs in course/."
            print(f"Stale: {names}. {remedy}", file=sys.stderr)
        return int(bool(names))
    for path in [*left, *stale]:
        if path.suffix == ".ipynb" and path.exists():
            if _own(path):
                print(f"{_name(path)} was edited here; it is now {_move_aside(path).name}.")
            else:
                path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    print(f"Written: {names}." if names else "Nothing has changed.")
    return 0


def _says(path: Path, text: str) -> bool:
    """Tell whether a file holds a text."""
    return path.is_file() and path.read_bytes() == text.encode("utf-8")


def _own(path: Path) -> bool:
    """Tell whether a notebook is a reader's own: without the mark, changed since, or unreadable."""
    content = _content(path)
    mark, digest = _mark(content), _digest(content)
    return mark.get("file") != _name(path) or digest is None or mark.get("digest") != digest


def _content(path: Path) -> dict:
    """Return a notebook's JSON; nothing if it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _mark(content: dict) -> dict:
    """Return what a notebook says about its making; nothing if it says nothing."""
    try:
        return dict(content["metadata"]["latentlang"])
    except (KeyError, TypeError, ValueError):
        return {}


def _digest(content: dict) -> str | None:
    """Return a digest of what a reader may have written; running a notebook does not change it."""
    try:
        cells = [
            [cell["cell_type"], "".join(cell["source"]), cell.get("attachments") or None]
            for cell in content["cells"]
        ]
    except (KeyError, TypeError, AttributeError):
        return None
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]


def _move_aside(path: Path) -> Path:
    """Rename a reader's notebook to a name that is free, and return it."""
    number = 1
    while (free := path.with_stem(f"{path.stem}-yours-{number}")).exists():
        number += 1
    return path.rename(free)


def _name(path: Path) -> str:
    return path.relative_to(scripts.ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main())
