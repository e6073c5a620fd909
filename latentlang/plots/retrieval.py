"""How often each layer tells the concept of its prompt, by the words of each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, cycle

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..analysis.intervals import simultaneous_ci
from ..analysis.retrieval_result import Retrieval
from ..errors import DataError
from .fit import finish
from .layer_curves import MOST_LABELS, add_line, add_yardstick, set_layer_axis, set_scale
from .marks import mark_quiet
from .messages import sentence, share, spans
from .naming import averages, described_model, size
from .style import SHARE_FORMAT, language_style
from .text import escape, language_label, language_name

_QUESTION = "By the words of which language can the concept be told?"
# Beside pivot, target and source, which have looks of their own.
_OTHERS = (("x", "dashdot"), ("triangle-up", "longdash"), ("star", "solid"), ("cross", "dash"))


def retrieval(
    found: Retrieval,
    languages: Sequence[str] | None = None,
    *,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Draw how often the concept is retrieved, by layer and language, with 95 % bands.

    Frequency and the preferences of the output layer cancel in these curves, which they do not in
    P(language). The dotted grey line is chance. A thin dotted line in the colour of a language is
    its ceiling: retrieval where the prompt shows the word itself. Bands are bootstrap intervals
    over concepts. The title calls a language the best only at layers at which it is certainly above
    chance and above every other language: the bands of these differences, which hold at all layers
    at once, leave zero out.

    Args:
        found: what ``ll.retrieval`` or ``ll.run_retrieval`` returns.
        languages: their codes, such as ``["en", "zh"]``; None for all.
        theme: ``"light"``, ``"dark"`` or ``"paper"``; None follows Plotly's default template.
        width: in pixels; None fills its container.

    Raises:
        DataError: for anything but a retrieval, a language that was not looked for, or an unknown
            theme.
    """
    if not isinstance(found, Retrieval):
        raise DataError(
            "This needs a retrieval, what ll.retrieval or ll.run_retrieval returns, and it is a "
            f"{type(found).__name__}: pass the retrieval itself."
        )
    found = found if languages is None else found.only(languages)
    figure = make_subplots(rows=1, cols=1)
    table, looks = found.to_frame(), _looks(found)
    legend = len(looks) > MOST_LABELS
    add_yardstick(figure, found.layers, [found.chance] * len(found.layers), "chance", "chance")
    for code, style in looks.items():
        part = table[table["language"] == code]
        if code in found.ceiling:
            _add_ceiling(figure, part["layer"].tolist(), part["ceiling"].tolist(), code, style)
        known = part["lower"].notna().all()
        add_line(
            figure,
            part["layer"].tolist(),
            part["retrieval"].tolist(),
            language_label(code),
            style,
            band=(part["lower"].tolist(), part["upper"].tolist()) if known else None,
            label="" if legend else language_name(code),
            legend=legend,
        )
    set_layer_axis(figure, found.layers)
    ends = [*table["upper"].dropna(), *table["retrieval"], *table["ceiling"], found.chance]
    set_scale(figure, ends)
    figure.update_xaxes(title_text="layer")
    figure.update_yaxes(title_text="share of prompts whose<br>concept is retrieved")
    figure.update_yaxes(tickformat=SHARE_FORMAT)
    # Not by group: plotly would put each entry on a line of its own.
    figure.update_layout(showlegend=legend, legend={"traceorder": "normal"})
    mark_quiet(figure, found.layers)
    notes = [
        "Tells the concept: above chance. Best: above the other languages too. "
        "Each by a band of the difference, 95 % for all layers at once."
    ]
    if found.ceiling:
        notes.append("Thin dotted line in a colour: the ceiling, where the prompt shows the word.")
    return finish(
        figure,
        retrieval_message(_tell(found)),
        [
            _QUESTION,
            escape(found.setting.title),
            size(found),
            described_model(found),
            *averages([found]),
        ],
        notes=notes,
        area=340,
        theme=theme,
        width=width,
    )


@dataclass(frozen=True)
class RetrievalStory:
    """What is certain of a retrieval.

    ``peaks``: of each language, by its name, the highest mean and its layer. ``told``: the layers
    at which it is certainly above chance. ``best``: those at which it is also certainly above every
    other language. ``pair``: the names of pivot and target, or of the only two languages;
    ``ahead``: the layers at which one language is certainly above another one, by both names.
    """

    peaks: Mapping[str, tuple[float, int]]
    told: Mapping[str, tuple[int, ...]]
    best: Mapping[str, tuple[int, ...]]
    pair: tuple[str, ...] = ()
    ahead: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)


