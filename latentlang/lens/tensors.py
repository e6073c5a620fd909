"""The tensors of a run: readings by name, and the others, checked and under flat names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from ..errors import DataError
from .readings import READINGS

OTHERS = ("top_ids", "top_probs", "watched", "latents")  # tensors of a run that are not readings

Values = torch.Tensor | Mapping[str, torch.Tensor]


def check_readings(readings: Mapping[str, Values]) -> None:
    """Raise ``DataError`` for a reading that is not in the table, or not of its kind."""
    for name, values in readings.items():
        if name not in READINGS:
            raise DataError(f"'{name}' is not a reading: READINGS has {', '.join(READINGS)}.")
        per_language = READINGS[name].per == "language"
        if per_language != isinstance(values, Mapping):
            kind = "one tensor per language" if per_language else "one tensor"
            raise DataError(f"The reading '{name}' must be {kind}.")
    sets = {frozenset(values) for values in readings.values() if isinstance(values, Mapping)}
    if len(sets) > 1:
        raise DataError("All readings per language must have the same languages.")


def check_shapes(tensors: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> None:
    """Raise ``DataError`` for a tensor that does not begin with the shape of its run.

    A reading has just this shape; the other tensors have one axis more.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise DataError(f"'{name}' must be a torch tensor, not a {type(tensor).__name__}.")
        extra = 1 if name in OTHERS else 0
        own = tuple(tensor.shape)
        if own[: len(shape)] != shape or len(own) != len(shape) + extra:
            raise DataError(
                f"'{name}' has the shape {list(own)}, and this run has {list(shape)} "
                "(prompts, positions if several, layers)."
            )


def check_others(
    top_ids: torch.Tensor,
    top_probs: torch.Tensor,
    watched: torch.Tensor | None,
    watch: tuple[int, ...],
) -> None:
    """Raise ``DataError`` for tensors that are not of one size, or that are missing."""
    if top_ids is None or top_probs is None or top_ids.shape != top_probs.shape:
        raise DataError("top_ids and top_probs must both be there, and of one shape.")
    n_watched = 0 if watched is None else watched.shape[-1]
    if n_watched != len(watch):
        raise DataError(f"{len(watch)} tokens are watched, and 'watched' has {n_watched}.")


def flattened(readings: Mapping[str, Values]) -> dict[str, torch.Tensor]:
    """Return readings as tensors by a flat name, such as ``probability.zh``."""
    tensors = {}
    for name, values in readings.items():
        if isinstance(values, Mapping):
            tensors |= {f"{name}.{code}": tensor for code, tensor in values.items()}
        else:
            tensors[name] = values
    return tensors


def unflattened(tensors: Mapping[str, torch.Tensor], names: Iterable[str]) -> dict:
    """Return tensors with flat names as fields of a run that has the readings ``names``."""
    readings: dict[str, Values] = {}
    for name in names:
        start = f"{name}."
        by_code = {
            key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)
        }
        readings[name] = tensors.get(name, by_code)  # neither: no language was followed
    return {"readings": readings} | {name: tensors.get(name) for name in OTHERS}
