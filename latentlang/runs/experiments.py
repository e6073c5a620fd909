"""``run_experiment``: from a task, a language pair and a model to a run that is kept on disk."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..lens.lens import Lens
from ..lens.run import Run
from ..models.model import Model, require_model
from ..models.stored import Stored
from ..numbers import whole_number
from ..progress import Progress, interruptible, reporting
from ..prompts.build import build_prompts
from ..prompts.prompt import PromptSet
from ..prompts.words import load_words
from . import cache
from .cache import Answer, Entry
from .experiment import Experiment, fits
from .fitted import LOGIT, Through, through
from .stored import stored_run

if TYPE_CHECKING:
    import pandas as pd

_PART = 64  # prompts stored at a time: about a quarter of a minute on two CPU cores


@interruptible
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
    overlap: str | None = None,
    words: pd.DataFrame | str | None = None,
    every: int = 1,
    lens: Lens | str | None = None,
    keep_latents: bool = False,
    follow: bool = False,
    refresh: bool = False,
    progress: Progress = True,
) -> Run:
    """Read every layer for all prompts of one experiment, or take the result from the cache.

    An interrupted run keeps its finished parts and continues there next time. A stored full run
    also answers for every n-th concept. Of several stored results the newest one answers. A model
    whose weights have changed since it was loaded is always computed, and nothing is kept.

    A model whose weights are not here answers from stored answers instead, which are rounded to
    half precision: to about three digits, and never more than 0.0002 in a probability.

    Args:
        model: what ``load_model`` returns.
        task, source, target, seed, k, shared_demos, control, overlap, words: as ``build_prompts``
            takes them. ``source`` may be a list of languages, whose prompts are pooled (the paper
            pools de, fr and ru to zh).
        every: 4 asks about every fourth concept of the word list, the same ones for all pairs.
        lens: what maps each latent before it is read, as in ``decode``; None is the logit lens. A
            name, ``"linear"``, ``"tuned"`` or ``"jacobian"``, stands for a lens that is fitted the
            first time and kept on disk (on two CPU cores the default model takes half a minute,
            five minutes, and about an hour); no sentence of its text is about the concepts of
            ``every=4``. ``"patchscope"`` fits nothing (``ll.lenses.patchscope``).
        keep_latents: keep the latents as well (5 MB for 119 prompts of the default model).
        follow: keep ``run.followed`` as well, as in ``decode``. Stored answers that hold it return
            it in any case.
        refresh: compute again, and let no older result about this pair answer any more.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        The run, with readings ``[n_prompts, n_layers]`` at the position that predicts the answer.

    Raises:
        DataError: for prompts that cannot be built.
        ModelError: for a model without weights, if the file of the answer is damaged.
        TraceError: for a model without weights, if no stored answer fits the question.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "fr", "de", every=100, progress=False)
    >>> run.setting.title, run.layers[-1]
    ('translation fr → de', 18)
    """
    several = isinstance(source, Iterable) and not isinstance(source, str)
    sources: list[Any] = list(source or ()) if several else [source]
    if not sources:
        raise DataError(
            "run_experiment needs at least one source: pass 'fr', for example, or ['de', 'fr']."
        )
    every = whole_number("every", every, 1)
    if len(set(map(str, sources))) < len(sources):
        raise DataError(f"A source stands twice in {sources}: its prompts would count twice.")
    options: dict[str, Any] = {
        "seed": seed,
        "k": k,
        "shared_demos": shared_demos,
        "control": control,
        "overlap": overlap,
    }
    if isinstance(require_model(model).session, Stored):
        beyond = {
            "words": words is not None,
            "lens": isinstance(lens, Lens),
            "keep_latents": keep_latents,
            "refresh": refresh,
        }
        name = lens if isinstance(lens, str) else Experiment.lens
        return stored_run(model, task, sources, target, every, beyond, follow, name, **options)
    if lens == "patchscope" and keep_latents:
        raise DataError("The Patchscope keeps no latents: leave keep_latents or lens out.")
    options |= {"words": words, "every": every}
    options |= {"keep_latents": keep_latents, "follow": follow}
    questions = [Question.of(model, task, code, target, **options) for code in sources]
    read = through(model, lens, progress)  # a fit takes minutes, and a wrong question none
    questions = [replace(question, through=read) for question in questions]
    if read.lens is not None:
        read.lens.warn_of_shared(p.concept for question in questions for p in question.prompts)
    starts = [0, *accumulate(len(question.prompts) for question in questions)]
    with reporting(progress, starts[-1]) as report:

        def report_from(start: int) -> Callable[[int], None]:
            return lambda done: report(start + done)

        runs = [
            question.answer(refresh, report_from(start)).result
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
