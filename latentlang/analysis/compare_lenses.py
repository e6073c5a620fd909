"""``compare_lenses``: the same latents through several lenses, one row per lens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from ..errors import DataError, TraceError
from ..lens.lens import Lens, require_lens
from ..lens.require import require_means
from ..lens.run import Run
from .headlines import headlines
from .phases import THRESHOLD, find_phases

_LOGIT = "logit"
_LAYERS = ("at_layer", "target_start", "target_lower", "target_upper")


def compare_lenses(
    runs: Mapping[str, Run] | Iterable[Run], lenses: Lens | Iterable[Lens] = ()
) -> pd.DataFrame:
    """Return a table that compares lenses: one row per lens, all about the same prompts.

    A finding that holds through one lens only may be the lens's own. If a fitted lens shows the
    target earlier, the target can be predicted there, which is less than that the model has it.

    Args:
        runs: the same prompts and layers of one model through several lenses: a list of runs,
            which are named by their ``run.lens``, or ``{name: run}``.
        lenses: the fitted lens of these runs, or several, for ``kl``; each belongs to the runs
            whose ``run.lens`` is its name.

    Returns:
        The index is the name of the lens. A layer is empty if there is none. The columns are
        ``n``: how many prompts;
        ``target_start``: the layer from which the target is above the pivot and above 5 % to the
        end (``find_phases`` with a floor, so that no lead near zero counts), with its 95 % interval
        from ``target_lower`` to ``target_upper`` (bootstrap over concepts), and ``target_share``,
        the share of resamples that have such a layer;
        ``pivot_peak``: the highest mean P(pivot) at any layer, with its 95 % interval (bootstrap
        over concepts) from ``lower`` to ``upper``, and its layer, ``at_layer``;
        ``kl``: how far the lens is from the model's own output at that layer: the mean KL
        divergence on held-out text, in nats (``Lens.quality``); NaN if no lens of the row was
        given, or if it measured nothing. The logit lens takes it from the first lens that did.
        Compare it at one layer, and only between lenses that are fitted to the output.

    Raises:
        DataError: for no run, two runs of one name, or runs about different prompts or models.
        TraceError: for something in ``lenses`` that is not a lens, or one of another model.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[:4]
    >>> runs = [ll.decode(model, prompts), ll.lenses.patchscope(model, prompts)]
    >>> ll.compare_lenses(runs).index.tolist()
    ['logit', 'patchscope']
    """
    named = runs_by_lens(runs)
    fitted = _lenses_of(next(iter(named.values())).model, lenses)
    rows = headlines({name: run for name, run in named.items()})[
        ["n", "target_start", "pivot_peak", "lower", "upper", "at_layer"]
    ]
    phases = [find_phases(run, floor=THRESHOLD) for run in named.values()]
    intervals = [each.target_interval or (None, None) for each in phases]
    rows["target_start"] = [each.target_start for each in phases]
    rows.insert(2, "target_lower", [low for low, _ in intervals])
    rows.insert(3, "target_upper", [high for _, high in intervals])
    rows.insert(4, "target_share", [each.target_share for each in phases])
    rows["kl"] = [
        _distance(run.lens, int(layer), fitted)
        for run, layer in zip(named.values(), rows["at_layer"])
    ]
    kinds = dict.fromkeys(_LAYERS, "Int64") | {"target_share": float}
    return rows.astype(kinds).rename_axis("lens")


def runs_by_lens(runs: Mapping[str, Run] | Iterable[Run]) -> dict[str, Run]:
    """Return runs by the name of their lens, or by the names that they have.

    Raises:
        DataError: for no run, two runs of one name, or runs that differ in more than the lens.
    """
    if isinstance(runs, Mapping):
        named = {str(name): require_means(run) for name, run in runs.items()}
    else:
        several = list(runs) if isinstance(runs, Iterable) and not isinstance(runs, Run) else [runs]
        named = {require_means(run).lens: run for run in several}
        if len(named) < len(several):
            raise DataError(
                f"Two runs are of one lens here ({', '.join(run.lens for run in several)}): name "
                "them, as in {'fitted on half': run, …}."
            )
    if not named:
        raise DataError("To compare lenses takes at least one run: pass [run, …].")
    first, *others = named.values()
    for other in others:
        ours, theirs = _subject(first), _subject(other)
        differing = [name for name in ours if ours[name] != theirs[name]]
        if differing:
            raise DataError(
                f"These runs differ in their {' and '.join(differing)}, and not only in the lens: "
                "read the same prompts with the same model through each lens."
            )
    return named


def _subject(run: Run) -> dict[str, object]:
    """Return what runs must share so that only the lens is compared."""
    return {
        "model": (run.model, run.revision, run.number_format, run.interventions),
        "prompts": (run.setting, list(run.prompts["text"]), list(run.prompts["concept"])),
        "layers": run.layers,
    }


def _lenses_of(model: str, lenses: Lens | Iterable[Lens]) -> list[Lens]:
    """Return lenses of a model, or raise ``TraceError`` for anything else."""
    fitted = [require_lens(lens) for lens in (lenses if isinstance(lenses, Iterable) else [lenses])]
    for lens in fitted:
        if lens.model != model:
            raise TraceError(
                f"The lens '{lens.name}' belongs to {lens.model}, and these runs are of {model}: "
                "pass the lenses of these runs."
            )
    return fitted


def _distance(name: str, layer: int, lenses: Iterable[Lens]) -> float:
    """Return the KL divergence of a lens from the output at a layer, or NaN if it is unknown."""
    column = "logit lens" if name == _LOGIT else "this lens"
    for lens in lenses:
        table = lens.quality
        if table is None or column not in table or name not in (_LOGIT, lens.name):
            continue
        if layer in table.index:
            return float(table.loc[layer, column])
        if layer not in lens.layers:  # the last one, which every lens reads as it is
            return 0.0
    return math.nan
