"""The atlas: one row per model, what was measured here beside what is published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pandas as pd

from ..analysis.headlines import headlines
from ..analysis.phases import first_lasting
from ..errors import DataError, TraceError
from ..lens.sweep_result import Sweep
from ..models.model import Model, require_model
from ..progress import Progress
from ..runs.experiments import run_experiment
from ..runs.results import results
from ..runs.sweeps import run_sweep
from .verdict import verdict

# The patch that says when language and concept are decided: these prompts, into those prompts.
GIVEN, INTO = ("fr", "en"), ("de", "zh")
LENSES = ("linear", "patchscope")  # beside the logit lens
PAIR = ("fr", "zh")  # of the rows that ship with latentlang
MODELS = ("gemma-3-270m", "qwen2.5-coder-1.5b-instruct")
_LEAD = "pivot retrieved beyond others"
COLUMNS = (
    "model",
    "kind",
    "pair",
    "n",
    "pivot_depth",
    "pivot_peak",
    *(f"{lens}_peak" for lens in LENSES),
    "language_depth",
    "concept_depth",
    "retrieval_lead",
    "unopposed",
    "not_measured",
    "finding",
    "source",
    "grade",
)


def measure(
    model: Model, source: str, target: str, *, every: int = 4, progress: Progress = True
) -> pd.DataFrame:
    """Return the row of a model in the atlas, from the cache, from stored answers or computed.

    Args:
        model: what ``load_model`` returns.
        source, target: two languages other than English.
        every: 4 asks about every fourth concept of the word list.
        progress: as ``verdict`` takes it.

    Returns:
        One row of the atlas. A cell is empty if its experiment cannot be made. ``language_depth``
        and ``concept_depth`` are of one patch, fr → en into de → zh, whatever the pair is.

    Raises:
        DataError: for an unknown language, or the pivot as source or target.
        TraceError: for a model without weights that has no answer about this pair.
    """
    require_model(model)
    found = verdict(model, source, target, every=every, progress=progress)
    asked: dict[str, Any] = {"every": every, "progress": progress}

    def peak(lens: str | None) -> tuple[int, pd.Series]:
        run = run_experiment(model, "translation", source, target, lens=lens, **asked)
        run = run.without_cognates()
        return len(run), headlines({"": run}).iloc[0]

    n, shown = peak(None)
    through = dict.fromkeys(LENSES, math.nan)
    for lens in LENSES:
        with suppress(DataError, TraceError):  # not stored, or not to be read this way
            through[lens] = peak(lens)[1]["pivot_peak"]
    lead = next(row.measured for row in found.rows if row.prediction.quantity == _LEAD)
    language, concept = math.nan, math.nan
    with suppress(DataError, TraceError):  # not stored, or too few right answers
        language, concept = patch_depths(run_sweep(model, "patch", GIVEN, INTO, **asked))
    row = {
        "model": model.name,
        "kind": "measured",
        "pair": f"{source} → {target}",
        "n": n,
        "pivot_depth": shown["at_layer"] / model.n_layers,
        "pivot_peak": shown["pivot_peak"],
        **{f"{lens}_peak": height for lens, height in through.items()},
        "language_depth": language,
        "concept_depth": concept,
        "retrieval_lead": math.nan if lead is None else lead.value,
        "unopposed": ", ".join(found.unopposed) or "none",
        "not_measured": int(found.counts()["not measured"].sum()),
        "finding": "",
        "source": f"measured with latentlang, every={every}",
        "grade": model.format_title,
    }
    return pd.DataFrame([row], columns=list(COLUMNS))


def patch_depths(sweep: Sweep) -> tuple[float, float]:
    """Return from which depth on a patch decides the language and the concept of the answer.

    Depth is the layer divided by the number of layers; NaN if there is none. The language is
    decided from the first layer after which words in the language of the given prompts are more
    probable than those in the language of the changed ones, to the end. The concept is decided from
    the first layer after which the given concept (A) is more probable than the asked one (B), to
    the end.

    Args:
        sweep: of the protocol ``"patch"``, with the labels of ``ll.pairs``.

    Raises:
        DataError: for a sweep with other labels.
    """
    means = {label: values.double().mean(0) for label, values in sweep.probability.items()}
    languages = dict.fromkeys(
        label[len("A in ") :] for label in means if label.startswith(("A in ", "B in "))
    )
    given = [code for code in languages if code != sweep.target]
    if len(given) != 1 or sweep.target not in languages:
        raise DataError(
            "Depths are those of a patch from one language into another: pass what "
            "ll.run_sweep(model, 'patch', ...) returns."
        )
    ((new,), old) = given, sweep.target
    by_language = {code: means[f"A in {code}"] + means[f"B in {code}"] for code in (new, old)}
    by_concept = {name: means[f"{name} in {new}"] + means[f"{name} in {old}"] for name in "AB"}
    starts = (
        first_lasting(by_language[new] > by_language[old], sweep.layers),
        first_lasting(by_concept["A"] > by_concept["B"], sweep.layers),
    )
    language, concept = (
        math.nan if start is None else start / sweep.layers[-1] for start in starts
    )
    return language, concept


def atlas(measured: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the atlas: measured rows, and below them those that papers publish.

    ``data/README.md`` says what the columns are.

    Args:
        measured: what ``measure`` returns, one table per model.

    >>> table = atlas([])
    >>> print(*table.loc[0, ["model", "kind", "pivot_depth"]])
    Llama-2 7B published 0.72
    """
    rows = results("atlas_published").assign(kind="published").reindex(columns=list(COLUMNS))
    parts = [*measured, rows.astype(object)]  # columns without a number have no kind of their own
    return pd.concat(parts, ignore_index=True).convert_dtypes()
