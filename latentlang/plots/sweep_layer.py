"""What a model answers when one chosen layer is changed."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from ..errors import DataError
from ..lens.require import require_sweep
from ..lens.sweep_result import Sweep
from .fit import finish
from .messages import FLOOR, sentence, share
from .naming import sweep_facts
from .style import INK, SHARE_FORMAT
from .sweep_labels import answers_of, letters_note, looks
from .text import escape, isolate

_ROW = 38  # pixels
_LEAST = 1e-4  # a probability that a bar names
_QUESTION = "What does the model answer when this layer is changed?"


def sweep_layer(
    sweep: Sweep,
    layer: int,
    words: Mapping[str, str] | None = None,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw the mean probability of each labelled answer as a bar, at one changed layer.

    An open diamond is the same answer without a change.

    Args:
        sweep: what ``ll.sweep`` or ``ll.run_sweep`` returns.
        layer: its number.
        words: the word behind each label, ``{label: word}``, if there is just one.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for a layer that was not changed, anything but a sweep, or an unknown theme.
    """
    one = require_sweep(sweep).between(layer, layer)
    after = {label: float(values.double().mean()) for label, values in one.probability.items()}
    before = {label: float(values.double().mean()) for label, values in one.baseline.items()}
    styles, names = (
        looks(sweep),
        {label: answer.name for label, answer in answers_of(sweep).items()},
    )
    for label, word in (words or {}).items():
        if label not in names:
            raise DataError(f"This sweep has no label '{label}': it has {', '.join(names)}.")
        names[label] = f"{names[label]}<br>{escape(isolate(word))}"
    figure = go.Figure()
    figure.add_bar(
        x=list(after.values()),
        y=list(names.values()),
        orientation="h",
        name=f"layer {layer} changed",
        marker={"color": [styles[label]["color"] for label in after]},
        text=[f"\u2002\u2002{_rounded(value)}" for value in after.values()],  # off the diamonds
        textposition="outside",
        cliponaxis=False,
        hovertemplate=f"%{{x:{SHARE_FORMAT}}}",
        width=0.55,
    )
    figure.add_scatter(
        x=list(before.values()),
        y=list(names.values()),
        orientation="h",
        mode="markers",
        name="without a change",
        marker={"symbol": "diamond-open", "color": INK, "size": 10, "line": {"width": 1.5}},
        hovertemplate=f"without a change: %{{x:{SHARE_FORMAT}}}",
        cliponaxis=False,
    )
    figure.update_xaxes(title_text="probability", range=[-0.02, 1.12], tickformat=".0%", dtick=0.25)
    shown = list(names.values())
    figure.update_yaxes(tickvals=shown, ticktext=shown, autorange="reversed", showgrid=False)
    figure.update_layout(hovermode="closest", showlegend=False)
    notes = [*letters_note(sweep.labels), "Open diamonds: without a change."]
    told = [answer.name for answer in answers_of(sweep).values()]
    return finish(
        figure,
        layer_message(layer, dict(zip(told, after.values())), dict(zip(told, before.values()))),
        sweep_facts(sweep, _QUESTION, mean=False) + (["mean"] if len(sweep) > 1 else []),
        notes=[" ".join(notes)],
        area=_ROW * max(4, len(after)),
        theme=theme,
        width=width,
    )


def _rounded(value: float) -> str:
    return share(value) if value >= _LEAST else "< 0.01 %"


def layer_message(layer: int, after: Mapping[str, float], before: Mapping[str, float]) -> str:
    """Return which answer is highest when a layer is changed, and what became of the one before.

    >>> after, before = {"A": 0.66, "B": 0.1}, {"A": 0.0, "B": 0.6}
    >>> layer_message(13, after, before)
    'With layer 13 changed, A is highest: 66 %; B falls from 60 % to 10 %'
    """
    best = max(after, key=lambda name: after[name])
    if after[best] < FLOOR:
        return f"With layer {layer} changed, none of these words reaches 1 %"
    first = f"with layer {layer} changed, {best} is highest: {share(after[best])}"
    answer = max(before, key=lambda name: before[name])
    if answer == best or before[answer] < FLOOR:
        return sentence([first])
    fall = f"from {share(before[answer])} to {_rounded(after[answer])}"
    return sentence([first, f"{answer} falls {fall}"])
