"""What a changed model answers, prompt by prompt and layer by layer."""

from __future__ import annotations

from statistics import median_low

import plotly.graph_objects as go
import torch
from jaxtyping import Int
from torch import Tensor

from ..lens.require import require_sweep
from ..lens.sweep_result import Sweep
from .fit import finish
from .marks import mark_quiet
from .naming import sweep_facts
from .style import PAPER, colored
from .sweep_labels import answers_of, letters_note, looks
from .text import escape, percent

_ROW = 17  # pixels
_SEEN = 0.1  # as in ``summarize``: from here on a word takes part in a mean
_QUESTION = "Which answer is ahead when one layer is changed?"


def sweep_grid(sweep: Sweep, *, theme: str | None = None, width: int | None = None) -> go.Figure:
    """Draw one row per prompt and one column per changed layer: which answer is ahead there.

    The colour is that of the language of the label that is most probable, and the letter in the
    cell says whose word it is. The stronger the colour, the more probable the answer; cells below
    10 % have a dot. The rows whose answer changes first stand on top. The hover gives all
    labels.

    Args:
        sweep: what ``ll.sweep`` or ``ll.run_sweep`` returns; about 50 prompts are readable.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for anything but a sweep with prompts, or an unknown theme.
    """
    chances = torch.stack(list(require_sweep(sweep).probability.values()), -1).double()
    before = torch.stack(list(sweep.baseline.values()), -1).double().argmax(-1)
    first = _first_changes(sweep, chances.argmax(-1), chances.amax(-1), before)
    order = sorted(range(len(sweep)), key=lambda row: (first[row] or 1 + sweep.layers[-1], row))
    order.reverse()  # Plotly draws the first row at the bottom
    best, strength = chances.argmax(-1)[order], chances.amax(-1)[order]
    hover = _hovers(sweep, chances[order])
    figure = go.Figure()
    styles = looks(sweep)
    for place, (label, answer) in enumerate(answers_of(sweep).items()):
        chosen = best == place
        figure.add_heatmap(
            z=[[v if yes else None for v, yes in zip(*row)] for row in _rows(strength, chosen)],
            text=[
                ["" if not yes else answer.short if v >= _SEEN else "·" for v, yes in zip(*row)]
                for row in _rows(strength, chosen)
            ],
            customdata=hover,
            x=list(sweep.layers),
            y=list(range(len(sweep))),
            name=answer.name,
            zmin=0,
            zmax=1,
            colorscale=[[0, PAPER], [1, styles[label]["color"]]],
            showscale=False,
            texttemplate="%{text}",
            textfont={"size": 10},
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="layer %{x}<br>%{customdata}<extra></extra>",
        )
    names = _names(sweep)
    figure.update_yaxes(
        tickvals=list(range(len(sweep))),
        ticktext=[names[row] for row in order],
        range=[-0.5, len(sweep) - 0.5],
        showgrid=False,
    )
    axis = "first layer that is changed" if sweep.onward else "layer that is changed"
    ends = [sweep.layers[0] - 0.5, sweep.layers[-1] + 0.5]
    figure.update_xaxes(title_text=axis, showgrid=False, range=ends)
    figure.update_layout(hovermode="closest", meta={"cells": "prompts and changed layers"})
    mark_quiet(figure, sweep.layers)
    return finish(
        figure,
        grid_message(first),
        sweep_facts(sweep, _QUESTION, mean=False),
        notes=[
            _marks(sweep, styles),
            *(f"{note} Each row is A → B." for note in letters_note(sweep.labels)),
        ],
        area=_ROW * max(4, len(sweep)),
        theme=theme,
        width=width,
    )


def grid_message(first: list[int | None]) -> str:
    """Return in how many prompts the answer changes, and where it does so first.

    Args:
        first: of each prompt the first layer whose change makes another answer the most probable
            one, with 10 % or more; None if there is none.

    >>> grid_message([8, None, 9, 12])
    'The answer changes in 3 of 4 prompts, first at layer 9 (median)'
    """
    changed = [layer for layer in first if layer is not None]
    prompts = f"{len(first)} prompt{'s' if len(first) > 1 else ''}"
    if not changed:
        return f"No layer changes the answer in any of {prompts}"
    median = " (median)" if len(changed) > 1 else ""
    layer = median_low(changed)
    return f"The answer changes in {len(changed)} of {prompts}, first at layer {layer}{median}"


def _first_changes(
    sweep: Sweep,
    best: Int[Tensor, "prompt layer"],
    strength: Tensor,
    before: Int[Tensor, " prompt"],
) -> list[int | None]:
    """Return the first layer at which each prompt clearly has another answer, or None."""
    changed = (best != before[:, None]) & (strength >= _SEEN)
    return [sweep.layers[row.index(True)] if any(row) else None for row in changed.tolist()]


def _rows(strength: Tensor, chosen: Tensor) -> list[tuple[list[float], list[bool]]]:
    return list(zip(strength.tolist(), chosen.tolist()))


def _names(sweep: Sweep) -> list[str]:
    """Return what each row is called: its concept, and the one that is put into it."""
    if "source_concept" not in sweep.prompts:
        return [escape(concept) for concept in sweep.prompts["concept"]]
    pairs = zip(sweep.prompts["source_concept"], sweep.prompts["concept"])
    return [escape(f"{a} → {b}" if a else b) for a, b in pairs]


def _hovers(sweep: Sweep, chances: Tensor) -> list[list[str]]:
    """Return the hover of each cell: every label, and how probable it is."""
    names = [answer.name for answer in answers_of(sweep).values()]
    return [
        ["<br>".join(f"{name}  {percent(p)}" for name, p in zip(names, cell)) for cell in row]
        for row in chances.tolist()
    ]


def _marks(sweep: Sweep, styles: dict[str, dict]) -> str:
    """Return a legend in words: one square per label."""
    squares = [
        colored(f"■ {answer.name}", styles[label]["color"])
        for label, answer in answers_of(sweep).items()
    ]
    return f"{' '.join(squares)} · the stronger, the more probable; · is below 10 %"
