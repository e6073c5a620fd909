"""What figures call a model, a curve, an axis and a setting."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ..analysis.retrieval_result import Retrieval
from ..analysis.sphere import SpherePath
from ..lens.curves import MeanCurves
from ..lens.readings import READINGS
from ..lens.run import Run
from ..lens.sweep_result import Sweep
from ..models.lens_name import lens_name
from ..runs.pivot_result import PivotTest
from .messages import spans
from .text import escape, language_label, language_name

_SEEN = 0.001  # how far outside 0 to 1 a band is before a reader could see it


def facts(run: Run | MeanCurves, question: str) -> list[str]:
    """Return the second line of a title: question, setting, n, model and interval."""
    title = escape(run.setting.title)
    return [question, title, size(run), described_model(run), *averages([run])]


def sweep_facts(sweep: Sweep, question: str, mean: bool = True) -> list[str]:
    """Return the second line of a sweep's title, with what was changed, where, and from what.

    ``mean``: whether the figure shows means.
    """
    places = {"last": "the last token", "word": "the queried word"}
    place = places.get(str(sweep.at), f"position {sweep.at}")
    joint = ": " if sweep.intervention.startswith("Erase") else " from "
    origin = f"{joint}{sweep.origin}" if sweep.origin else ""
    change = escape(f"{sweep.intervention}{origin}, at {place}")
    shown = averages([sweep]) if mean else []
    title = f"into {escape(sweep.setting.title)}"
    return [question, change, title, size(sweep), described_model(sweep), *shown]


def size(run: Run | Sweep | MeanCurves | PivotTest | Retrieval) -> str:
    """Return how many prompts there are, and about how many concepts if those repeat."""
    n_concepts = len(set(run.clusters))
    concepts = "1 concept" if n_concepts == 1 else f"{n_concepts} concepts"
    pooled = f" about {concepts}" if 0 < n_concepts < len(run) else ""
    return f"n = {len(run)}{pooled}"


def band_note(drawn: pd.DataFrame) -> list[str]:
    """Return a sentence if the band of a probability leaves 0 to 1, which none can; else nothing.

    ``drawn``: the rows of a summary whose bands the figure shows, and no others.

    >>> columns = ["layer", "quantity", "lower", "upper"]
    >>> rows = [(layer, "probability", -0.01 * (layer > 1), 0.2) for layer in (1, 2, 3)]
    >>> band_note(pd.DataFrame(rows, columns=columns))
    ['Band below 0 at layers 2–3: the interval is only approximate there.']
    """
    shares = drawn[drawn["quantity"].isin(("probability", "top1"))]
    low = spans(shares.loc[shares["lower"] < -_SEEN, "layer"])
    high = spans(shares.loc[shares["upper"] > 1 + _SEEN, "layer"])
    sides = {"below 0": low, "above 1": high}
    where = [f"{side} at {layers}" for side, layers in sides.items() if layers]
    return [f"Band {' and '.join(where)}: the interval is only approximate there."] if where else []


def averages(runs: Iterable[Run | Sweep | MeanCurves | PivotTest | Retrieval]) -> list[str]:
    """Return what the curves of some runs show beside single values: a mean, an interval."""
    runs = list(runs)
    if any(len(set(run.clusters)) > 1 for run in runs):
        return ["mean and 95 % interval"]
    return ["mean"] if any(len(run) > 1 for run in runs) else []


def described_model(
    run: Run | Sweep | MeanCurves | SpherePath | PivotTest | Retrieval, lens: bool = True
) -> str:
    """Return the model of a run with its number format, and its lens if not the logit lens.

    A folder is named by its last part. Published means are not measured here, and the model says
    whose they are. ``lens``: False where a figure shows several.
    """
    name = Path(run.model).name if Path(run.model).is_absolute() else run.model
    number_format = f", {run.number_format}" if run.number_format else ""
    through = ""
    # Sweeps and pivot tests read the model's own output.
    if lens and not isinstance(run, Sweep | PivotTest) and run.lens != "logit":
        through = f", {lens_name(run.lens)}"
    origin = f" (published, {run.reference})" if isinstance(run, MeanCurves) else ""
    return escape(f"{name}{number_format}{through}{origin}")


def curve_name(run: Run | MeanCurves | SpherePath, code: str, short: bool = False) -> str:
    """Return the name of a language's curve, and say so if it belongs to a control.

    ``short``: without the language's own name, for labels. Titles use ``said_name``.
    """
    control = run.setting.control
    name = language_name(code) if short else language_label(code)
    if control == "random" and code == run.pivot:
        return f"{name}, another word"
    return f"{name}, shuffled" if control == "shuffled" else name


def said_name(run: Run | MeanCurves, code: str) -> str:
    """Return what a sentence calls a language; a control may follow another word of it."""
    name = language_name(code)
    unrelated = run.setting.control == "random" and code == run.pivot
    return f"an unrelated {name} word" if unrelated else name


def given(run: Run | MeanCurves) -> str:
    """Return what a control changes in the prompts, as a title begins; else nothing."""
    return "with wrong answers in the examples" if run.setting.control == "shuffled" else ""


def reading_name(quantity: str) -> str:
    """Return the axis title of a reading, with its unit."""
    if quantity == "top1":
        return "share of prompts with rank 1"
    return READINGS[quantity].label if quantity in READINGS else quantity
