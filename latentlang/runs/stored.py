"""Stored answers as runs: kept for machines without weights, found there, compared where they are.

A live model never answers from them: they are rounded.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from ..errors import DataError, ModelError, TraceError
from ..lens.inputs import Inputs
from ..lens.readings import READINGS
from ..lens.record import Record
from ..lens.run import Run
from ..models.inquiry import Inquiry
from ..models.model import Model
from ..models.store import DAMAGE, Store
from ..models.store_files import write_answer
from ..models.stored import Stored, facts_of
from ..prompts.build import build_prompts, setting_of
from ..prompts.prompt import PromptSet
from ..prompts.vocabulary import token_name
from ..prompts.words import load_words
from .experiment import Experiment

_ASKED = ("task", "source", "target", "pivot")  # columns that say what the question says
_COLUMNS = ("concept", *_ASKED, "cognate", "text")
_ALWAYS = {"probability", "rank", "entropy", "energy"}  # readings; one added since may be missing


def keep_answer(
    folder: Path, run: Run, model: Model, every: int = 1, concepts: Sequence[str] = ()
) -> int:
    """Keep a run as a stored answer, and return its size in bytes.

    Args:
        folder: of the model's stored answers, with its facts.
        run: of ``run_experiment``, with one source language.
        model: that computed it.
        every, concepts: as ``run_experiment`` took them.
    """
    inquiry = Inquiry(run.setting, every, run.lens, tuple(concepts))
    order = {concept: place for place, concept in enumerate(load_words().index)}
    record = Record(
        run,
        input_ids=[model.tokenizer(text)["input_ids"] for text in run.prompts["text"]],
        places=[order[concept] for concept in run.prompts["concept"]],
        experiment=Experiment.of(model, _prompts(inquiry, model)).key,
    )
    data = record.to_bytes(partial(token_name, tokenizer=model.tokenizer))
    return write_answer(folder, inquiry, data)


def stored_run(
    model: Model,
    task: str,
    sources: Sequence[str | None],
    target: str,
    about: Mapping[str, Any],
    beyond: Mapping[str, bool],
    follow: bool,
    **choices: Any,
) -> Run:
    """Return the run that stored answers of a model hold, with all of its sources from one folder.

    A folder whose answer is damaged is left out with a warning, if another one has the answer.

    Args:
        model: one of ``stored_model``.
        task, target: as ``run_experiment`` takes them.
        sources: the source languages.
        about: ``every``, ``concepts`` and the name of the ``lens``, as ``Inquiry`` takes them.
        beyond: the arguments of ``run_experiment`` that only the weights can answer, and whether
            each was given.
        follow: whether the run must hold tokens to follow.
        choices: the other arguments of ``run_experiment`` that make prompts.

    Raises:
        DataError: The choices do not fit each other, or leave no prompt.
        ModelError: The file of an answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    session = cast("Stored", model.session)
    if asks := [name for name, given in beyond.items() if given]:
        raise TraceError(session.refusal(f"What {asks[0]}= asks for", Inquiry))
    damaged: list[ModelError] = []
    lacking = ""
    for store in session.stores:
        settings = [
            setting_of(task, source, target, default_mode=store.facts.mode, **choices)
            for source in sources
        ]
        asked = [Inquiry(setting, **about) for setting in settings]
        stored = [holder for each in asked if (holder := store.holder_of(each)) is not None]
        if len(stored) == len(asked):
            try:
                records = [_record(store, each) for each in stored]
            except ModelError as error:
                damaged.append(error)
                continue
            run = Run.concatenate([_part(*each) for each in zip(records, asked)])
            if follow and run.followed is None:
                lacking = "What follow= asks for"
                continue
            if not len(run):
                every = about["every"]
                raise DataError(f"every={every} leaves no stored concept: take a smaller number.")
            for reason in damaged:
                warnings.warn(str(reason), stacklevel=4)
            return replace(run, tokenizer=model.tokenizer)
    if damaged:
        raise damaged[0]
    question = lacking or " and ".join(f"'{each.title}'" for each in asked)
    raise TraceError(session.refusal(question, Inquiry))


def _part(record: Record, asked: Inquiry) -> Run:
    """Return what a record says of the concepts of a question."""
    if not asked.concepts:
        return record.every(asked.every)
    run = record.run
    if lacking := [concept for concept in asked.concepts if concept not in run]:
        raise DataError(
            f"'{lacking[0]}' cannot be used for {run.setting.title}: choose another concept."
        )
    return run[[concept in asked.concepts for concept in run.prompts["concept"]]]


