"""What the hub's cache on this machine holds, and how more comes into it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ..errors import ModelError
from .identity import PATTERNS
from .loading_failures import loading_failures


def is_downloaded(repository: str, revision: str | None = None) -> bool:
    """Return whether the hub's cache on this machine holds a model with all of its weights."""
    from huggingface_hub import try_to_load_from_cache

    def place(name: str) -> str | None:
        found = try_to_load_from_cache(repository, name, revision=revision)
        return found if isinstance(found, str) else None

    if not place("config.json"):
        return False
    index = place("model.safetensors.index.json")
    if not index:
        return bool(place("model.safetensors"))
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        names = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"].values()
        return all(place(name) for name in set(names))
    return False


def download(name: str, repository: str) -> Path:
    """Download a model's weights, configuration and tokenizer, and return its folder.

    Every failure becomes one ``ModelError``; so does a repository without safetensors.
    """
    from huggingface_hub import snapshot_download

    with loading_failures(name, repository):
        folder = Path(snapshot_download(repository, allow_patterns=list(PATTERNS)))
    if not is_downloaded(repository):
        raise ModelError(
            f"{name} has no safetensors weights, and latentlang loads no other kind: "
            "choose a model that has them."
        )
    return folder


def is_reachable() -> bool:
    """Return whether the hub answers within two seconds, unless the reader works offline."""
    import httpx
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return False
    with suppress(httpx.HTTPError, ValueError):
        httpx.head(constants.ENDPOINT, timeout=2)
        return True
    return False
