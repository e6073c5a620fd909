"""Token energy by layer."""

from __future__ import annotations

from itertools import zip_longest

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.curves import MeanCurves
from ..lens.require import require_curves
from ..lens.run import Run
from ..lens.tensors import check_same
from .fit import finish
from .layer_curves import add_curve, add_line, add_yardstick, set_layer_axis, set_scale
from .marks import mark_quiet
from .messages import share, spans
from .naming import described_model, facts, reading_name
from .style import MUTED_COLOR, PIVOT_COLOR
from .text import escape

_QUESTION = "How near does the latent point to the tokens?"
_TOKENS = 1.0  # the root mean square of the energies of the tokens themselves, by Eq. 2
_FAR = 4  # how many times the highest energy may be below 1 for the line at 1 to be drawn
_NOTE = "The tokens' own energy is 1, above this axis."


def energy(
    run: Run | MeanCurves,
    beside: Run | MeanCurves | None = None,
    ci: str = "gaussian",
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw the mean token energy by layer with its 95 % band (paper, Eq. 2).

    The yardsticks are dotted lines: random directions (root mean square), and the tokens
    themselves, whose energy is 1 (root mean square), or a sentence where the curve is far below it.

    Args:
        run: readings at one position, with energy, or published means (``data.published``).
        beside: another run of the same model and layers, whose curve is drawn in the same panel.
        ci: see ``summarize``.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a run without token energy or means, two runs that differ in model or layers,
            or an unknown theme.
    """
    figure = make_subplots(rows=1, cols=1)
    runs = [run] if beside is None else [run, beside]
    for each in runs:
        if require_curves(each).energy is None:
            raise DataError("This run has no token energy: decode with energy=True.")
    check_same([_kind(each) for each in runs])
    tables, names = [_energies(each, ci) for each in runs], _names(runs)
    if beside is None:
        add_energy(figure, tables[0], run, 1)
    else:
        _add_both(figure, runs, tables, names)
    figure.update_xaxes(title_text="layer")
    mark_quiet(figure, run.layers)
    low = max(table["mean"].max() for table in tables) * _FAR < _TOKENS
    return finish(
        figure,
        energy_message(tables, names, run.chance.get("energy")),
        _facts(runs),
        notes=[_NOTE] if low else [],
        area=280,
        theme=theme,
        width=width,
    )


def add_energy(figure: go.Figure, summary: pd.DataFrame, run: Run | MeanCurves, row: int) -> None:
    """Add the energy and its yardstick to a panel."""
    add_curve(figure, summary, run, "energy", "", row)
    part = summary[summary["quantity"] == "energy"]
    _add_tokens(figure, run, [part], row)


def _add_tokens(
    figure: go.Figure, run: Run | MeanCurves, tables: list[pd.DataFrame], row: int
) -> None:
    """Set the scale of a panel of energies, with the lines that it is compared with.

    Random directions always have one, the tokens themselves if they are near.
    """
    numbers = [x for table in tables for x in table["upper"].fillna(table["mean"])]
    if "energy" in run.chance:
        line = [run.chance["energy"]] * len(run.layers)
        name = "random directions"
        add_yardstick(figure, run.layers, line, name, name, number_format=".4~g", row=row)
        numbers.append(line[0])
    if max(numbers) * _FAR >= _TOKENS:
        line = [_TOKENS] * len(run.layers)
        name = "the tokens themselves"
        add_yardstick(figure, run.layers, line, name, "tokens", number_format=".4~g", row=row)
        numbers.append(_TOKENS)
    set_scale(figure, numbers, row)


def _add_both(
    figure: go.Figure,
    runs: list[Run | MeanCurves],
    tables: list[pd.DataFrame],
    names: list[str],
) -> None:
    """Add the energies of two runs to one panel."""
    styles = (
        {"color": PIVOT_COLOR, "dash": "solid", "symbol": "circle"},
        {"color": MUTED_COLOR, "dash": "dash", "symbol": "square"},
    )
    for table, name, style in zip(tables, names, styles):
        band = None
        if table["lower"].notna().all():
            band = (table["lower"].tolist(), table["upper"].tolist())
        add_line(
            figure,
            table["layer"].tolist(),
            table["mean"].tolist(),
            name,
            style,
            band=band,
            label=name,
            number_format=".4~g",
        )
    set_layer_axis(figure, runs[0].layers)
    figure.update_yaxes(title_text=reading_name("energy"))
    _add_tokens(figure, runs[0], tables, 1)


def _energies(run: Run | MeanCurves, ci: str) -> pd.DataFrame:
    table = summarize(run, ci)
    return table[table["quantity"] == "energy"]


def _kind(run: Run | MeanCurves) -> dict[str, object]:
    """Return what two runs must share: one title names it for both, and one axis has it."""
    layers = f"{len(run.layers)} from {run.layers[0]} to {run.layers[-1]}"
    return {"model": described_model(run), "layers": layers}


def _names(runs: list[Run | MeanCurves]) -> list[str]:
    """Return the task of each run, or what else of its setting tells it from the run beside it."""
    settings = [run.setting for run in runs]
    names = [escape(setting.task or "typed text") for setting in settings]
    if len(set(names)) < len(runs):
        parts = [setting.title.split(" · ") for setting in settings]
        others = reversed(parts)
        own = [[p for p in each if p not in other] for each, other in zip(parts, others)]
        names = [escape(" · ".join(mine or each[:1])) for mine, each in zip(own, parts)]
    return names if len(set(names)) == len(runs) else ["the first run", "the second"]


def _facts(runs: list[Run | MeanCurves]) -> list[str]:
    """Return the second line of the title, with what differs of each run, in their order."""
    lines = zip_longest(*(facts(run, _QUESTION) for run in runs), fillvalue="")
    return list(dict.fromkeys(fact for line in lines for fact in line if fact))


def energy_message(
    tables: list[pd.DataFrame], names: list[str], random: float | None = None
) -> str:
    """Return where the energy is below its yardstick, how it runs, and where two runs differ most.

    Args:
        tables: mean and upper bound by layer, a table per run.
        names: of the runs.
        random: the energy of random directions; None compares with the tokens' own.
    """
    whose, line = "random directions", random
    if line is None:
        whose, line = "the tokens themselves", _TOKENS
    curves = [table.set_index("layer") for table in tables]
    uppers = [curve["upper"].fillna(curve["mean"]) for curve in curves]
    below = pd.concat(uppers, axis=1).max(axis=1) < line
    where = "at every layer" if below.all() else f"at {spans(below.index[below])}"
    rank = f" is below that of {whose} {where}" if below.any() else ""
    if len(tables) == 1:
        mean = curves[0]["mean"]
        ends = f"lowest {mean.min():.2g} at layer {mean.idxmin()}, {mean.iloc[-1]:.2g} at the end"
        return f"Token energy{rank}: {ends}"
    one, two = (curve["mean"] for curve in curves)
    apart = (one - two).abs() / one
    most = f"they differ by at most {share(apart.max())}, at layer {apart.idxmax()}"
    return f"Token energy{rank} in {names[0]} and {names[1]}; {most}"
