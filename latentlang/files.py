"""Where files live, the package's and the user's, and what an output can show."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from .errors import DataError

_PACKAGE = Path(__file__).resolve().parent


def printable(text: str) -> str:
    """Return a text with codes for the letters that the standard output cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def say(text: str) -> None:
    """Print a text at once, whatever letters the output can show."""
    print(printable(text), flush=True)


def path_of(path: object) -> Path:
    """Return the path that a reader passed. Raises ``DataError`` for anything else."""
    if not isinstance(path, (str, os.PathLike)):
        raise DataError(f"{path!r} is not a path: pass one, such as 'result.safetensors'.")
    return Path(path)


def data_file(name: str) -> Path:
    """Return the path of a file or folder ``data/<name>``, from a wheel or from a checkout.

    Raises:
        DataError: when the installation lost its data files.
    """
    for folder in (_PACKAGE / "data", _PACKAGE.parent / "data"):
        if (folder / name).exists():
            return folder / name
    raise DataError(f"The data file '{name}' is missing: install latentlang again.")


def shared_cache() -> Path | None:
    """Return the shared cache that ``LATENTLANG_CACHE`` names (it may be read-only), or None."""
    folder = os.environ.get("LATENTLANG_CACHE")
    return Path(folder).expanduser() if folder else None


def user_cache() -> Path:
    """Return the user's own cache folder.

    ``platformdirs`` chooses it; on Linux ``XDG_CACHE_HOME`` moves it.
    """
    return user_cache_path("latentlang")


def user_data() -> Path:
    """Return the user's own data folder, for what cannot be computed again.

    ``platformdirs`` chooses it; on Linux ``XDG_DATA_HOME`` moves it.
    """
    return user_data_path("latentlang")


def cache_roots() -> list[Path]:
    """Return the cache folders: the shared one first, the user's own last."""
    return [root for root in (shared_cache(), user_cache()) if root is not None]


def cache_places(*parts: str) -> list[Path]:
    """Return the paths an entry may have: in the shared cache first, in the user's own last."""
    return [root.joinpath(*parts) for root in cache_roots()]


def unwritable(folder: Path, moved_by: str) -> str:
    """Return why nothing can be kept in a folder, or no text; the folder is made if it can be.

    ``moved_by``: the environment variable that names another place.
    """
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return ""
    return (
        f"{folder} cannot be written (give yourself the right to, free space, or set "
        f"{moved_by} to a folder of yours)"
    )


def make_readable(path: Path) -> None:
    """Give a written file the permissions of any new file on this machine.

    safetensors makes its files readable for their owner only.
    """
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def unreadable(root: Path) -> str:
    """Return the first file or folder below ``root`` that this user may not read, or no text."""
    closed: list[str] = []
    walk = os.walk(root, onerror=lambda error: closed.append(error.filename))
    for folder, _, names in walk:
        paths = [os.path.join(folder, name) for name in sorted(names)]
        closed.extend(path for path in paths if not os.access(path, os.R_OK))
        if closed:
            break
    return closed[0] if closed else ""
