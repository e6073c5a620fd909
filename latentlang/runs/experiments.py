"""``run_experiment``: from a task, a language pair and a model to a run that is kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..lens.lens import Lens
from ..lens.run import Run
from ..models.model import Model, require_model
from ..models.stored import Stored
from ..numbers import whole_number
from ..progress import Progress, interruptible, reporting
from .experiment import Experiment
from .fitted import through
from .question import Question
from .stored import stored_run

if TYPE_CHECKING:
    import pandas as pd


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
    concepts: str | Sequence[str] = (),
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
        concepts: asks about these, in the order of the word list, instead of every n-th.
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
    names = (concepts,) if isinstance(concepts, str) else tuple(concepts)
    if names and every > 1:
        raise DataError("Both every= and concepts= say what to ask about: leave one of them out.")
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
        about = {"every": every, "concepts": names, "lens": name}
        return stored_run(model, task, sources, target, about, beyond, follow, **options)
    if lens == "patchscope" and keep_latents:
        raise DataError("The Patchscope keeps no latents: leave keep_latents or lens out.")
    options |= {"words": words, "every": every, "concepts": names}
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
