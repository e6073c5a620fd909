"""Compute results once, for a class that reads them without a server and without a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ModelError
from ..models.model import Model
from ..models.store_files import write_facts
from ..models.stored import facts_of, shared_store, store_tokenizer
from ..progress import reporting
from ..prompts.tasks import TASKS
from . import cache
from .question import Question
from .stored import keep_answer

LANGUAGES = ("en", "zh", "de", "fr", "ru")  # the paper's


def precompute(
    model: Model, out: Path, pairs: Sequence[tuple[str, str]] | None = None, every: int = 1
) -> Iterator[str]:
    """Run the experiments of a class and keep them in ``out``; yield a line after each.

    With ``LATENTLANG_CACHE=out`` a machine with the weights finds the same results instead of
    computing them. One without the weights answers the same questions from rounded ones, also about
    some of the concepts. A translation is read twice: without shared tokens, and with the
    words that the paper keeps (``overlap="paper"``).

    Args:
        model: the model to read.
        out: the folder to fill.
        pairs: (source, target); None for all pairs of the paper's five languages. The tasks of one
            language are added for every target.
        every: every n-th concept of the word list.

    Raises:
        ModelError: The weights of the model have changed since they were loaded.
        TraceError: They are not here.
    """
    if model.traced is None:
        model.trace()  # raises the reason
    if model.session.changed:
        raise ModelError(
            f"The weights of {model.name} have changed since they were loaded, and only those of "
            "its files can be precomputed: load it again."
        )
    pairs = pairs or [(a, b) for a in LANGUAGES for b in LANGUAGES if a != b]
    targets = dict.fromkeys(target for _, target in pairs)
    requests: list[tuple[str, str | None, str, str | None]] = []
    for name, task in TASKS.items():
        if task.needs_source:
            for overlap in (None, "paper"):
                requests += [(name, source, target, overlap) for source, target in pairs]
        else:
            requests += [(name, None, target, None) for target in targets]
    folder = out / "results"
    folder.mkdir(parents=True, exist_ok=True)
    stored = shared_store(out, model.name)
    write_facts(stored, facts_of(model))
    store_tokenizer(model, stored)
    for name, source, target, overlap in requests:
        question = Question.of(
            model, name, source, target, every=every, follow=True, overlap=overlap
        )
        with reporting(True, len(question.prompts)) as report:
            answer = question.answer(False, report)
        # An answer keeps its age: a newer one that a reader has still goes first.
        cache.store(answer.result, folder / f"{question.name}.safetensors", answer.written)
        plain, run = replace(question, follow=False), replace(answer.result, followed=None)
        cache.store(run, folder / f"{plain.name}.safetensors", answer.written)
        keep_answer(stored, answer.result, model, every)
        asked = " ".join(part for part in (name, source, target) if part)
        rule = ", as published" if overlap else ""
        yield f"{asked}{rule}: n = {len(answer.result)}"
