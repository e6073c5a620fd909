"""``run_sweep``: from a protocol, two language pairs and a model to a sweep kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..lens.sweep import Sweeping
from ..lens.sweep_result import Sweep
from ..models.model import Model, require_model
from ..models.stored import Stored
from ..models.whole_inquiry import SweepInquiry
from ..progress import Progress, interruptible
from .cache import Answer, Entry
from .protocols import PROTOCOLS, Material
from .stored_sweeps import stored_sweep
from .sweep_experiment import SweepExperiment, asked, fits, material_of
from .whole import alone, whole_answer

Pair = tuple[str, str]


@interruptible
def run_sweep(
    model: Model,
    protocol: str,
    source: Pair | Sequence[Pair] | str,
    into: Pair,
    *,
    every: int = 1,
    at: str | int = "last",
    onward: bool = False,
    continue_tokens: int = 0,
    seed: int = 0,
    refresh: bool = False,
    progress: Progress = True,
) -> Sweep:
    """Change prompts at each layer in turn, with controls, or take the result from the cache.

    The prompts are translations, named by their pair of languages: ``source`` gives, ``into`` is
    changed. A model whose weights are not here answers from stored answers, which are rounded as
    those of ``run_experiment``. A model whose weights have changed since it was loaded is always
    computed, and nothing is kept.

    Args:
        model: what ``load_model`` returns.
        protocol: ``"patch"`` puts the latents of a prompt of ``source`` into one of ``into``, which
            asks about another concept (Dumas et al. 2411.08745). ``"concept_mean"`` puts in the
            mean of one concept's latents over several pairs, so ``source`` may be a list of pairs;
            none may contain the target of ``into``. Its usual place is ``at="word",
            onward=True``. ``"steer"`` adds mean(``source``) − mean(``into``), made from half of the
            concepts, to the ``into`` prompts about the other half. ``"erase"`` projects the latent
            off the word of each concept in one language, so ``source`` is a code, such as ``"en"``.
        source: a pair of languages, such as ``("fr", "en")``; see ``protocol``.
        into: the pair of the prompts that are changed, such as ``("de", "zh")``.
        every: 4 asks about every fourth concept of the word list.
        at: the position: ``"last"``, ``"word"`` (the last token of the queried word) or a number.
        onward: change each layer and all later ones.
        continue_tokens: how many tokens the changed model goes on to write, at most six; see
            ``Sweep.closed``.
        seed: draws demonstrations, pairs, halves and controls.
        refresh: compute again.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        The sweep, with its controls. The labels of ``"patch"`` and ``"concept_mean"`` are those of
        ``ll.pairs``. Those of ``"steer"`` and ``"erase"`` are the codes of both languages, and
        ``"other:<code>"`` for another concept's word.

    Raises:
        DataError: for an unknown protocol or language, or too few concepts.
        ModelError: for a model without weights, if the file of the answer is damaged.
        TraceError: for a model without weights, if no stored answer fits the question.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> sweep = ll.run_sweep(model, "patch", ("fr", "en"), ("de", "zh"), every=24, progress=False)
    >>> sweep.labels, sweep.layers[-1]
    (('A in en', 'B in en', 'A in zh', 'B in zh'), 18)
    """
    inquiry = asked(
        protocol,
        source,
        into,
        every=every,
        at=at,
        onward=onward,
        continue_tokens=continue_tokens,
        seed=seed,
    )
    if isinstance(require_model(model).session, Stored):
        return stored_sweep(model, inquiry, refresh)
    return answer(model, inquiry, refresh, progress).result


def answer(model: Model, inquiry: SweepInquiry, refresh: bool, progress: Progress) -> Answer[Sweep]:
    """Return the sweep of a question from the cache, or compute it."""
    material = material_of(model, inquiry)
    experiment = SweepExperiment.of(model, inquiry, material)

    def is_about(sweep: Sweep, _: slice) -> bool:
        return fits(sweep, model, inquiry, material)

    entry = Entry(experiment.key, experiment.key, is_about, Sweep.load, alone)
    return whole_answer(model, entry, lambda: _compute(model, inquiry, material, progress), refresh)


def _compute(model: Model, inquiry: SweepInquiry, material: Material, progress: Progress) -> Sweep:
    plan = PROTOCOLS[inquiry.protocol](model, material)
    sweeping = Sweeping(
        model,
        plan.prompts,
        plan.intervention,
        onward=inquiry.onward,
        targets=plan.targets,
        controls=True,
        seed=inquiry.seed,
        continue_tokens=inquiry.continue_tokens,
    )
    sweeping.work(progress)
    sweep = sweeping.sweep()
    return replace(sweep, origin=plan.origin or sweep.origin)
