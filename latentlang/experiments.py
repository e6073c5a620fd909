"""Experiments: a task, a language pair and a model in; readings out, kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from . import cache
from .data import load_words
from .decoded import Decoded
from .errors import DataError, TraceError
from .lens import decode
from .models import Model
from .progress import Progress, reporting
from .prompts import PromptSet, build_prompts
from .stored import StoredModel

_PART = 64  # prompts stored at a time: about a quarter of a minute on two CPU cores


def run_experiment(
    model: Model | StoredModel,
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
    An interrupted run keeps its finished parts and goes on there next time. Where the result of all concepts is stored, it
    answers for every fourth one as well. Raises ``TraceError`` for a ``StoredModel`` asked what was not computed beforehand.
    """
    sources = [source] if source is None or isinstance(source, str) else list(source)
    options = {"words": words, "seed": seed, "k": k, "shared_demos": shared_demos, "control": control}
    if every < 1 or not sources:
        raise DataError("run_experiment needs at least one source, and every=1 or more.")
    sets = [build_prompts(task, code, target, tokenizer=model.tokenizer, **options) for code in sources]
    concepts = load_words(words).index[::every]
    questions = [_Question(model, prompts, prompts.about(concepts), keep_latents) for prompts in sets]
    for code, question in zip(sources, questions):
        if not len(question.prompts):
            raise DataError(f"every={every} leaves no usable concept from '{code or target}' to '{target}': take a smaller number.")
    starts = [0, *accumulate(len(question.prompts) for question in questions)]
    with reporting(progress, starts[-1]) as report:
        runs = [question.answer(refresh, lambda n, s=s: report(s + n)) for question, s in zip(questions, starts)]
    return Decoded.concatenate(runs)


def entry_name(model: Model, task: str, source: str | None = None, target: str = "zh", *, every: int = 1) -> str:
    """Return the name under which ``run_experiment`` with these arguments, and else its defaults, keeps the result of one pair."""
    prompts = build_prompts(task, source, target, tokenizer=model.tokenizer)
    return _Question(model, prompts, prompts.about(load_words().index[::every]), False).name(part=True)


@dataclass(frozen=True)
class _Question:
    """One pair: the prompts that are asked for, out of all that the pair has."""

    model: Model | StoredModel
    whole: PromptSet
    prompts: PromptSet
    keep_latents: bool

    def facts(self, part: bool) -> dict:
        """Return everything that changes the numbers of the prompts asked for, or of the whole pair."""
        asked = self.prompts if part else self.whole
        facts = {"model": self.model.identity}
        facts["prompts"] = [(p.concept, p.text, {c: sorted(i) for c, i in p.token_ids.items()}) for p in asked]
        return facts | ({"latents": True} if self.keep_latents else {})

    def name(self, part: bool) -> str:
        return cache.key(self.facts(part))

    def answer(self, refresh: bool, report: Callable[[int], None]) -> Decoded:
        """Return the readings from the cache, where the whole pair answers for a part of it, or compute them."""
        stored = None
        if not refresh:
            if len(self.prompts) < len(self.whole) and (stored := cache.find(self.name(part=False))) is not None:
                wanted = {p.concept for p in self.prompts}
                stored = stored[[concept in wanted for concept in stored.prompts["concept"]]]
            elif self.model.traced is None:
                stored = cache.find(self.name(part=True))
        if stored is None and self.model.traced is None:
            raise TraceError(self.model.unusable)
        if stored is None:
            stored = cache.answer(self.facts(part=True), len(self.prompts), self._compute(report), part=_PART, refresh=refresh)
        report(len(self.prompts))
        return stored

    def _compute(self, report: Callable[[int], None]) -> Callable[[slice], Decoded]:
        def compute(rows: slice) -> Decoded:
            part = self.prompts[rows]
            found = decode(self.model, part, keep_latents=self.keep_latents, progress=lambda done, _: report(rows.start + done))
            if len(found) < len(part):  # stopped by the reader: half a part must not be stored as a whole one
                raise KeyboardInterrupt
            return found

        return compute
