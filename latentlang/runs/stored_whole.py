"""What stored sweeps, pivot tests and retrievals share: each answers one whole question."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from ..errors import DataError, ModelError, TraceError
from ..models.model import Model
from ..models.store import DAMAGE, Kind, Store
from ..models.store_files import write_answer
from ..models.stored import Stored

Answer = TypeVar("Answer")
Arrays = Mapping[str, np.ndarray]


def keep_whole(folder: Path, inquiry: Kind, facts: Mapping[str, Any], arrays: Arrays) -> int:
    """Keep facts, and arrays with all digits, as a stored answer; return its size in bytes."""
    from safetensors.numpy import save

    apart = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = save(apart, metadata={"latentlang": json.dumps(facts, ensure_ascii=False)})
    return write_answer(folder, inquiry, data)


def read_whole(
    store: Store,
    inquiry: Kind,
    of: Callable[[dict[str, Any], Arrays], Answer],
    fits: Callable[[Answer, Store, Kind], bool],
) -> tuple[Answer, str]:
    """Return the answer to a stored question, and the key of its experiment.

    Args:
        store: the folder.
        inquiry: the question.
        of: makes the answer of the facts and arrays in the file; it may raise errors of Python.
        fits: says whether the answer is about the question, and the model of the folder.

    Raises:
        ModelError: It is damaged, or about something else.
    """
    facts, arrays = store.read(inquiry)
    try:
        answer, experiment = of(facts, arrays), facts["experiment"]
        if not fits(answer, store, inquiry):
            raise ValueError("about something else")
    except (DataError, *DAMAGE) as error:
        raise store.damaged(inquiry) from error
    return answer, experiment


def first_answer(
    model: Model, inquiry: Kind, beyond: Mapping[str, bool], read: Callable[[Store], Answer]
) -> Answer:
    """Return what the first folder with an answer that can be read says to a whole question.

    A folder whose answer is damaged is left out with a warning, if another one has the answer.

    Args:
        model: one of ``stored_model``.
        inquiry: the question.
        beyond: the arguments that only the weights can answer, and whether each was given.
        read: reads the answer in a folder; raises ``ModelError`` for a damaged one.

    Raises:
        ModelError: The file of the answer is damaged, and no other folder has it.
        TraceError: No such answer is stored.
    """
    session = cast("Stored", model.session)
    if asks := [name for name, given in beyond.items() if given]:
        raise TraceError(session.refusal(f"What {asks[0]}= asks for", type(inquiry)))
    damaged: list[ModelError] = []
    for store in session.stores:
        if store.holder_of(inquiry) is not None:
            try:
                answer = read(store)
            except ModelError as error:
                damaged.append(error)
                continue
            for reason in damaged:
                warnings.warn(str(reason), stacklevel=5)
            return answer
    if damaged:
        raise damaged[0]
    raise TraceError(session.refusal(f"'{inquiry.title}'", type(inquiry)))


def whole_differences(
    store: Store,
    model: Model,
    kind: type[Kind],
    read: Callable[[Store, Kind], tuple[Any, str]],
    key: Callable[[Model, Kind], str],
) -> Iterator[str]:
    """Yield a sentence for each stored answer that is not about what the model would be asked now.

    Prompts, input ids, tokens and choices are compared, and neither the numbers nor their format.

    Args:
        store: the stored answers.
        model: with its weights here.
        kind: of the questions.
        read: reads an answer, and the key of its experiment.
        key: returns the key of the experiment that a question to the model is now.
    """
    model = replace(model, number_format=store.facts.number_format)
    for inquiry in (each for each in store.answers if isinstance(each, kind)):
        try:
            _, experiment = read(store, inquiry)
        except ModelError as error:
            yield str(error)
            continue
        if experiment != key(model, inquiry):
            yield f"{inquiry.title}: its prompts or tokens are those of another version"
