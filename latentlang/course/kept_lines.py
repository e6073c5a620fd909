"""Lines of text that outlive a notebook: a small file in the user's data folder.

It is written to a temporary file and renamed, so no reader sees half of it. A lock makes notebooks
that change it at once do so one after the other, so that none undoes what another wrote.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

from ..files import unwritable, user_data
from ..locks import locked


def kept_lines(name: str) -> list[str]:
    """Return the lines of a file; none, with a warning, if it cannot be read."""
    path = user_data() / name
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        warnings.warn(f"{path} cannot be read ({error.strerror}): rename it.", stacklevel=4)
        return []


def keep_lines(name: str, change: Callable[[list[str]], list[str]]) -> str:
    """Change the lines of a file, and return why they could not be written, or no text.

    Args:
        name: of the file.
        change: from the lines that are there to those that are kept. It is called once, also if
            nothing can be written.
    """
    folder = user_data()
    if reason := unwritable(folder, "XDG_DATA_HOME"):
        change([])
        return reason
    path = folder / name
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    with locked(path.with_suffix(".lock"), name, still_waiting=lambda: None):
        lines = change(kept_lines(name))
        try:
            scratch.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            os.replace(scratch, path)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            return f"{path} cannot be written ({error.strerror})"
    return ""
