"""A question to a model about one pair of languages, and its answer from the cache."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..lens.run import Run
from ..models.model import Model, require_model
from ..prompts.build import build_prompts
from ..prompts.prompt import PromptSet
from ..prompts.words import load_words
from . import cache
from .cache import Answer, Entry
from .experiment import Experiment, fits
from .fitted import LOGIT, Through

if TYPE_CHECKING:
    import pandas as pd

_PART = 64  # prompts stored at a time: about a quarter of a minute on two CPU cores


@dataclass(frozen=True)
class Question:
    """One pair: the prompts to read, and all prompts that the pair has."""

    model: Model
    whole: PromptSet
    prompts: PromptSet
    keep_latents: bool = False
    follow: bool = False
    through: Through = LOGIT

    @classmethod
    def of(
        cls,
        model: Model,
        task: str,
        source: str | None = None,
        target: str = "zh",
        *,
        every: int = 1,
        concepts: Sequence[str] = (),
        keep_latents: bool = False,
        follow: bool = False,
        words: pd.DataFrame | str | None = None,
        **options: Any,
    ) -> Question:
        """Return the question of one source, from the arguments of ``run_experiment``."""
        require_model(model)
        whole = build_prompts(
            task, source, target, tokenizer=model.tokenizer, words=words, **options
        )
        prompts = whole.about(load_words(words).index[::every])
        if concepts:  # the index says of which one no prompt asks, and why
            prompts = whole.about(prompt.concept for prompt in whole[list(concepts)])
        if not len(prompts):
            raise DataError(
                f"every={every} leaves no usable concept from '{source or target}' to '{target}': "
                "take a smaller number."
            )
        return cls(model, whole, prompts, keep_latents, follow)

    @property
    def name(self) -> str:
        """The name of the entry that answers it."""
        return self._entry(self.prompts).name

    def answer(self, refresh: bool, report: Callable[[int], None]) -> Answer[Run]:
        """Return the run from the cache, or compute it.

        A stored run of the whole pair also answers for a part of its prompts.
        """
        model, count = self.model, len(self.prompts)
        own = self._entry(self.prompts)
        if model.session.changed:
            warnings.warn(
                f"The weights of {model.name} have changed since they were loaded: "
                "this result is computed, and it is not kept.",
                stacklevel=5,
            )
            return Answer(self._compute(report)(slice(0, count)), own, time.time_ns())
        entries = {entry.name: entry for entry in (self._entry(self.whole), own)}
        stored = None if refresh else cache.find(entries.values())
        if stored is None and model.traced is None:
            model.trace()  # raises the reason
        if stored is None:
            stored = cache.answer(
                own,
                count,
                self._compute(report),
                part=_PART,
                refresh=refresh,
                still_waiting=lambda: report(0),
            )
        report(count)
        if stored.entry is own:
            return stored
        concepts = {prompt.concept for prompt in self.prompts}
        run = stored.result
        rows = [concept in concepts for concept in run.prompts["concept"]]
        return replace(stored, result=run[rows])

    def _entry(self, prompts: PromptSet) -> Entry[Run]:
        """Return the place of the answer about some prompts of the pair."""
        lens, kept = self.through, self.keep_latents
        asked = Experiment.of(self.model, prompts, keep_latents=kept, lens=lens.key)

        def about(run: Run, rows: slice) -> bool:
            return fits(run, self.model, prompts[rows], kept, self.follow, lens.name)

        # To follow tokens changes no number: the experiment is the same, and its answer holds more.
        name = f"{asked.key}-followed" if self.follow else asked.key
        return Entry(name, self._subject, about, Run.load, Run.concatenate)

    @cached_property
    def _subject(self) -> str:
        """What a refresh makes outdated: all that was read of the pair."""
        return Experiment.of(self.model, self.whole, lens=self.through.key).key

    def _compute(self, report: Callable[[int], None]) -> Callable[[slice], Run]:
        def compute(rows: slice) -> Run:
            reading = self.through.reading(
                self.model,
                self.prompts[rows],
                top_k=Experiment.top_k,
                positions=Experiment.positions,
                keep_latents=self.keep_latents,
                follow=self.follow,
            )
            reading.work(lambda done, _: report(rows.start + done))
            return reading.run()

        return compute
