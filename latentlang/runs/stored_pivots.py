"""Stored pivot tests: kept for machines without weights, found there, compared where they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..models.model import Model
from ..models.store import Store
from ..models.whole_inquiry import PivotInquiry
from ..prompts.build import setting_of
from .pivot_experiment import PivotExperiment, PivotMaterial, material_of_pivot
from .pivot_result import PivotTest
from .stored_whole import Arrays, first_answer, keep_whole, read_whole, whole_differences


def keep_pivot(folder: Path, test: PivotTest, model: Model, inquiry: PivotInquiry) -> int:
    """Keep a test as a stored answer, with all digits, and return its size in bytes.

    Args:
        folder: of the model's stored answers, with its facts.
        test: of ``pivot_test``.
        model: that computed it.
        inquiry: the question.
    """
    facts = {**test.facts(), "experiment": _key(model, inquiry)}
    arrays = {name: tensor.numpy() for name, tensor in test.tensors().items()}
    return keep_whole(folder, inquiry, facts, arrays)


def stored_pivot(model: Model, inquiry: PivotInquiry, refresh: bool = False) -> PivotTest:
    """Return the test that stored answers of a model hold.

    Raises:
        ModelError: The file of the answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    beyond = {"refresh": refresh}
    return first_answer(model, inquiry, beyond, lambda store: _read(store, inquiry)[0])


def pivot_differences(store: Store, model: Model) -> Iterator[str]:
    """Yield a sentence for each stored test that is not about what the model would be asked now.

    Prompts, input ids, tokens and choices are compared, and neither the numbers nor their format.
    """
    return whole_differences(store, model, PivotInquiry, _read, _key)


def fits_pivot(test: PivotTest, model: Model, material: PivotMaterial) -> bool:
    """Return whether a test is what a question to this model gives.

    A file in a cache may hold anything; its numbers are taken on trust, and nothing else is.
    """
    measured = material.measured
    facts = (test.model, test.revision, test.number_format, test.setting, test.chosen_on)
    chosen = tuple(prompt.concept for prompt in material.chosen)
    ours = (model.name, model.revision, model.format_title, measured.setting, chosen)
    return (
        facts == ours
        and list(test.prompts["text"]) == [prompt.text for prompt in measured]
        and list(test.prompts["concept"]) == [prompt.concept for prompt in measured]
        and _are_layers(test.layers, model.n_layers)
    )


def _are_layers(layers: Any, n_layers: int) -> bool:
    return list(layers) == sorted(set(layers)) and all(1 <= layer <= n_layers for layer in layers)


def _key(model: Model, inquiry: PivotInquiry) -> str:
    return PivotExperiment.of(model, inquiry, material_of_pivot(model, inquiry)).key


def _read(store: Store, inquiry: PivotInquiry) -> tuple[PivotTest, str]:
    """Return the answer to a stored question, and the key of its experiment."""
    return read_whole(store, inquiry, _test_of, _is_about)


def _test_of(facts: dict[str, Any], arrays: Arrays) -> PivotTest:
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    return PivotTest.of(facts, tensors)


def _is_about(test: PivotTest, store: Store, inquiry: PivotInquiry) -> bool:
    """Return whether a test is about a stored question and the model of its folder."""
    setting = setting_of(
        "translation",
        inquiry.source,
        inquiry.target,
        default_mode=store.facts.mode,
        seed=inquiry.seed,
    )
    return (
        (test.model, test.revision) == (store.facts.name, store.facts.revision)
        and test.setting == setting
        and isinstance(test.number_format, str)
        and len(test) > 0
        and all(isinstance(value, str) for name in test.prompts for value in test.prompts[name])
        and all(tensor.isfinite().all() for tensor in test.tensors().values())
        and _are_layers(test.layers, store.facts.n_layers)
    )
