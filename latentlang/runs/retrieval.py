"""``run_retrieval``: from a task, a pair and any languages to what each layer tells in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..analysis.retrieval import retrieval
from ..analysis.retrieval_result import Retrieval
from ..lens.decoding import Decoding
from ..lens.lens import Lens
from ..models.model import Model, require_model
from ..models.stored import Stored
from ..progress import Progress, interruptible, reporting
from .cache import Entry
from .fitted import lens_of
from .retrieval_experiment import (
    RetrievalExperiment,
    RetrievalMaterial,
    asked_retrieval,
    fits_retrieval,
    material_of_retrieval,
)
from .stored_retrievals import stored_retrieval
from .whole import alone, whole_answer

if TYPE_CHECKING:
    import pandas as pd


@interruptible
def run_retrieval(
    model: Model,
    task: str,
    source: str | None,
    target: str,
    languages: Sequence[str],
    *,
    lens: Lens | str | None = None,
    words: pd.DataFrame | str | None = None,
    every: int = 1,
    refresh: bool = False,
    progress: Progress = True,
) -> Retrieval:
    """Read in which languages each layer tells the concept of its prompt, without their bias.

    The same concepts are looked for in all languages. A concept is left out if two of its words
    (of the source, the target and the languages) are spelled alike or begin with one token, because
    a copy of one would count for the other; or if a language has no word or token for it.
    ``ceiling`` is measured with the repetition task of each language, about the same concepts.

    The answer is kept on disk. A model whose weights have changed since it was loaded is always
    computed, and nothing is kept. A model whose weights are not here answers from stored answers.

    Args:
        model: what ``load_model`` returns.
        task, source, target, words: as ``build_prompts`` takes them.
        languages: any codes, such as ``["en", "zh", "es"]``.
        lens: what maps each latent before it is read, or its name, as in ``run_experiment``; None
            is the logit lens.
        every: 4 asks about every fourth concept of the word list.
        refresh: compute again.
        progress: True for a bar, or a function that is called with (done, total).

    Raises:
        DataError: for an unknown language, or fewer than two concepts.
        ModelError: for a model without weights, if the file of the answer is damaged.
        TraceError: The model cannot be read, or the lens belongs to another one; for a model
            without weights, if no stored answer fits the question.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> ask = {"every": 60, "progress": False}
    >>> found = ll.run_retrieval(model, "translation", "ru", "zh", ["en", "es"], **ask)
    >>> found.languages, found.setting.title
    (('en', 'es'), 'translation ru → zh')
    """
    inquiry = asked_retrieval(task, source, target, languages, every=every)
    if isinstance(require_model(model).session, Stored):
        beyond = {"lens": lens is not None, "words": words is not None, "refresh": refresh}
        return stored_retrieval(model, inquiry, beyond)
    material = material_of_retrieval(
        model,
        task,
        source,
        target,
        inquiry.codes,
        every=inquiry.every,
        words=words,
    )
    # A fit takes minutes, and a wrong question none.
    chosen = None if lens is None else lens_of(model, lens, progress)
    if chosen is not None:
        chosen.warn_of_shared(prompt.concept for prompt in material.prompts)
    key = RetrievalExperiment.of(model, material, chosen).key

    def is_about(found: Retrieval, _: slice) -> bool:
        return fits_retrieval(found, model, material, chosen)

    entry = Entry(key, key, is_about, Retrieval.load, alone)
    return whole_answer(
        model, entry, lambda: _compute(model, material, chosen, progress), refresh
    ).result


def _compute(
    model: Model, material: RetrievalMaterial, lens: Lens | None, progress: Progress
) -> Retrieval:
    """Read the prompts of the task in all languages, then each language's own repetitions."""
    repeated = material.repeated
    sets = [(material.prompts, [*repeated]), *((each, [code]) for code, each in repeated.items())]
    parts: list[Retrieval] = []
    with reporting(progress, sum(len(prompts) for prompts, _ in sets)) as report:
        done = 0
        for prompts, codes in sets:
            tokens = {
                code: [material.tokens[code][prompt.concept] for prompt in prompts]
                for code in codes
            }
            watch = sorted(frozenset().union(*(ids for rows in tokens.values() for ids in rows)))
            reading = Decoding(model, prompts, lens=lens, top_k=1, watch=watch, energy=False)
            reading.work(_from(done, report))
            parts.append(retrieval(reading.run(), tokens))
            done += len(prompts)
    found, *alone_in = parts
    ceiling = {code: each.retrieved[code] for code, each in zip(repeated, alone_in)}
    return replace(found, ceiling=ceiling)


def _from(start: int, report: Callable[[int], None]) -> Callable[[int, int], None]:
    """Return a report of one set of prompts, of which ``start`` were read before."""
    return lambda done, _: report(start + done)
