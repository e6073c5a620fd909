"""The state of a lens grid as one short string, which a link holds and a notebook passes on.

``by=entropy;at=0.14.6;follow=en,0t512+77`` colours by entropy, chooses the cell of grid 0, layer
14, column 6, and follows the English word and the sum of two tokens of grid 0. Other fields:
``also`` (a second position), ``scale=log``, ``layers=8-18`` and ``columns=2-6``. What is as at the
start is left out, so the empty string is the grid as it opens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from ..errors import DataError, near
from .grid_data import GridData

_BY = ("role", "probability", "entropy")
_KEYS = ("by", "at", "also", "follow", "scale", "layers", "columns")


def check_state(state: str | None, grids: Sequence[GridData]) -> str:
    """Return a state if it fits the grids, an empty one for None.

    Raises:
        DataError: It names something that is not there.
    """
    if state is None:
        return ""
    if not isinstance(state, str):
        raise DataError(f"A state is a text, and this is a {type(state).__name__}: copy it again.")
    fields: dict[str, str] = {}
    for part in filter(None, state.split(";")):
        key, equals, value = part.partition("=")
        if key not in _KEYS or not equals or key in fields:
            raise DataError(
                f"The state '{state}' has a part '{part}' that no grid has."
                f"{near(key, _KEYS)} Copy it again, or leave state out."
            )
        fields[key] = value
    checks = _checks(fields, grids)
    for key, value in fields.items():
        if not checks[key](value):
            raise DataError(
                f"The state's '{key}={value}' does not fit this grid: copy it from a grid of the "
                "same run, or leave it out."
            )
    return ";".join(f"{key}={fields[key]}" for key in _KEYS if key in fields)


def fitting_state(state: str, grids: Sequence[GridData]) -> str:
    """Return the parts of a grid's state that fit other grids, as ``check_state`` judges them."""
    fields = dict(part.split("=", 1) for part in state.split(";") if part)
    if "follow" in fields and not _checks(fields, grids)["follow"](fields["follow"]):
        del fields["follow"]
        if fields.get("by", "").startswith("follow."):
            del fields["by"]
    checks = _checks(fields, grids)
    return ";".join(f"{key}={value}" for key, value in fields.items() if checks[key](value))


def _checks(
    fields: Mapping[str, str], grids: Sequence[GridData]
) -> dict[str, Callable[[str], bool]]:
    """Return for each field of a state whether its value fits the grids."""
    n_followed = len([item for item in fields.get("follow", "").split(",") if item])
    if "follow" not in fields:
        codes = {
            code for each in grids for code in each.run.languages if each.role(code) != "other"
        }
        n_followed = len(codes)
    return {
        "by": lambda value: _is_choice(value, grids, n_followed),
        "at": lambda value: _is_place(value, grids),
        "also": lambda value: not value or _is_place(value, grids),
        "scale": lambda value: value in ("linear", "log"),
        "layers": lambda value: _is_span(value, grids[0].run.layers),
        "columns": lambda value: _is_span(value, range(max(len(each.labels) for each in grids))),
        "follow": lambda value: all(_is_item(item, grids) for item in value.split(",") if item),
    }


def _is_place(value: str, grids: Sequence[GridData]) -> bool:
    """Return whether ``grid.layer.column`` is a cell."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", value, re.ASCII):
        return False
    grid, layer, column = map(int, value.split("."))
    fits = grid < len(grids) and layer in grids[grid].run.layers
    return fits and column < len(grids[grid].labels)


def _is_span(value: str, numbers: Sequence[int]) -> bool:
    """Return whether ``first-last`` is a part of some numbers."""
    if not re.fullmatch(r"\d+-\d+", value, re.ASCII):
        return False
    first, last = map(int, value.split("-"))
    return numbers[0] <= first <= last <= numbers[-1]


def _is_item(item: str, grids: Sequence[GridData]) -> bool:
    """Return whether a language or a sum of tokens can be followed."""
    tokens = re.fullmatch(r"(\d+)t(\d+(?:\+\d+)*)", item, re.ASCII)
    if not tokens:
        return _is_language(item, grids)
    grid, ids = int(tokens[1]), set(map(int, tokens[2].split("+")))
    return grid < len(grids) and ids <= set(grids[grid].traces[0].flatten().tolist())


def _is_language(code: str, grids: Sequence[GridData]) -> bool:
    return any(unquote(code) in each.run.languages for each in grids)


def _is_choice(value: str, grids: Sequence[GridData], n_followed: int) -> bool:
    """Return whether cells can be coloured by something."""
    kind, _, which = value.partition(".")
    if kind == "follow":
        return which.isdecimal() and int(which) < n_followed
    return value in _BY or (kind == "rank" and _is_language(which, grids))
