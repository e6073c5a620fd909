"""What identifies a model's numbers: the content of its files, not their names or dates."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from ..files import user_cache
from . import packaged
from .catalogue import CATALOGUE

# Everything in a model's folder that its numbers depend on.
_PATTERNS = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
_CHUNK = 16 << 20


def revision_of(name: str, source: str, revision: str | None) -> str:
    """Return the version of a model's weights, configuration and tokenizer.

    Args:
        name: as the reader gave it.
        source: the folder or the hub's repository behind it.
        revision: what the reader asked the hub for.

    Returns:
        For a packaged model the beginning of its source file's SHA-256, with the version of the
        conversion; for a folder a digest of the SHA-256 of each file; for a repository the hub's
        commit.
    """
    entry = CATALOGUE.get(name)
    if entry and entry.package:
        return packaged.revision(name)
    if Path(source).is_dir():
        return folder_digest(Path(source))
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(source, "config.json", revision=revision)
    return Path(config).parent.name if isinstance(config, str) else revision or ""


def folder_digest(folder: Path) -> str:
    """Return a digest of the content of every file in a folder that changes a model's numbers.

    A file is read again only if its size, date or inode has changed since.
    """
    paths = sorted({path for pattern in _PATTERNS for path in folder.glob(pattern)})
    known = _remembered()
    digests = {}
    for path in paths:
        facts = path.stat()
        key = f"{path.resolve()}:{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}"
        digests[key] = known.get(key) or _sha256(path)
    if new := {key: digest for key, digest in digests.items() if key not in known}:
        _remember(known | new)
    names = [(path.name, digest) for path, digest in zip(paths, digests.values())]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _memory() -> Path:
    return user_cache() / "file-digests.json"


def _remembered() -> dict[str, str]:
    """Return the digests of files that were read before; none if they cannot be read."""
    with suppress(OSError, ValueError):
        known = json.loads(_memory().read_text(encoding="utf-8"))
        if isinstance(known, dict):
            return known
    return {}


def _remember(known: dict[str, str]) -> None:
    """Keep digests for the next time, where that is possible."""
    path = _memory()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(known, indent=0), encoding="utf-8")
        draft.replace(path)
