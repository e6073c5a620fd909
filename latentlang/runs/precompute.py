"""Compute results once, for a class that reads them without a server and without a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..models.model import Model
from ..models.stored import store_model
from ..progress import reporting
from ..prompts.tasks import TASKS
from . import cache
from .experiments import Question

LANGUAGES = ("en", "zh", "de", "fr", "ru")  # the paper's


def precompute(
    model: Model, out: Path, pairs: Sequence[tuple[str, str]] | None = None, every: int = 1
) -> Iterator[str]:
    """Run the experiments of a class and keep them in ``out``; yield a line after each.

    With ``LATENTLANG_CACHE=out`` a machine without the weights answers the same questions, also
    about some of the concepts.

    Args:
        model: the model to read.
        out: the folder to fill.
        pairs: (source, target); None for all pairs of the paper's five languages. The tasks of one
            language are added for every target.
        every: every n-th concept of the word list.
    """
    pairs = pairs or [(a, b) for a in LANGUAGES for b in LANGUAGES if a != b]
    targets = dict.fromkeys(target for _, target in pairs)
    requests: list[tuple[str, str | None, str]] = []
    for name, task in TASKS.items():
        if task.needs_source:
            requests += [(name, source, target) for source, target in pairs]
        else:
            requests += [(name, None, target) for target in targets]
    folder = out / "results"
    folder.mkdir(parents=True, exist_ok=True)
    store_model(model, out)
    for name, source, target in requests:
        question = Question.of(model, name, source, target, every=every)
        with reporting(True, len(question.prompts)) as report:
            run = question.answer(False, report)
        cache.store(run, folder / f"{question.experiment.key}.safetensors")
        yield f"{' '.join(part for part in (name, source, target) if part)}: n = {len(run)}"
