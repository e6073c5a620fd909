"""Shapes in signatures, such as ``Float[Tensor, "prompt layer"]``, are checked in the tests.

``install`` comes before the first import of latentlang: each module that imports jaxtyping is then
imported with a check around every function and class. The library itself checks nothing of this.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from inspect import isclass
from pathlib import Path
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook

CHECKER = "shapes.checked"


def install() -> None:
    """Check the shapes of latentlang from here on."""
    install_import_hook(modules(), CHECKER)


def modules() -> list[str]:
    """Return the modules that have shapes in their signatures.

    The modules that travel to a server import jaxtyping for type checkers only, in an indented
    line. They must stay as they are written, because their source is sent.
    """
    home = Path(find_spec("latentlang").origin).parent
    return [
        ".".join(path.relative_to(home.parent).with_suffix("").parts)
        for path in sorted(home.rglob("*.py"))
        if re.search(r"^from jaxtyping import", path.read_text("utf-8"), re.M)
    ]


def checked(function: Callable) -> Callable:
    """Return jaxtyping's stand-in for a function with the check of its arrays, and of them only.

    jaxtyping calls a stand-in before the function and one after it, which also takes the result.
    Only the second one checks, and then everything: the function's own refusals of a wrong shape
    come first, in its own words. Other types are left alone, because our tests pass wrong ones to
    read the refusal.
    """
    hints = function.__annotations__
    result = hints.get("return", Any)
    if result is Any:
        return function
    function.__annotations__ = {name: hint for name, hint in hints.items() if has_array(hint)}
    return beartype(function)


def has_array(hint: object) -> bool:
    """Return whether a type hint names an array anywhere."""
    if isclass(hint) and issubclass(hint, AbstractArray):
        return True
    return any(has_array(part) for part in get_args(hint))
