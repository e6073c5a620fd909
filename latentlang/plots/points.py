"""Labels beside the points that they name: moved so that none covers another or the points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import plotly.graph_objects as go

from .measure import text_width
from .style import PAPER

Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels
Point = tuple[float, float]
_LABEL, _LINE = 12, 16
_REACHES = (14, 22, 32, 44)  # how far a label may stand from its point, in pixels
_CROWD = 10  # pixels: a point nearer to one that has a label has none
_TURNS = [n * math.pi / 8 for n in range(16)]
# A rim in the colour of the paper, under the letters.
_HALO = f"<span style='paint-order: stroke; stroke: {PAPER}; stroke-width: 3px'>{{}}</span>"
_HALF_FIELD = math.tan(math.pi / 8)  # Plotly's camera sees 45 degrees


def label(text: str, color: str, **place: Any) -> dict:
    """Return an annotation that ``move_points`` finds a place for, with a short line to its point.

    The earlier of two labels keeps its place; one that finds none is hidden, and so is one whose
    point is too near to a labelled one. ``place``: x, y and z for a globe; x, y, xref and yref for
    a flat figure.
    """
    return {
        "name": "point",
        "text": _HALO.format(text),
        "font": {"size": _LABEL, "color": color},
        "arrowcolor": color,
        "arrowwidth": 0.7,
        "arrowhead": 0,
        "standoff": 3,
        "borderpad": 0,
        **place,
    }


def move_points(figure: go.Figure, room: float, area: float) -> None:
    """Give every label at a point its place.

    Args:
        figure: with axes that have ranges, and a camera where there is a globe.
        room: how wide the drawing is without margins, in pixels.
        area: how high it is.
    """
    layout = figure.layout
    notes = [note.to_plotly_json() for note in layout.annotations]
    if any(note.get("name") == "point" for note in notes):
        x, y = layout.xaxis, layout.yaxis
        width, height = room * _share(x.domain), area * _share(y.domain)
        see = partial(_on_axes, tuple(x.range), tuple(y.range), width, height)
        layout.annotations = _settled(notes, see, width, height)
    notes = [note.to_plotly_json() for note in layout.scene.annotations]
    if notes:
        scene = layout.scene
        width, height = room * _share(scene.domain.x), area * _share(scene.domain.y)
        ranges = [scene[f"{name}axis"].range for name in "xyz"]
        eye = [scene.camera.eye[name] for name in "xyz"]
        see = partial(_by_camera, ranges, eye, width, height)
        layout.scene.annotations = _settled(notes, see, width, height)


def _share(domain: Sequence[float] | None) -> float:
    return domain[1] - domain[0] if domain else 1.0


def _on_axes(
    x: Sequence[float], y: Sequence[float], width: float, height: float, note: dict
) -> Point:
    """Return where a point is in its panel, in pixels from the lower left corner."""
    across, up = (note["x"] - x[0]) / (x[1] - x[0]), (note["y"] - y[0]) / (y[1] - y[0])
    return across * width, up * height


def _by_camera(
    ranges: Sequence[Sequence[float]], eye: Sequence[float], width: float, height: float, note: dict
) -> Point:
    """Return where the camera sees a point, in pixels from the lower left corner of the scene."""
    at = [(note[name] - low) / (high - low) - 0.5 for name, (low, high) in zip("xyz", ranges)]
    far = math.hypot(*eye)
    ahead = [-value / far for value in eye]
    level = math.hypot(ahead[0], ahead[1])
    right = [ahead[1] / level, -ahead[0] / level, 0.0]
    up = [-ahead[2] * ahead[0] / level, -ahead[2] * ahead[1] / level, level]
    scale = height / 2 / _HALF_FIELD / (far + _dot(at, ahead))
    return width / 2 + scale * _dot(at, right), height / 2 + scale * _dot(at, up)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other))


def _box(middle: Point, text: str) -> Box:
    """Return the box of a text around its middle."""
    half, rise = text_width(text, _LABEL) / 2 + 1, _LINE / 2 * (1 + text.count("<br>"))
    return middle[0] - half, middle[1] - rise, middle[0] + half, middle[1] + rise


def _settled(
    notes: list[dict], see: Callable[[dict], Point], width: float, height: float
) -> list[dict]:
    """Return annotations of which those at points stand at the first free place around them."""
    taken = [_box(see(note), note["text"]) for note in notes if note.get("name") != "point"]
    points = [see(note) for note in notes if note.get("name") == "point"]
    marks = [(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    settled: list[dict] = []
    named: list[Point] = []
    for note in notes:
        if note.get("name") == "point":
            point, place = see(note), None
            if all(math.dist(point, other) >= _CROWD for other in named):
                place = _place(note["text"], point, marks, taken, (0, 0, width, height))
            note |= {"visible": place is not None, "showarrow": True}
            if place is not None:
                named.append(point)
                taken.append(_box(place, note["text"]))
                note |= {"ax": place[0] - point[0], "ay": point[1] - place[1]}
        settled.append(note)
    return settled


def _place(
    text: str, point: Point, marks: Sequence[Box], taken: Sequence[Box], room: Box
) -> Point | None:
    """Return the middle of a label that covers no other, nor does its line, and few marks."""
    best, fewest = None, 3
    for reach in _REACHES:
        for turn in _TURNS:
            half = text_width(text, _LABEL) / 2
            across = (reach + half - 6) * math.cos(turn)
            middle = point[0] + across, point[1] + reach * math.sin(turn)
            box = _box(middle, text)
            inside = room[0] <= box[0] and room[1] <= box[1]
            inside = inside and box[2] <= room[2] and box[3] <= room[3]
            parts = [box, *_line(point, middle)]
            if not inside or any(_meet(part, other) for part in parts for other in taken):
                continue
            covered = sum(_meet(box, mark) for mark in marks)
            if covered < fewest:
                best, fewest = middle, covered
        if fewest == 0:
            break
    return best


def _line(start: Point, end: Point) -> list[Box]:
    """Return the line between a point and its label as a row of small boxes."""
    steps = [n / 8 for n in range(8)]
    places = [[a + (b - a) * step for a, b in zip(start, end)] for step in steps]
    return [(x - 1, y - 1, x + 1, y + 1) for x, y in places]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
