"""Experiments: a task, a language pair and a model in; readings out, kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from . import cache
from .data import load_words
from .decoded import Decoded
from .errors import DataError
from .lens import decode
from .models import Model
from .progress import Progress, reporting
from .prompts import PromptSet, build_prompts

_PART = 64  # prompts stored at a time: about a quarter of a minute on two CPU cores


def run_experiment(
    model: Model,
    task: str,
    source: str | Sequence[str] | None = None,
    target: str = "zh",
    *,
    seed: int = 0,
    k: int | None = None,
    shared_demos: bool = False,
    control: str | None = None,
    words=None,
    every: int = 1,
    keep_latents: bool = False,
    refresh: bool = False,
    progress: Progress = True,
) -> Decoded:
    """Read every layer for all prompts of one experiment, or take the result from the cache.

    ``source`` may be a list of languages, whose prompts are pooled (the paper pools de, fr and ru to
    zh). ``every=4`` asks about every fourth concept of the word list, the same ones for all pairs. ``refresh`` computes
    anew. ``keep_latents`` keeps those as well (5 MB for 119 prompts of the demo model). The other arguments are those of ``build_prompts``.
    An interrupted run keeps its finished parts and goes on there next time.
    """
    sources = [source] if source is None or isinstance(source, str) else list(source)
    options = {"words": words, "seed": seed, "k": k, "shared_demos": shared_demos, "control": control}
    if every < 1 or not sources:
        raise DataError("run_experiment needs at least one source, and every=1 or more.")
    asked = load_words(words).index[::every]
    sets = [build_prompts(task, code, target, tokenizer=model.tokenizer, **options).about(asked) for code in sources]
    for code, prompts in zip(sources, sets):
        if not len(prompts):
            raise DataError(f"every={every} leaves no usable concept from '{code or target}' to '{target}': take a smaller number.")
    starts = [0, *accumulate(map(len, sets))]
    with reporting(progress, starts[-1]) as report:
        runs = [_answer(model, prompts, keep_latents, refresh, lambda n, s=s: report(s + n)) for prompts, s in zip(sets, starts)]
    return Decoded.concatenate(runs)


def _answer(model: Model, prompts: PromptSet, keep_latents: bool, refresh: bool, report: Callable[[int], None]) -> Decoded:
    """Return the readings of one pair, from the cache or computed; a pool shares its pairs with those who ask for one alone."""
    facts = {"model": model.identity, "prompts": [(p.concept, p.text, {c: sorted(i) for c, i in p.token_ids.items()}) for p in prompts]}
    facts |= {"latents": True} if keep_latents else {}

    def compute(rows: slice) -> Decoded:
        part = prompts[rows]
        found = decode(model, part, keep_latents=keep_latents, progress=lambda done, _: report(rows.start + done))
        if len(found) < len(part):  # stopped by the reader: half a part must not be stored as a whole one
            raise KeyboardInterrupt
        return found

    result = cache.answer(facts, len(prompts), compute, part=_PART, refresh=refresh)
    report(len(prompts))
    return result
