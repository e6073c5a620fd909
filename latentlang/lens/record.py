"""A run in few bytes, with all that a machine without weights and tokenizer needs of it.

Readings are rounded to half precision, which keeps 11 bits: the error of an entropy or energy is
0.05 % at most, or 3·10⁻⁸ for those near 0. Tiny probabilities would become 0, so their natural
logarithm is rounded instead: the error of a probability is 0.0002 at most, and relative to it 0.4 %
at most above 10⁻⁶ and 2 % above 10⁻²⁷. A reading that is too large for half precision is kept in
single precision. Whole numbers (ranks, token ids) are exact, in the smallest type that holds them.

Of the tokens that a run follows, the three best of each layer are stored. They take most of the
bytes, so their logarithms are rounded further where a probability is below 0.5 %: to 1/16, which
changes it by 3.2 % at most. Files of runs that follow none, as older ones do, have no such tensors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..errors import DataError
from ..prompts.token_texts import TokenText, arrays_of, texts_of
from .readings import READINGS
from .reduce import NO_TOKEN
from .run import Run
from .run_file import facts_of, fields_of
from .tensors import FOLLOWED, FOLLOWED_IDS

_TOP_IDS, _TOP_PROBS = "top_ids", "top_probs"
_BEST = 3  # of each layer: the tokens that can be followed
_SMALL = -5.3  # the natural logarithm of 0.5 %
_BESIDE = ("tokens", "token_sizes", "token_bytes", "input_ids", "input_ends", "places")


@dataclass(frozen=True)
class Record:
    """A run at the last position, with the tokens of its prompts.

    ``input_ids``: of each prompt. ``places``: of each prompt's concept in the word list, from 0.
    ``experiment``: the key of all that the numbers depend on, for machines with the weights.
    """

    run: Run
    input_ids: Sequence[Sequence[int]]
    places: Sequence[int]
    experiment: str

    def every(self, n: int) -> Run:
        """Return the run about every n-th concept of the word list."""
        return self.run[[place % n == 0 for place in self.places]]

    def to_bytes(self, text_of: Callable[[int], TokenText]) -> bytes:
        """Return the content of a safetensors file: the same for the same record.

        Args:
            text_of: returns what a token stands for; it is asked about each candidate and each
                token of a prompt.

        Raises:
            DataError: The run has several positions, latents or watched tokens.
        """
        from safetensors.numpy import save

        run = self.run
        if run.position_tokens or run.latents is not None or run.watch:
            raise DataError("Only the readings of last positions can be stored: leave the rest.")
        if run.followed is not None:
            run = replace(run, followed=run.followed.among(run.top_ids[..., :_BEST]))
        arrays = {name: tensor.numpy() for name, tensor in run.tensors().items()}
        inputs = np.array([token_id for ids in self.input_ids for token_id in ids])
        tokens = np.union1d(arrays[_TOP_IDS], inputs)
        texts, special = arrays_of({token_id: text_of(token_id) for token_id in tokens.tolist()})
        packed = {name: _packed(name, array) for name, array in arrays.items()}
        if run.followed is not None:
            packed[FOLLOWED] = coarse(packed[FOLLOWED])
        # A token is named by its place in the table of tokens: two bytes, not three or four.
        for name in _named(arrays):
            places = np.searchsorted(tokens, arrays[name])
            packed[name] = _smallest(np.where(arrays[name] == NO_TOKEN, NO_TOKEN, places))
        packed["input_ids"] = _smallest(np.searchsorted(tokens, inputs))
        packed["input_ends"] = _smallest(np.cumsum([len(ids) for ids in self.input_ids]))
        packed["places"] = _smallest(np.array(self.places))
        facts = {**facts_of(vars(run)), **special, "experiment": self.experiment}
        return save(
            {**packed, **texts}, metadata={"latentlang": json.dumps(facts, ensure_ascii=False)}
        )

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], facts: dict[str, Any], path: str) -> Record:
        """Return the record in a file, from its arrays and facts.

        Arrays and facts of another kind raise the errors of Python.

        Raises:
            DataError: They are those of another version.
        """
        tokens = np.array(list(texts_of(arrays, facts)))
        readings = {name: array for name, array in arrays.items() if name not in _BESIDE}
        for name in _named(readings):
            places = readings[name]
            readings[name] = np.where(places == NO_TOKEN, NO_TOKEN, tokens[places])
        tensors = {name: _unpacked(name, array) for name, array in readings.items()}
        inputs, ends = tokens[arrays["input_ids"]].tolist(), arrays["input_ends"].tolist()
        input_ids = [inputs[start:end] for start, end in zip([0, *ends], ends)]
        run = Run(**fields_of(facts, tensors, path))
        record = cls(run, input_ids, arrays["places"].tolist(), facts["experiment"])
        if not len(record.run) == len(record.input_ids) == len(record.places):
            raise ValueError("not of one length")
        return record


def _named(arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Return the flat names of the tensors that hold token ids."""
    return [name for name in (_TOP_IDS, FOLLOWED_IDS) if name in arrays]


def _in_log(name: str) -> bool:
    """Return whether a tensor of a run, by its flat name, is kept as its logarithm."""
    if name == FOLLOWED:  # which is one already
        return False
    return name == _TOP_PROBS or READINGS[name.partition(".")[0]].in_log


def in_half_logs(array: np.ndarray) -> np.ndarray:
    """Return the natural logarithms of probabilities, in half precision."""
    with np.errstate(divide="ignore"):  # the logarithm of 0 is kept: it becomes 0 again
        return np.log(array).astype(np.float16)


def coarse(logs: np.ndarray) -> np.ndarray:
    """Return logarithms in half precision, those of probabilities below 0.5 % rounded to 1/16."""
    return np.where(logs < np.float16(_SMALL), np.round(logs * 16) / 16, logs)


def of_half_logs(array: np.ndarray) -> torch.Tensor:
    """Return the probabilities whose logarithms ``in_half_logs`` has rounded."""
    return torch.from_numpy(np.exp(array.astype(np.float32)))


def _packed(name: str, array: np.ndarray) -> np.ndarray:
    if not np.issubdtype(array.dtype, np.floating):
        return _smallest(array)
    if _in_log(name):
        return in_half_logs(array)
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    fits = (np.isfinite(half) == np.isfinite(array)).all()
    return half if fits else array.astype(np.float32)


def _unpacked(name: str, array: np.ndarray) -> torch.Tensor:
    if not np.issubdtype(array.dtype, np.floating):
        return torch.from_numpy(array.astype(np.int64 if name == FOLLOWED_IDS else np.int32))
    return of_half_logs(array) if _in_log(name) else torch.from_numpy(array.astype(np.float32))


def _smallest(array: np.ndarray) -> np.ndarray:
    """Return whole numbers in the smallest type that holds them all."""
    limits = (np.min_scalar_type(limit(initial=0)) for limit in (array.min, array.max))
    return array.astype(np.promote_types(*limits))
