"""Stored sweeps: kept for machines without weights, found there, compared where they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from ..errors import DataError, ModelError, TraceError
from ..lens.sweep_record import SweepRecord
from ..lens.sweep_result import Sweep
from ..models.inquiry import SweepInquiry
from ..models.model import Model
from ..models.store import DAMAGE, Kind, Store
from ..models.store_files import write_answer
from ..models.stored import Stored
from ..prompts.build import setting_of
from .sweep_experiment import SweepExperiment, fits_question, material_of

Answer = TypeVar("Answer")


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

    A folder whose answer is damaged is left out with a warning, if another one has the answer.

    Raises:
        ModelError: The file of the answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    return first_answer(model, inquiry, refresh, lambda store: _record(store, inquiry).sweep)


def first_answer(
    model: Model, inquiry: Kind, refresh: bool, read: Callable[[Store], Answer]
) -> Answer:
    """Return what the first folder with an answer that can be read says to a whole question.

    Args:
        model: one of ``stored_model``.
        inquiry: the question.
        refresh: whether it was asked to compute again, which no stored answer can.
        read: reads the answer in a folder; raises ``ModelError`` for a damaged one.

    Raises:
        ModelError: The file of the answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    session = cast("Stored", model.session)
    if refresh:
        raise TraceError(session.refusal("What refresh= asks for"))
    damaged: list[ModelError] = []
    for store in session.stores:
        if store.holder_of(inquiry) is not None:
            try:
                answer = read(store)
            except ModelError as error:
                damaged.append(error)
                continue
            for reason in damaged:
                warnings.warn(str(reason), stacklevel=4)
            return answer
    if damaged:
        raise damaged[0]
    raise TraceError(session.refusal(f"'{inquiry.title}'"))


def sweep_differences(store: Store, model: Model) -> Iterator[str]:
    """Yield a sentence for each stored sweep that is not about what the model would be asked now.

    Prompts, input ids, tokens and choices are compared, and neither the numbers nor their format.
    """
    model = replace(model, number_format=store.facts.number_format)
    for inquiry in (each for each in store.answers if isinstance(each, SweepInquiry)):
        try:
            record = _record(store, inquiry)
        except ModelError as error:
            yield str(error)
            continue
        if record.experiment != _key(model, inquiry):
            yield f"{inquiry.title}: its prompts or tokens are those of another version"


def _key(model: Model, inquiry: SweepInquiry) -> str:
    return SweepExperiment.of(model, inquiry, material_of(model, inquiry)).key


def _record(store: Store, inquiry: SweepInquiry) -> SweepRecord:
    """Return the answer to a stored question.

    Its numbers are taken on trust, and nothing else is: a file may hold anything.

    Raises:
        ModelError: It is damaged.
    """
    facts, arrays = store.read(inquiry)
    try:
        record = SweepRecord.of(arrays, facts)
        if not _fits(record.sweep, store, inquiry):
            raise ValueError("about something else")
    except (DataError, *DAMAGE) as error:
        raise store.damaged(inquiry) from error
    return record


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
