"""``run_experiment``: from a task, a language pair and a model to a run that is kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..lens.decode import Decoding
from ..lens.run import Run
from ..models.model import Model, require_model
from ..progress import Progress, reporting
from ..prompts.build import build_prompts
from ..prompts.prompt import PromptSet
from ..prompts.words import load_words
from . import cache
from .experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

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
    words: pd.DataFrame | str | None = None,
    every: int = 1,
    keep_latents: bool = False,
    refresh: bool = False,
    progress: Progress = True,
) -> Run:
    """Read every layer for all prompts of one experiment, or take the result from the cache.

    An interrupted run keeps its finished parts and continues there next time. A stored full run
    also answers for every n-th concept.

    Args:
        model: what ``load_model`` returns.
        task, source, target, seed, k, shared_demos, control, words: as ``build_prompts`` takes
            them. ``source`` may be a list of languages, whose prompts are pooled (the paper pools
            de, fr and ru to zh).
        every: 4 asks about every fourth concept of the word list, the same ones for all pairs.
        keep_latents: keep the latents as well (5 MB for 119 prompts of the default model).
        refresh: compute again, even if a result is stored.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        The run, with readings ``[n_prompts, n_layers]`` at the position that predicts the answer.

    Raises:
        DataError: for prompts that cannot be built.
        TraceError: for a model without weights, if no stored result answers the question.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "fr", "de", every=100, progress=False)
    >>> run.setting.title, run.layers[-1]
    ('translation fr → de', 18)
    """
    sources = [source] if source is None or isinstance(source, str) else list(source)
    if not isinstance(every, int) or every < 1 or not sources:
        raise DataError(
            "run_experiment needs at least one source, and every=1 or more, a whole number."
        )
    if len(set(map(str, sources))) < len(sources):
        raise DataError(f"A source stands twice in {sources}: its prompts would count twice.")
    options = {
        "words": words,
        "seed": seed,
        "k": k,
        "shared_demos": shared_demos,
        "control": control,
    }
    questions = [
        Question.of(model, task, code, target, every=every, keep_latents=keep_latents, **options)
        for code in sources
    ]
    starts = [0, *accumulate(len(question.prompts) for question in questions)]
    with reporting(progress, starts[-1]) as report:

        def report_from(start: int) -> Callable[[int], None]:
            return lambda done: report(start + done)

        runs = [
            question.answer(refresh, report_from(start))
            for question, start in zip(questions, starts)
        ]
    return Run.concatenate(runs)


@dataclass(frozen=True)
class Question:
    """One pair: the prompts to read, and all prompts that the pair has."""

    model: Model
    whole: PromptSet
    prompts: PromptSet
    keep_latents: bool = False

    @classmethod
    def of(
        cls,
        model: Model,
        task: str,
        source: str | None = None,
        target: str = "zh",
        *,
        every: int = 1,
        keep_latents: bool = False,
        words: pd.DataFrame | str | None = None,
        **options: Any,
    ) -> Question:
        """Return the question of one source, from the arguments of ``run_experiment``."""
        require_model(model)
        whole = build_prompts(
            task, source, target, tokenizer=model.tokenizer, words=words, **options
        )
        prompts = whole.about(load_words(words).index[::every])
        if not len(prompts):
            raise DataError(
                f"every={every} leaves no usable concept from '{source or target}' to '{target}': "
                "take a smaller number."
            )
        return cls(model, whole, prompts, keep_latents)

    @property
    def experiment(self) -> Experiment:
        """The experiment of the prompts to read."""
        return Experiment.of(self.model, self.prompts, keep_latents=self.keep_latents)

    def answer(self, refresh: bool, report: Callable[[int], None]) -> Run:
        """Return the run from the cache, or compute it.

        A stored run of the whole pair also answers for a part of its prompts.
        """
        stored = None if refresh else self._stored()
        if stored is None and self.model.traced is None:
            self.model.trace()  # raises the reason
        if stored is None:
            key, count = self.experiment.key, len(self.prompts)
            stored = cache.answer(key, count, self._compute(report), part=_PART, refresh=refresh)
        report(len(self.prompts))
        return stored

    def _stored(self) -> Run | None:
        if len(self.prompts) < len(self.whole):
            whole = Experiment.of(self.model, self.whole, keep_latents=self.keep_latents)
            if (run := cache.find(whole.key)) is not None:
                concepts = {prompt.concept for prompt in self.prompts}
                return run[[concept in concepts for concept in run.prompts["concept"]]]
        return cache.find(self.experiment.key) if self.model.traced is None else None

    def _compute(self, report: Callable[[int], None]) -> Callable[[slice], Run]:
        experiment = self.experiment

        def compute(rows: slice) -> Run:
            reading = Decoding(
                self.model,
                self.prompts[rows],
                top_k=experiment.top_k,
                keep_latents=experiment.keep_latents,
            )
            reading.work(lambda done, _: report(rows.start + done))
            return reading.run()

        return compute
