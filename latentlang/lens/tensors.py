"""The tensors of a run: readings by name, and the others, checked and under flat names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..errors import DataError
from .followed import Followed
from .readings import READINGS

OTHERS = ("top_ids", "top_probs", "watched", "latents")  # tensors of a run that are not readings
FOLLOWED_IDS, FOLLOWED = "followed.ids", "followed.log_probs"

# Before a language: the words of the prompts' yardstick in it. ``"other:zh"`` is not a language.
YARDSTICK = "other:"

# A reading: one tensor, or one per language. The axes before the layers are those of prompts and,
# where several are read, of positions; mean curves have none.
Values = Shaped[Tensor, "*row layer"] | Mapping[str, Shaped[Tensor, "*row layer"]]


def check_readings(readings: Mapping[str, Values]) -> None:
    """Raise ``DataError`` for a reading that is not in the table, or not of its kind."""
    for name, values in readings.items():
        if name not in READINGS:
            raise DataError(f"'{name}' is not a reading: READINGS has {', '.join(READINGS)}.")
        per_language = READINGS[name].per == "language"
        if per_language != isinstance(values, Mapping):
            kind = "one tensor per language" if per_language else "one tensor"
            raise DataError(f"The reading '{name}' must be {kind}.")
    sets = {
        frozenset(filter(is_language, values))
        for values in readings.values()
        if isinstance(values, Mapping)
    }
    if len(sets) > 1:
        raise DataError("All readings per language must have the same languages.")


def check_shapes(tensors: Mapping[str, Tensor], shape: tuple[int, ...]) -> None:
    """Raise ``DataError`` for a tensor that does not begin with the shape of its run.

    A reading has just this shape; the other tensors have one axis more. ``FOLLOWED_IDS`` have the
    shape of ``FOLLOWED`` without the layers, as ``Followed`` checks.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise DataError(f"'{name}' must be a torch tensor, not a {type(tensor).__name__}.")
        if name == FOLLOWED_IDS:
            continue
        extra = 1 if name in (*OTHERS, FOLLOWED) else 0
        own = tuple(tensor.shape)
        if own[: len(shape)] != shape or len(own) != len(shape) + extra:
            raise DataError(
                f"'{name}' has the shape {list(own)}, and this run has {list(shape)} "
                "(prompts, positions if several, layers)."
            )


def check_others(
    top_ids: Int[Tensor, "prompt *position layer k"],
    top_probs: Float[Tensor, "prompt *position layer k"],
    watched: Float[Tensor, "prompt *position layer token"] | None,
    watch: tuple[int, ...],
) -> None:
    """Raise ``DataError`` for tensors that are not of one size, or that are missing."""
    if top_ids is None or top_probs is None or top_ids.shape != top_probs.shape:
        raise DataError("top_ids and top_probs must both be there, and of one shape.")
    n_watched = 0 if watched is None else watched.shape[-1]
    if n_watched != len(watch):
        raise DataError(f"{len(watch)} tokens are watched, and 'watched' has {n_watched}.")


def check_same(kinds: Sequence[Mapping[str, object]]) -> None:
    """Raise ``DataError`` for the first fact in which runs differ that are put together."""
    first = kinds[0]
    for kind in kinds[1:]:
        for name, value in kind.items():
            if value != first[name]:
                raise DataError(
                    f"These runs differ in {name} ({first[name]}, {value}): "
                    "put only runs of one kind together."
                )


def labels_of(readings: Mapping[str, Values]) -> set[str]:
    """Return every label of the readings per language: the languages, and the yardsticks."""
    return {label for each in readings.values() if isinstance(each, Mapping) for label in each}


def is_language(label: str) -> bool:
    """Return whether a label of a reading is a language, and not a yardstick.

    >>> is_language("zh"), is_language("other:zh")
    (True, False)
    """
    return not str(label).startswith(YARDSTICK)


def all_tensors(fields: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return every tensor among the fields of a run, by its flat name."""
    others = {name: fields[name] for name in OTHERS if fields[name] is not None}
    if (followed := fields["followed"]) is not None:
        others |= {FOLLOWED_IDS: followed.ids, FOLLOWED: followed.log_probs}
    return flattened(fields["readings"]) | others


def flattened(readings: Mapping[str, Values]) -> dict[str, Tensor]:
    """Return readings as tensors by a flat name, such as ``probability.zh``."""
    tensors: dict[str, Tensor] = {}
    for name, values in readings.items():
        if isinstance(values, Mapping):
            tensors |= {f"{name}.{code}": tensor for code, tensor in values.items()}
        else:
            tensors[name] = values
    return tensors


def unflattened(tensors: Mapping[str, Tensor], names: Iterable[str]) -> dict:
    """Return tensors with flat names as fields of a run that has the readings ``names``."""
    readings: dict[str, Values] = {}
    for name in names:
        start = f"{name}."
        by_code = {
            key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)
        }
        readings[name] = tensors.get(name, by_code)  # neither: no language was followed
    followed = None
    if FOLLOWED_IDS in tensors:
        followed = Followed(tensors[FOLLOWED_IDS], tensors[FOLLOWED])
    others = {name: tensors.get(name) for name in OTHERS}
    return {"readings": readings, "followed": followed, **others}
