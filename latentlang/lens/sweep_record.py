"""A sweep in few bytes, with all that a machine without weights and tokenizer needs of it.

Every number is a probability, and is kept as its natural logarithm in half precision; ``record``
says how much that rounds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .record import in_half_logs, of_half_logs
from .sweep_file import facts_of_sweep, fields_of_sweep, tensors_of_sweep
from .sweep_result import Sweep


@dataclass(frozen=True)
class SweepRecord:
    """A sweep, with the key of all that its numbers depend on, for machines with the weights."""

    sweep: Sweep
    experiment: str

    def to_bytes(self) -> bytes:
        """Return the content of a safetensors file: the same for the same record."""
        from safetensors.numpy import save

        fields = vars(self.sweep)
        facts = {**facts_of_sweep(fields), "experiment": self.experiment}
        arrays = {
            name: in_half_logs(tensor.numpy()) for name, tensor in tensors_of_sweep(fields).items()
        }
        return save(arrays, metadata={"latentlang": json.dumps(facts, ensure_ascii=False)})

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], facts: dict[str, Any]) -> SweepRecord:
        """Return the record in a file, from its arrays and facts.

        Arrays and facts of another kind raise the errors of Python.
        """
        tensors = {name: of_half_logs(array) for name, array in arrays.items()}
        return cls(Sweep(**fields_of_sweep(facts, tensors)), facts["experiment"])
