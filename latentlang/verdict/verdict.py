"""``verdict``: four hypotheses, what each predicts, and what a model shows."""

from __future__ import annotations

from dataclasses import replace

from ..errors import DataError, LatentLangError
from ..models.model import Model, require_model
from ..progress import Progress
from ..prompts.setting import PIVOT
from ..prompts.words import language
from ..runs.pivot_experiment import asked_pivot
from .experiments import Experiments
from .hypotheses import PREDICTIONS, Prediction
from .measures import MEASURES
from .quantities import QUANTITIES
from .result import Row, Verdict
from .rule import Measured


def verdict(
    model: Model,
    source: str,
    target: str,
    *,
    every: int = 1,
    seed: int = 0,
    progress: Progress = True,
) -> Verdict:
    """Hold four hypotheses about the English in the middle layers against a model.

    The hypotheses are an English pivot, a shared hub, a copy of the source word, and an artefact of
    the lens. Each predicts some quantities of five experiments: readings, retrieval, the linear
    lens, patching and erasing. They are run through the public functions, so that a result in the
    cache or a stored answer serves. If an experiment is out of reach, its rows say so, with the
    reason.

    Each row says for, against or undecided by one rule, from a 95 % interval over concepts and the
    smallest effect that counts. Of twenty such intervals one misses by chance, and rows of one
    experiment go together: read the rows, and do not add them up.

    Source: our design; the critiques behind it are those of Wu et al. (arXiv 2411.04986), Dumas et
    al. (arXiv 2411.08745) and Bayazit et al. (arXiv 2609.00155).

    Args:
        model: what ``load_model`` returns.
        source, target: two languages other than English.
        every: 4 asks about every fourth concept of the word list. The linear lens is fitted without
            the concepts of ``every=4``; with others it has seen some of them.
        seed: draws demonstrations, pairs, halves and controls.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        One row per hypothesis and prediction: ``Verdict.table()``.

    Raises:
        DataError: for an unknown language, or the pivot as source or target.

    >>> import latentlang as ll
    >>> from latentlang.models.stored import stored_model
    >>> qwen = stored_model("qwen2.5-coder-1.5b-instruct")
    >>> table = ll.verdict(qwen, "fr", "de", every=4, progress=False).table()
    >>> print(table.loc[0, "prediction"], table.loc[0, "verdict"])
    In the middle, English is more probable than German. for
    """
    require_model(model)
    inquiry = asked_pivot(source, target, every=every, seed=seed)
    if PIVOT in (source, target) or source == target:
        raise DataError(
            f"A verdict is about two different languages other than '{PIVOT}', and not about "
            f"'{source}' and '{target}': choose others."
        )
    made = Experiments(model, inquiry, progress)
    measured = {name: _measured(name, made) for name in QUANTITIES}
    names = {
        part: ", ".join(language(code)["name"] for code in codes)
        for part, codes in made.languages.items()
    }
    return Verdict(
        model=model.name,
        number_format=model.format_title,
        source=source,
        target=target,
        pivot=PIVOT,
        every=every,
        seed=seed,
        rows=tuple(_row(each, measured[each.quantity], names) for each in PREDICTIONS),
    )


def _measured(name: str, made: Experiments) -> Measured | str:
    """Return a quantity, or the sentence that says why it could not be measured."""
    try:
        return MEASURES[name](made)
    except LatentLangError as error:
        return str(error)


def _row(prediction: Prediction, measured: Measured | str, names: dict[str, str]) -> Row:
    """Return a row whose texts name the languages."""
    quantity = QUANTITIES[prediction.quantity]
    named = replace(prediction, sentence=prediction.sentence.format(**names))
    shown = replace(quantity, compares=quantity.compares.format(**names))
    if isinstance(measured, str):
        return Row(named, shown, None, measured)
    return Row(named, shown, measured)
