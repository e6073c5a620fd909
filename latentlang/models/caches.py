"""What a cache folder holds, and what of it can go."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..locks import is_held
from .catalogue import CATALOGUE
from .packaged import SCRATCH, folder_name


@dataclass(frozen=True)
class CacheItem:
    """One thing in a cache: where it is, what it is, its size in GB, and whether it is in use."""

    path: Path
    what: str
    gigabytes: float
    needed: bool

    def __str__(self) -> str:
        return f"{self.path}: {self.what}, {self.gigabytes:.2f} GB"


def contents(root: Path) -> list[CacheItem]:
    """Return what a cache folder holds; an empty list if there is none.

    Args:
        root: the user's cache or a shared one.
    """
    current = {folder_name(entry.name) for entry in CATALOGUE.values() if entry.package}
    kept = []
    for path in sorted((root / "models").glob("*/")):
        if SCRATCH in path.name or path.name.startswith("converting-"):
            kept.append(
                CacheItem(path, "a conversion that did not finish", _size(path), _alive(path))
            )
        elif path.name in current:
            kept.append(CacheItem(path, "a converted model", _size(path), True))
        elif "-dense-" in path.name:
            what = "a model converted by another version of latentlang"
            kept.append(CacheItem(path, what, _size(path), False))
    results = root / "results"
    if os.path.isdir(results):  # not so where nobody may look
        n = sum(1 for _ in results.glob("*.safetensors"))
        kept.append(CacheItem(results, f"{n} results", _size(results), True))
    for path in sorted((root / "stored").glob("*/")):
        n = sum(1 for _ in path.glob("*.safetensors.gz"))
        kept.append(CacheItem(path, f"{n} stored answers of a model", _size(path), True))
    return kept


def clean(root: Path, everything: bool = False) -> list[CacheItem]:
    """Remove what nobody needs any more from a cache folder, and return it.

    Args:
        root: the user's cache.
        everything: also converted models and results; they are made again when they are needed.
            Stored answers stay: a machine without the weights cannot make them again.
    """
    removed = [
        kept
        for kept in contents(root)
        if not kept.needed or (everything and kept.path.parent != root / "stored")
    ]
    for kept in removed:
        shutil.rmtree(kept.path)
    return removed


def _size(path: Path) -> float:
    """Return the size of a folder's files in GB."""
    return sum(p.lstat().st_size for p in path.rglob("*") if p.is_file()) / 1e9


def _alive(scratch: Path) -> bool:
    """Return whether the process that fills a scratch folder is still at work: it holds a lock."""
    if SCRATCH not in scratch.name:
        return False
    target = scratch.with_name(scratch.name.partition(SCRATCH)[0])
    return is_held(Path(f"{target}.lock"))