def retrieval_message(story: RetrievalStory) -> str:
    """Return by which language's words the concept is told best, or that they are alike.

    >>> peaks = {"English": (0.5, 14), "Chinese": (0.48, 17)}
    >>> told = dict.fromkeys(peaks, (13, 14, 15))
    >>> retrieval_message(RetrievalStory(peaks, told, {}, ("English", "Chinese")))
    'English and Chinese words cannot be told apart: 50 % at layer 14, 48 % at 17'
    """
    if not any(story.told.values()):
        return "No layer clearly tells the concept"
    if len(story.peaks) == 1:
        ((name, layers),) = story.told.items()
        return sentence([f"{name} words tell the concept at {_reach(story, name, layers)}"])
    best = {name: layers for name, layers in story.best.items() if layers}
    parts = [
        f"{name} words tell the concept best at {_reach(story, name, layers)}"
        for name, layers in sorted(best.items(), key=lambda item: -len(item[1]))
    ]
    if not best and len(story.peaks) > 2:
        parts.append("the words of no language clearly tell the concept best")
    if story.pair and not set(story.pair) & set(best):
        parts.append(_pair_part(story))
    return sentence(parts)


def _reach(story: RetrievalStory, name: str, layers: tuple[int, ...]) -> str:
    """Return layers, and how high a language's curve is."""
    peak, at = story.peaks[name]
    if at in layers:
        return f"{spans(layers)}, up to {share(peak)}"
    return f"{spans(layers)} and reach {share(peak)} at layer {at}"


def _pair_part(story: RetrievalStory) -> str:
    """Return at which layers one of two languages is ahead of the other, or that none is."""
    first, second = story.pair
    ahead = [
        f"{one} words are ahead of {other} ones at {spans(layers)}"
        for one, other in ((first, second), (second, first))
        if (layers := story.ahead.get((one, other)))
    ]
    if ahead:
        return ", ".join(ahead)
    alike = f"{first} and {second} words cannot be told apart"
    if len(story.peaks) > 2:
        return alike
    (peak, at), (peak2, at2) = (story.peaks[name] for name in story.pair)
    return f"{alike}: {share(peak)} at layer {at}, {share(peak2)} at {at2}"


def _tell(found: Retrieval) -> RetrievalStory:
    """Return what is certain of a retrieval."""
    codes, layers = found.languages, found.layers
    peaks, told = {}, {}
    for code, values in found.retrieved.items():
        mean = values.double().mean(0)
        place = int(mean.argmax())
        peaks[code] = (float(mean[place]), layers[place])
        _, lower, _ = simultaneous_ci(values.double() - found.chance, clusters=found.clusters)
        told[code] = {layer for layer, bound in zip(layers, lower.tolist()) if bound > 0}
    best = {code: set(told[code]) for code in codes}
    ahead = {}
    for one, two in combinations(codes, 2):
        gap = found.difference(one, two)
        ahead[one, two] = {*gap.index[gap["lower"] > 0]}
        ahead[two, one] = {*gap.index[gap["upper"] < 0]}
        best[one] &= ahead[one, two]
        best[two] &= ahead[two, one]
    pair: tuple[str, ...] = (found.pivot, found.target)
    if pair not in ahead:
        pair = codes if len(codes) == 2 else ()
    return RetrievalStory(
        peaks={language_name(code): peak for code, peak in peaks.items()},
        told={language_name(code): tuple(sorted(some)) for code, some in told.items()},
        best={language_name(code): tuple(sorted(some)) for code, some in best.items()},
        pair=tuple(map(language_name, pair)),
        ahead={
            (language_name(one), language_name(two)): tuple(sorted(some))
            for (one, two), some in ahead.items()
        },
    )


def _looks(found: Retrieval) -> dict[str, dict]:
    """Return the colour, dash and marker of each language; further ones differ in the last two."""
    source = found.setting.sources[0] if found.setting.sources else ""
    known, others = (found.pivot, found.target, source), cycle(_OTHERS)
    looks = {}
    for code in found.languages:
        style = language_style(code, found.target, found.pivot, source)
        if code not in known:
            symbol, dash = next(others)
            style |= {"symbol": symbol, "dash": dash}
        looks[code] = style
    return looks


def _add_ceiling(
    figure: go.Figure, layers: Sequence[int], values: Sequence[float], code: str, style: dict
) -> None:
    """Add a thin dotted line without marks."""
    figure.add_scatter(
        x=layers,
        y=values,
        name=f"ceiling ({language_name(code)})",
        mode="lines",
        opacity=0.6,
        line={"color": style["color"], "dash": "dot", "width": 1.25},
        showlegend=False,
        hovertemplate=f"%{{y:{SHARE_FORMAT}}}",
    )
