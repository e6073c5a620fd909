"""``pivot_test``: is the pivot's word used, or only seen? Erase it, and compare with controls."""

from __future__ import annotations

from ..analysis.paired import VISIBLE
from ..lens.changed_answers import changed_answers, moved
from ..lens.decode import decode
from ..lens.inputs import Inputs
from ..lens.run import Run
from ..models.model import Model, require_model
from ..models.stored import Stored
from ..models.whole_inquiry import PivotInquiry
from ..progress import Progress, interruptible, reporting
from .cache import Answer, Entry
from .pivot_conditions import conditions
from .pivot_experiment import PivotExperiment, PivotMaterial, asked_pivot, material_of_pivot
from .pivot_result import COLUMNS, PivotTest
from .stored_pivots import fits_pivot, stored_pivot
from .whole import alone, whole_answer


@interruptible
def pivot_test(
    model: Model,
    source: str,
    target: str,
    *,
    every: int = 1,
    seed: int = 0,
    refresh: bool = False,
    progress: Progress = True,
) -> PivotTest:
    """Erase the pivot's word where it leads, read the answer, and do the same with controls.

    The latent of the last token is projected off the word's directions, at all layers at which
    English leads the target in the logit lens (mean over prompts; a lead below 1 % does not count).
    The layers are chosen on one half of the concepts, and the effect is measured on the other half.
    If English leads nowhere, they are the layer of its peak and the one on either side. Near
    cognates are left out.

    A word's directions are the rows of the folded unembedding of the tokens that begin it. The
    controls are described in ``PivotTest``. If English is used, erasing it takes more from the
    answer than every control does. An effect that other languages share does not speak for a pivot,
    and without an effect the lens reads something that the model does not use.

    The answer is kept on disk as that of ``run_sweep``, and a model whose weights are not here
    answers from stored answers.

    Source: our design; the nearest published ones are Lu et al. (arXiv 2505.20546) and Gurnee et
    al. (arXiv 2607.15495).

    Args:
        model: what ``load_model`` returns.
        source, target: two languages other than English.
        every: 4 asks about every fourth concept of the word list.
        seed: draws demonstrations, halves and controls.
        refresh: compute again.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        P(target) for each condition and each concept of the measured half.

    Raises:
        DataError: for an unknown language, the pivot as source or target, or too few concepts.
        ModelError: for a model without weights, if the file of the answer is damaged.
        TraceError: for a model without weights, if no stored answer fits the question.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> test = ll.pivot_test(model, "de", "zh", every=24, progress=False)
    >>> test.conditions[:3]
    ('en word', 'en word orthogonal', 'another en word')
    """
    inquiry = asked_pivot(source, target, every=every, seed=seed)
    if isinstance(require_model(model).session, Stored):
        return stored_pivot(model, inquiry, refresh)
    return _answer(model, inquiry, refresh, progress).result


def _answer(
    model: Model, inquiry: PivotInquiry, refresh: bool, progress: Progress
) -> Answer[PivotTest]:
    """Return the test of a question from the cache, or compute it."""
    material = material_of_pivot(model, inquiry)
    key = PivotExperiment.of(model, inquiry, material).key

    def is_about(test: PivotTest, _: slice) -> bool:
        return fits_pivot(test, model, material)

    entry = Entry(key, key, is_about, PivotTest.load, alone)
    return whole_answer(model, entry, lambda: _compute(model, inquiry, material, progress), refresh)


def _compute(
    model: Model, inquiry: PivotInquiry, material: PivotMaterial, progress: Progress
) -> PivotTest:
    n, measured = len(material.chosen), material.measured
    with reporting(progress, n + len(measured)) as report:
        lens = decode(model, material.chosen, energy=False, progress=lambda done, _: report(done))
        layers, leads = layers_of(lens)
        named = conditions(model, material, layers, inquiry.seed)
        changes = {name: condition.erase for name, condition in named.items()}
        after = changed_answers(model, measured, changes, lambda done: report(n + done))
        first = {name: condition.erase[0] for name, condition in named.items()}
        lengths = moved(model, measured, first, layers[0])
    return PivotTest(
        model=model.name,
        setting=measured.setting,
        layers=layers,
        leads=leads,
        chosen_on=tuple(prompt.concept for prompt in material.chosen),
        prompts=Inputs.of(measured, None).table[list(COLUMNS)],
        baseline=after.pop(""),
        erased=after,
        cosine={name: condition.cosine for name, condition in named.items()},
        moved=lengths,
        number_format=model.format_title,
        revision=model.revision,
    )


def layers_of(lens: Run) -> tuple[tuple[int, ...], bool]:
    """Return the layers at which the pivot leads the target in a run, and True.

    If it leads nowhere: the layer of its peak with the one on either side, and False.
    """
    pivot, target = (lens.probability[code].double().mean(0) for code in lens.pair)
    leads = (pivot > target) & (pivot >= VISIBLE)
    if leads.any():
        places = leads.nonzero()[:, 0].tolist()
    else:
        peak = int(pivot.argmax())
        places = [place for place in (peak - 1, peak, peak + 1) if 0 <= place < len(pivot)]
    return tuple(lens.layers[place] for place in places), bool(leads.any())
