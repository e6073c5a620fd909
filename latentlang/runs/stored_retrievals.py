"""Stored retrievals: kept for machines without weights, found there, compared where they are.

A retrieved value is 0, or 1/m where m words share the highest score. It is kept as 0 or m, in two
bytes. Probabilities keep all of their digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..analysis.retrieval_result import Retrieval
from ..models.model import Model
from ..models.store import Store
from ..models.whole_inquiry import RetrievalInquiry
from ..prompts.build import setting_of
from ..prompts.words import load_words
from .experiment import Experiment
from .retrieval_experiment import RetrievalExperiment, material_of_retrieval
from .stored_whole import Arrays, first_answer, keep_whole, read_whole, whole_differences

_ROUNDED = 1e-4  # how far above 1 the sum of a few float32 probabilities may lie


def keep_retrieval(folder: Path, found: Retrieval, model: Model, inquiry: RetrievalInquiry) -> int:
    """Keep a retrieval as a stored answer, with all digits, and return its size in bytes.

    Args:
        folder: of the model's stored answers, with its facts.
        found: of ``run_retrieval``, through the logit lens.
        model: that computed it.
        inquiry: the question.
    """
    facts = {**found.facts(), "experiment": _key(model, inquiry)}
    arrays = {
        name: tensor.numpy() if _is_probability(name) else _sharing(tensor)
        for name, tensor in found.tensors().items()
    }
    return keep_whole(folder, inquiry, facts, arrays)


def stored_retrieval(
    model: Model, inquiry: RetrievalInquiry, beyond: Mapping[str, bool]
) -> Retrieval:
    """Return the retrieval that stored answers of a model hold.

    Args:
        model: one of ``stored_model``.
        inquiry: the question.
        beyond: the arguments of ``run_retrieval`` that only the weights can answer, and whether
            each was given.

    Raises:
        ModelError: The file of the answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    return first_answer(model, inquiry, beyond, lambda store: _read(store, inquiry)[0])


def retrieval_differences(store: Store, model: Model) -> Iterator[str]:
    """Yield a sentence for each stored retrieval that is not what the model would be asked now.

    Prompts, input ids, tokens and choices are compared, and neither the numbers nor their format.
    """
    return whole_differences(store, model, RetrievalInquiry, _read, _key)


def _key(model: Model, inquiry: RetrievalInquiry) -> str:
    source, target, every = inquiry.source, inquiry.target, inquiry.every
    material = material_of_retrieval(
        model, inquiry.task, source, target, inquiry.codes, every=every
    )
    return RetrievalExperiment.of(model, material).key


def _read(store: Store, inquiry: RetrievalInquiry) -> tuple[Retrieval, str]:
    """Return the answer to a stored question, and the key of its experiment."""
    return read_whole(store, inquiry, _retrieval_of, _is_about)


def _retrieval_of(facts: dict[str, Any], arrays: Arrays) -> Retrieval:
    """Return the result in a file; raises the errors of Python for arrays of another kind."""
    tensors = {}
    for name, array in arrays.items():
        probability = _is_probability(name)
        if array.dtype != (np.float32 if probability else np.uint16):
            raise ValueError(f"{name} holds numbers of another kind")
        if not probability and (array > len(facts["concepts"])).any():
            raise ValueError(f"{name} has more words than there are candidates")
        tensors[name] = torch.from_numpy(array.copy()) if probability else _parts(array)
    return Retrieval.of(facts, tensors)


def _is_about(found: Retrieval, store: Store, inquiry: RetrievalInquiry) -> bool:
    """Return whether a retrieval is about a stored question and the model of its folder."""
    facts, codes = store.facts, tuple(inquiry.codes)
    setting = setting_of(inquiry.task, inquiry.source, inquiry.target, default_mode=facts.mode)
    names = ("retrieved", "probability", "ceiling")
    return (
        (found.model, found.revision) == (facts.name, facts.revision)
        and (found.lens, found.setting) == (Experiment.lens, setting)
        and isinstance(found.number_format, str)
        and found.layers == tuple(range(1, facts.n_layers + 1))
        and all(tuple(getattr(found, name)) == codes for name in names)
        and set(found.concepts) <= set(load_words().index)
        and len(set(found.concepts)) == len(found) > 1
        and all(map(len, found.ceiling.values()))
        and all(_are_shares(tensor) for tensor in found.tensors().values())
    )


def _are_shares(tensor: Tensor) -> bool:
    """Return whether all numbers of a tensor are parts of 1, and none is NaN."""
    return bool(((tensor >= 0) & (tensor <= 1 + _ROUNDED)).all())


def _is_probability(name: str) -> bool:
    return name.startswith("probability.")


def _sharing(parts: Tensor) -> np.ndarray:
    """Return m of each 1/m, and 0 of 0."""
    return np.where(parts > 0, np.rint(1 / np.where(parts > 0, parts, 1)), 0).astype(np.uint16)


def _parts(sharing: np.ndarray) -> Tensor:
    """Return 1/m of each m, and 0 of 0, in float32 as they were computed."""
    counts = torch.from_numpy(sharing.astype(np.float32))
    return torch.where(counts > 0, 1 / counts, 0)
