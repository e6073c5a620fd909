"""Stored sweeps: kept for machines without weights, found there, compared where they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..lens.sweep_record import SweepRecord
from ..lens.sweep_result import Sweep
from ..models.model import Model
from ..models.store import Store
from ..models.store_files import write_answer
from ..models.whole_inquiry import SweepInquiry
from ..prompts.build import setting_of
from .stored_whole import Arrays, first_answer, read_whole, whole_differences
from .sweep_experiment import SweepExperiment, fits_question, material_of


def keep_sweep(folder: Path, sweep: Sweep, model: Model, inquiry: SweepInquiry) -> int:
    """Keep a sweep as a stored answer, and return its size in bytes.

    Args:
        folder: of the model's stored answers, with its facts.
        sweep: of ``run_sweep``.
        model: that computed it.
        inquiry: the question.
    """
    data = SweepRecord(sweep, _key(model, inquiry)).to_bytes()
    write_answer(folder, inquiry, data)
    return len(data)


def stored_sweep(model: Model, inquiry: SweepInquiry, refresh: bool = False) -> Sweep:
    """Return the sweep that stored answers of a model hold.

    Raises:
        ModelError: The file of the answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    beyond = {"refresh": refresh}
    return first_answer(model, inquiry, beyond, lambda store: _read(store, inquiry)[0])


def sweep_differences(store: Store, model: Model) -> Iterator[str]:
    """Yield a sentence for each stored sweep that is not about what the model would be asked now.

    Prompts, input ids, tokens and choices are compared, and neither the numbers nor their format.
    """
    return whole_differences(store, model, SweepInquiry, _read, _key)


def _key(model: Model, inquiry: SweepInquiry) -> str:
    return SweepExperiment.of(model, inquiry, material_of(model, inquiry)).key


def _read(store: Store, inquiry: SweepInquiry) -> tuple[Sweep, str]:
    """Return the answer to a stored question, and the key of its experiment.

    Its numbers are taken on trust, and nothing else is: a file may hold anything.
    """
    return read_whole(store, inquiry, _sweep_of, _fits)


def _sweep_of(facts: dict[str, Any], arrays: Arrays) -> Sweep:
    return SweepRecord.of(arrays, facts).sweep


def _fits(sweep: Sweep, store: Store, inquiry: SweepInquiry) -> bool:
    """Return whether a sweep is about a stored question and the model of its folder."""
    source, target = inquiry.into.split("-")
    setting = setting_of(
        "translation", source, target, default_mode=store.facts.mode, seed=inquiry.seed
    )
    columns = ("concept", "source", "target", "pivot", "cognate", "text", "source_concept")
    return (
        (sweep.model, sweep.revision) == (store.facts.name, store.facts.revision)
        and sweep.setting == setting
        and isinstance(sweep.number_format, str)
        and len(sweep) > 0
        and all(isinstance(value, str) for name in columns for value in sweep.prompts[name])
        and fits_question(sweep, inquiry, store.facts.n_layers)
    )
