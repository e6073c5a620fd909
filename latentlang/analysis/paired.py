"""Two curves, compared inside each prompt, with a band that holds at several layers at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, near
from ..lens.layers import layer_number
from ..lens.require import require_finite, require_rows
from ..lens.run import Run
from ..lens.sweep_result import Sweep
from .intervals import simultaneous_ci

VISIBLE = 0.01  # a mean probability below which a lead means nothing


def paired_difference(
    run: Run | Sweep,
    a: str,
    b: str | None = None,
    *,
    other: Run | Sweep | None = None,
    layers: Iterable[int] | None = None,
) -> pd.DataFrame:
    """Return P(a) − P(b) by layer with a 95 % band: does one curve lead the other?

    The difference is taken inside each prompt, before averaging: the same prompts stand behind both
    curves, so that bands of the single curves settle nothing.

    Many layers are many looks. With 18 intervals of 95 %, some layer often leaves zero out by
    chance. The band is therefore simultaneous: where no layer has a difference, it leaves
    zero out *somewhere* in about 5 % of the cases (max-t bootstrap over concepts,
    ``simultaneous_ci``; Montiel Olea and Plagborg-Møller 2019, "Simultaneous confidence bands:
    Theory, implementation, and an application to SVARs", Journal of Applied Econometrics 34).

    Layers that you fix before you see the curves, such as ``layers=[16]``, are fewer looks and give
    a narrower band; one layer gives an ordinary interval. Layers that you choose because the curves
    lie apart there are not fixed in advance: leave ``layers`` out.

    As for every mean of few prompts, the band is too narrow where very few words make the mean. Of
    85 words let one in twenty have 50 %, and all others next to nothing, at 18 layers that go
    together. Against an even curve with the same true mean, zero is then outside the band somewhere
    in 25 to 50 % of the samples, and the curve of few words seems to trail. That such a curve
    *leads* is a false alarm in less than 1 %: trust a lead of few words more than a lead over them.
    Where all probabilities are next to nothing, as in low layers, single words make both means, and
    false alarms are the rule. So a layer at which neither mean reaches 1 % shows no lead, whatever
    its band says.

    Args:
        run: readings at one position, or a sweep, whose labels stand for languages.
        a: the language of the first curve, or a yardstick such as ``"other:en"``.
        b: the language of the second curve. May be left out with ``other``: then it is ``a``.
        other: a second run or sweep, from which the second curve is taken, such as a control. Its
            prompts are paired with those of ``run`` by concept and source language; prompts without
            a partner are left out.
        layers: those fixed in advance; None for all.

    Returns:
        One row per layer (the index). ``first`` and ``second``: the two means; ``difference``:
        first − second, with its band from ``lower`` to ``upper``; ``survives``: whether zero is
        outside the band and a mean reaches 1 %; ``leads``: the curve that then leads, ``"first"``
        or ``"second"``, or an empty text; ``n``: how many prompts. With a single concept the bounds
        are NaN, and nothing survives. Where all prompts have the same difference, it is both
        bounds.

    Raises:
        DataError: for one curve only, a language or layer that a run does not have, runs without a
            shared prompt, or a number that is not finite.

    The first layer at which English leads, if there is one:

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "de", "zh", every=4, progress=False)
    >>> table = ll.metrics.paired_difference(run, "en", "zh")
    >>> table.index[table["leads"] == "first"].tolist()[:1]
    [13]
    """
    run, second = require_rows(run), b or a
    if other is None:
        if second == a:
            raise DataError(
                "A difference needs two curves: name two languages, such as "
                "paired_difference(run, 'en', 'zh'), or a second run with other=."
            )
        other = run
    else:
        run, other = _partners(run, require_rows(other))
    wanted = _shared_layers(run, other, layers)
    x, y = _curve(run, a, wanted), _curve(other, second, wanted)
    mean, lower, upper = simultaneous_ci(x - y, clusters=run.clusters)
    table = pd.DataFrame(
        {
            "first": x.mean(0).tolist(),
            "second": y.mean(0).tolist(),
            "difference": mean.tolist(),
            "lower": lower.tolist(),
            "upper": upper.tolist(),
        },
        index=pd.Index(wanted, name="layer"),
    )
    leads = pd.Series("", index=table.index)
    visible = table[["first", "second"]].max(axis=1) >= VISIBLE
    leads[visible & (table["lower"] > 0)] = "first"
    leads[visible & (table["upper"] < 0)] = "second"
    return table.assign(survives=leads != "", leads=leads, n=len(run))


def _partners(run: Run | Sweep, other: Run | Sweep) -> tuple[Run | Sweep, Run | Sweep]:
    """Return the prompts of two runs that have a partner in the other, in the same order."""
    here, there = _rows(run), _rows(other)
    shared = [key for key in here if key in there]
    if not shared:
        raise DataError(
            "The two runs have no concept from the same source language in common, so that nothing "
            "can be paired: run both on the same concepts and source."
        )
    return run[[here[key] for key in shared]], other[[there[key] for key in shared]]


def _rows(run: Run | Sweep) -> dict[tuple, int]:
    """Return the row of each prompt by its concept (or text), its source and its turn.

    The turn counts prompts about one concept from one source.
    """
    rows: dict[tuple, int] = {}
    turns: Counter[tuple] = Counter()
    columns = (run.prompts[name] for name in ("concept", "text", "source"))
    for row, (concept, text, source) in enumerate(zip(*columns)):
        key = (concept or text, source)
        turns[key] += 1
        rows[*key, turns[key]] = row
    return rows


def _shared_layers(run: Run | Sweep, other: Run | Sweep, layers: Iterable[int] | None) -> list[int]:
    """Return the layers that are asked for, in the order of the run."""
    try:
        wanted = set(map(layer_number, run.layers if layers is None else layers))
    except TypeError:
        raise DataError(f"layers is a list of layer numbers, such as [16], not {layers}.") from None
    shared = [layer for layer in run.layers if layer in other.layers]
    missing = wanted - set(shared)
    if missing or not wanted:
        said = ", ".join(map(str, sorted(missing))) or "no layer"
        raise DataError(
            f"layers asks for {said}, and these readings have the layers "
            f"{', '.join(map(str, shared)) or 'none in common'}: choose among them."
        )
    return [layer for layer in shared if layer in wanted]


def _curve(run: Run | Sweep, code: str, layers: list[int]) -> Float[Tensor, "prompt layer"]:
    """Return P(language) of every prompt at some layers, in double precision."""
    if code not in run.probability:
        known = run.labels if isinstance(run, Sweep) else run.languages
        raise DataError(
            f"This run follows no language '{code}'.{near(code, known)} "
            f"It has {', '.join(known) or 'none'}."
        )
    places = [run.layers.index(layer) for layer in layers]
    return require_finite(run.probability[code][:, places].double(), f"P({code})")
