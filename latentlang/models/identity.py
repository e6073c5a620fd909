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
PATTERNS = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
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
        commit, with a digest of the hub's own hash of each file.
    """
    entry = CATALOGUE.get(name)
    if entry and entry.package:
        return packaged.revision(name)
    if Path(source).is_dir():
        return folder_digest(Path(source))
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(source, "config.json", revision=revision)
    if not isinstance(config, str):
        return revision or ""
    snapshot = Path(config).parent
    return f"{snapshot.name}-{folder_digest(snapshot)}"


def folder_digest(folder: Path) -> str:
    """Return a digest of the content of every file in a folder that changes a model's numbers.

    A file is read again only if its size, date or inode has changed since. In the hub's cache a
    file is a link to one that is called by the hash of its content, and that is not read.
    """
    paths = sorted({path for pattern in PATTERNS for path in folder.glob(pattern)})
    known = _remembered()
    contents = {path.name: _content(path, known) for path in paths}
    _remember(known)
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:16]


def _content(path: Path, known: dict[str, list]) -> str:
    """Return the hash of a file's content: from its link, from memory, or by reading it."""
    if path.is_symlink() and (blob := path.readlink()).parent.name == "blobs":
        return blob.name
    real, facts = str(path.resolve()), path.stat()
    seen = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
    if known.get(real, [])[:-1] != seen:
        known[real] = [*seen, _sha256(path)]
    return known[real][-1]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def _memory() -> Path:
    return user_cache() / "file-digests.json"


def _remembered() -> dict[str, list]:
    """Return what is known of files that were read before; nothing if that cannot be read."""
    with suppress(OSError, ValueError):
        known = json.loads(_memory().read_text(encoding="utf-8"))
        if isinstance(known, dict):
            return {path: facts for path, facts in known.items() if isinstance(facts, list)}
    return {}


def _remember(known: dict[str, list]) -> None:
    """Keep what is known of the files that are still there, where that is possible."""
    path = _memory()
    kept = json.dumps({file: facts for file, facts in known.items() if os.path.exists(file)})
    with suppress(OSError):
        if path.exists() and path.read_text(encoding="utf-8") == kept:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(kept, encoding="utf-8")
        draft.replace(path)
