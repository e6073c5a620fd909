"""The last step of every figure: its title, margins and labels are laid out for a screen.

``figure.layout.meta`` holds what the layout is made from, so that a figure of a notebook can be
laid out again for another screen:
``message``, the finding; ``facts``, what was asked and how it was measured; ``notes``, sentences
that a reader must know; ``area``, the height of the drawing without its margins; ``layers``, the
first and the last; ``quiet``, the last of the first layers in which there is nothing to see, and
``why``, what they lie below; ``columns``, the number of columns of a table, how wide one must be,
what one is and what stands below it. A figure with ``ranges`` is flat with one scale, alone or
beside a globe (``beside``).
Annotations are moved by their name: ``end`` stands beside the end of a line, ``span …`` above a
part of the layers that a shape of the same name shades, ``point`` beside a point (``points``),
``panel`` above a panel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from .beside import arrange
from .marks import wrap_panel_names
from .measure import apart, text_width, wrapped, wrapped_facts
from .points import move_points
from .style import MUTED_COLOR, TEMPLATE, subtitle, themed

USUAL = 760  # pixels: what a figure is laid out for that fills any wide container
NARROW = 480  # a phone
_TITLE, _NOTE, _LABEL = 15, 12, 12  # sizes of letters
_LINE = 1.3 * _TITLE  # Plotly sets all lines of a title as far apart as its first one asks
_EDGE = 12
_BUTTONS = [
    "toImage",
    "zoom2d",
    "pan2d",
    "select2d",
    "lasso2d",
    "zoomIn2d",
    "zoomOut2d",
    "autoScale2d",
    "resetScale2d",
    "resetViews",
    "sendChartToCloud",
]
_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 20, 50)


def finish(
    figure: go.Figure,
    message: str,
    facts: Sequence[str] = (),
    *,
    notes: Sequence[str] = (),
    area: int = 300,
    above: int = 0,
    theme: str | None = None,
    width: int | None = None,
) -> go.Figure:
    """Give a figure its title, its look and its size. Every figure of ``plots`` ends with it.

    Args:
        figure: curves, marks and axes. It is changed in place.
        message: the finding, one sentence: the first line of the title.
        facts: the question, the setting, n, the model and the interval: the second line.
        notes: sentences about what is drawn, a line each.
        area: the height of the drawing without title and margins, in pixels.
        above: room between the title and the drawing, for labels, in pixels.
        theme: see ``themed``.
        width: see ``fit``.
    """
    meta = dict(figure.layout.meta or {})
    meta |= {"message": message, "facts": list(facts), "notes": list(notes), "area": area}
    meta |= {"above": above, "muted": MUTED_COLOR}  # which a theme recolours
    figure.update_layout(template=TEMPLATE, meta=meta)
    return themed(fit(figure, width), theme)


def fit(figure: go.Figure, width: int | None = None) -> go.Figure:
    """Lay a figure out for a screen. It is changed in place, and returned.

    The title is broken into lines, labels at line ends move apart, and on a narrow screen the
    first layers are left out if there is nothing to see in them.

    Args:
        figure: any figure of ``plots``.
        width: of the figure, in pixels. None fills its container, and is laid out for 760 pixels.
    """
    meta = dict(figure.layout.meta or {})
    if "message" not in meta:
        return figure
    room = width or USUAL
    narrow = room < NARROW
    notes = [*meta["notes"], *quiet_note(meta, narrow)]
    tools = _EDGE if narrow else 90  # the buttons that appear at the top right
    lines = wrapped(meta["message"], _TITLE, room - _EDGE - tools)
    small = wrapped_facts(meta["facts"], _NOTE, room - 2 * _EDGE)
    for note in notes:
        small += wrapped(note, _NOTE, room - 2 * _EDGE)
    text = "<br>".join([*lines, *(subtitle(line, meta["muted"]) for line in small)])
    ends = [note for note in figure.layout.annotations if note.name == "end"]
    right = 14 + max([_EDGE, *(8 + text_width(note.text, _LABEL) for note in ends)])
    left, area = _left(figure, narrow), meta["area"]
    above = meta["above"] + _LINE * wrap_panel_names(figure, room - left - right)
    top = round(16 + _LINE * (len(lines) + len(small)) + above)
    bottom = 48 + (30 if "columns" in meta else 0)  # two lines of tokens, and a title
    if "ranges" in meta:
        left, area, bottom = arrange(figure, meta["ranges"], room, right)
    bottom += _legend_height(figure, room - left - right)
    height = top + area + bottom
    figure.update_layout(
        title={
            "text": text,
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "pad": {"l": _EDGE},
            "y": 1 - 24 / height,
            "yanchor": "bottom",
        },
        margin={"l": left, "r": right, "t": top, "b": bottom},
        height=height,
        width=width,
        legend={"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"},
    )
    if narrow:  # a finger has no use for buttons that cover a label
        figure.layout.modebar.remove = _BUTTONS
    if "columns" in meta:
        _set_columns(figure, meta["columns"], room - left - right)
    if "layers" in meta:
        _set_layers(figure, meta, narrow, room - left - right)
    _move_ends(figure, ends, area)
    _move_spans(figure, room - left - right)
    move_points(figure, room - left - right, area)
    return figure


def quiet_note(meta: Mapping[str, Any], narrow: bool = False) -> list[str]:
    """Return what the grey or missing layers are, in words."""
    if not meta.get("quiet"):
        return []
    first, last = meta["layers"][0], meta["quiet"]
    span = f"layer {last}" if first == last else f"layers {first}–{last}"
    if narrow and last < meta["layers"][1]:
        return [f"Not drawn: {span}, where every language is {meta['why']}."]
    return [f"Grey: {span}, where every language is {meta['why']}."] if meta["grey"] else []


def _left(figure: go.Figure, narrow: bool) -> int:
    """Return the left margin: room for a title of the axis and for its numbers or names."""
    names = [
        text_width(str(text), 11)
        for axis in figure.select_yaxes()
        for text in (axis.ticktext if axis.ticktext is not None else ())
    ]
    lines = [
        str(axis.title.text).count("<br>") + 1 for axis in figure.select_yaxes() if axis.title.text
    ]
    numbers = 36 if narrow else 42
    return round(_EDGE + max([numbers, *names]) + 16 * max([0, *lines]))


def _legend_height(figure: go.Figure, room: float) -> int:
    """Return the height of a legend, which is as wide as the drawing; 0 without one."""
    if not figure.layout.showlegend:
        return 0
    names = dict.fromkeys(trace.name for trace in figure.data if trace.showlegend is not False)
    widths = [50 + text_width(str(name), 12) for name in names if name]
    per_row = max(1, int(room // max(widths, default=1)))
    return 8 + 20 * -(-len(widths) // per_row)


def _set_layers(figure: go.Figure, meta: dict[str, Any], narrow: bool, room: float) -> None:
    """Show all layers, or on a narrow screen those in which there is something to see."""
    first, last = meta["layers"]
    if narrow and meta.get("quiet") and meta["quiet"] < last:
        first = meta["quiet"] + 1
    for axis in figure.select_xaxes():
        if not axis.range:
            continue
        share = axis.domain[1] - axis.domain[0] if axis.domain else 1
        most = max(1, room * share / 24)  # numbers side by side
        step = next((n for n in _STEPS if (last - first + 1) / n <= most), 100)
        axis.update(range=[first - 0.5, last + 0.5], tick0=0, dtick=step)


def _set_columns(figure: go.Figure, columns: Sequence[Any], room: float) -> None:
    """Show as many of the last columns of a table as there is room for."""
    count, cell, name, meaning = columns
    shown = max(1, min(count, int(room / cell)))
    part = "" if shown == count else f", the last {shown} of {count}"
    figure.update_xaxes(
        range=[count - shown - 0.5, count - 0.5],
        title_text=f"{name}{part}<br>({meaning})",
    )


def _move_ends(figure: go.Figure, ends: Sequence[Any], area: float) -> None:
    """Move the labels at line ends apart."""
    panels: dict[str, list[Any]] = defaultdict(list)
    for note in ends:
        panels[note.yref].append(note)
    for ref, notes in panels.items():
        axis = figure.layout["yaxis" + ref[1:]]
        (low, high), share = axis.range, axis.domain[1] - axis.domain[0] if axis.domain else 1
        scale = area * share / (high - low)
        wanted = [(min(max(note.y, low), high) - low) * scale for note in notes]
        sizes = [18 * (1 + note.text.count("<br>")) for note in notes]
        for note, at, place in zip(notes, wanted, apart(wanted, sizes, -8, area * share + 8)):
            note.update(y=low + at / scale, yshift=place - at, font={"size": _LABEL})


def _move_spans(figure: go.Figure, room: float) -> None:
    """Put the names of shaded layers over what is seen of them, and apart."""
    shades = {shape.name: shape for shape in figure.layout.shapes if shape.name}
    rows: dict[tuple, list[tuple]] = defaultdict(list)
    for note in figure.layout.annotations:
        if not str(note.name).startswith("span"):
            continue
        axis = figure.layout["xaxis" + note.xref[1:]]
        low, high = axis.range
        start, end = max(low, shades[note.name].x0), min(high, shades[note.name].x1)
        note.visible = start < end
        if note.visible:
            note.x = (start + end) / 2
            rows[note.xref, note.yref, note.y].append((note, axis))
    for row in rows.values():
        axis = row[0][1]
        low, high = axis.range
        length = room * (axis.domain[1] - axis.domain[0] if axis.domain else 1)
        wanted = [(note.x - low) / (high - low) * length for note, _ in row]
        sizes = [8 + text_width(note.text, _LABEL) for note, _ in row]
        for (note, _), at, place in zip(row, wanted, apart(wanted, sizes, 0, length)):
            note.update(xshift=place - at, font={"size": _LABEL})
