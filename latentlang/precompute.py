"""Compute results once, for a class that reads them: the way that needs no server and no GPU for the students."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from . import cache
from .experiments import entry_name, run_experiment
from .models import Model
from .stored import store_model

LANGUAGES = ("en", "zh", "de", "fr", "ru")  # the paper's


def precompute(model: Model, out: Path, pairs: Sequence[tuple[str, str]] | None = None, every: int = 1) -> Iterator[str]:
    """Run the experiments of a class and keep them in ``out``, saying after each what is done.

    ``pairs``: (source, target); None for all pairs of the paper's five languages. To them come repetition and cloze in every
    target. With ``LATENTLANG_CACHE=out`` a machine without the weights answers the same questions, also about a part of the concepts.
    """
    pairs = pairs or [(a, b) for a in LANGUAGES for b in LANGUAGES if a != b]
    asked = [{"task": "translation", "source": a, "target": b} for a, b in pairs]
    asked += [{"task": task, "target": b} for task in ("repetition", "cloze") for b in dict.fromkeys(b for _, b in pairs)]
    folder = out / "results"
    folder.mkdir(parents=True, exist_ok=True)
    store_model(model, out)
    for question in asked:
        found = run_experiment(model, **question, every=every)
        cache.store(found, folder / f"{entry_name(model, **question, every=every)}.safetensors")
        yield f"{' '.join(question.values())}: n = {len(found)}"