def differences(store: Store, model: Model) -> Iterator[str]:
    """Yield a sentence for each stored run that is not about what the model would be asked now.

    Facts of the model, versions of the readings, and all of the prompts are compared: texts, input
    ids, answers, cognates and the tokens that count. The numbers are not, nor the format in which
    they were computed: not every processor computes fast in bfloat16.

    Args:
        store: the stored answers.
        model: with its weights here.
    """
    model = replace(model, number_format=store.facts.number_format)
    if store.facts != facts_of(model):
        yield f"{store.folder.name}: computed with another version of the model"
    for inquiry in (each for each in store.answers if isinstance(each, Inquiry)):
        try:
            record = _record(store, inquiry)
        except ModelError as error:
            yield str(error)
            continue
        if reason := _difference(record, inquiry, model):
            yield f"{inquiry.title}: {reason}"


def _difference(record: Record, inquiry: Inquiry, model: Model) -> str:
    """Return in what a record differs from what a model would be asked now, or an empty text."""
    run, prompts, concepts = record.run, _prompts(inquiry, model), load_words().index
    table = Inputs.of(prompts, None).table
    if list(run.prompts["concept"]) != list(table["concept"]):
        return "it is about other concepts"
    if list(record.places) != concepts.get_indexer(table["concept"]).tolist():
        return "the word list has another order"
    for column in table:
        if column not in run.prompts or list(run.prompts[column]) != list(table[column]):
            return f"its prompts have another '{column}'"
    if record.input_ids != [model.tokenizer(text)["input_ids"] for text in table["text"]]:
        return "its prompts have other input ids"
    if record.experiment != Experiment.of(model, prompts).key:
        return "its tokens or readings are those of another version"
    return ""


def _prompts(inquiry: Inquiry, model: Model) -> PromptSet:
    """Return the prompts that a question asks of a model."""
    setting = inquiry.setting
    prompts = build_prompts(
        setting.task,
        setting.source,
        setting.target,
        tokenizer=model.tokenizer,
        k=setting.k,
        seed=setting.seed,
        mode=setting.mode,
        overlap=setting.overlap,
        shared_demos=setting.shared_demos,
        control=setting.control,
    )
    return prompts.about(inquiry.asked_about)


def _record(store: Store, inquiry: Inquiry) -> Record:
    """Return the answer to a stored question.

    Its numbers are taken on trust, and nothing else is: a file may hold anything.

    Raises:
        ModelError: It is damaged.
    """
    facts, arrays = store.read(inquiry)
    try:
        record = Record.of(arrays, facts, inquiry.file)
        if not _fits(record, store, inquiry):
            raise ValueError("about something else")
    except (DataError, *DAMAGE) as error:
        raise store.damaged(inquiry) from error
    return record


def _fits(record: Record, store: Store, inquiry: Inquiry) -> bool:
    """Return whether a record is about a stored question and the model of its folder."""
    run, model, setting = record.run, store.facts, inquiry.setting
    followed = {run.pivot, run.target, run.source}
    columns = {*_COLUMNS, *(f"answer_{code}" for code in followed)}
    ids = run.top_ids
    return (
        (run.model, run.revision) == (model.name, model.revision)
        and (run.lens, run.setting) == (inquiry.lens, inquiry.setting)
        and len(run.layers) == model.n_layers
        and run.layers == tuple(range(1, len(run.layers) + 1))
        and isinstance(run.number_format, str)
        and _ALWAYS <= set(run.readings) <= set(READINGS)
        and columns <= set(run.prompts)
        and all(isinstance(value, str) for name in columns for value in run.prompts[name])
        and all((run.prompts[name] == getattr(setting, name)).all() for name in _ASKED)
        and followed <= set(run.languages)
        and not run.watch
        and not run.position_tokens
        and run.latents is None
        and bool(((ids >= 0) & (ids < model.vocab_size)).all())
        and (run.followed is None or bool((run.followed.ids < model.vocab_size).all()))
        and all(place % inquiry.every == 0 for place in record.places)
        and set(run.prompts["concept"]) <= set(inquiry.concepts or run.prompts["concept"])
    )
