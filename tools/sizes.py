"""List the binary data of the wheel, with its total and the limit that it must keep.

    python -m tools.sizes

Text is left out: a wheel packs it well, and a reader can look at it. The exit status is 1 when the
total is above the limit.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .scripts import ROOT

LIMIT = 25_000_000  # bytes


def main() -> int:
    """Print the size of each file, the total and the limit."""
    sizes = {path: path.stat().st_size for path in sorted(binary(ROOT))}
    for path, size in sizes.items():
        print(f"{size:12,} {path.relative_to(ROOT)}")
    total = sum(sizes.values())
    print(f"{total:12,} bytes in {len(sizes)} files, of at most {LIMIT:,}")
    return int(total > LIMIT)


def binary(root: Path) -> Iterator[Path]:
    """Yield the files that a wheel takes from a project, if they are not text."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    for name in (*wheel["packages"], *wheel["force-include"]):
        place = root / name
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and not _is_text(path):
                yield path


def _is_text(path: Path) -> bool:
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


if __name__ == "__main__":
    sys.exit(main())
