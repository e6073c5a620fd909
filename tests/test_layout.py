"""Figures fit: texts are broken, labels keep apart, themes recolour, quiet layers are left out."""

from __future__ import annotations

import json
import random
import re
from itertools import pairwise

import planted
import plotly.io as pio
import pytest

import latentlang as ll
from latentlang.plots.measure import apart, text_width, wrapped, wrapped_facts
from latentlang.plots.style import THEMES, phase_colors

WIDTHS = (1400, 768, 390)
DRAW = {
    "language_probability": ll.plots.language_probability,
    "logarithmic": lambda run, **o: ll.plots.language_probability(run, scale="logarithmic", **o),
    "phases": ll.plots.phases,
    "difference": ll.plots.difference,
    "energy": ll.plots.energy,
    "two energies": lambda run, **o: ll.plots.energy(run, run, **o),
    "rank": lambda run, **o: ll.plots.reading(run, "rank", **o),
    "words": ll.plots.words,
    "pair_grid": lambda run, **o: ll.plots.pair_grid({("fr", "zh"): run, ("de", "ru"): run}, **o),
    "anatomy": lambda run, **o: ll.plots.anatomy({"a": run, "b": run}, **o),
    "lens_panel": lambda run, **o: ll.plots.lens_panel({"a": run, "b": run}, **o),
    "retrieval": lambda _, **o: ll.plots.retrieval(planted.planted_retrieval("source best"), **o),
}


@pytest.fixture(scope="module")
def run() -> ll.Run:
    return planted.planted(planted.RUNS["copy"] | planted.OTHER)


@pytest.mark.parametrize("seed", range(30))
def test_labels_move_apart_and_no_further_than_they_must(seed):
    rng = random.Random(seed)
    places = [rng.uniform(0, 200) for _ in range(rng.randint(1, 6))]
    sizes = [rng.uniform(5, 30) for _ in places]
    moved = apart(places, sizes, 0, 200)
    ends = sorted((at - size / 2, at + size / 2) for at, size in zip(moved, sizes))
    assert ends[0][0] >= -1e-9 and ends[-1][1] <= 200 + 1e-9
    assert all(first[1] <= second[0] + 1e-9 for first, second in pairwise(ends))
    wanted = sorted((at - size / 2, at + size / 2) for at, size in zip(places, sizes))
    inside = wanted[0][0] >= 0 and wanted[-1][1] <= 200
    if inside and all(first[1] <= second[0] for first, second in pairwise(wanted)):
        assert moved == pytest.approx(places)


def test_two_labels_that_meet_share_the_way():
    assert apart([50, 50], [20, 20], 0, 100) in ([40, 60], [60, 40])
    assert apart([0, 0], [20, 20], 0, 100) == [10, 30]
    assert apart([100, 100], [20, 20], 0, 100) == [70, 90]


def test_a_text_is_broken_into_lines_that_fit_and_nothing_is_lost():
    text = "English rises to 9 % at layer 16; Chinese leads from 17"
    lines = wrapped(text, 15, 200)
    assert " ".join(lines) == text and all(text_width(line, 15) <= 200 for line in lines)
    facts = ["Which language?", "translation fr → zh", "n = 9", "a model, float32"]
    lines = wrapped_facts(facts, 12, 180)
    assert " · ".join(lines) == " · ".join(facts)
    assert all(text_width(line, 12) <= 180 for line in lines)


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("width", WIDTHS)
def test_labels_at_line_ends_do_not_meet(run, name, width):
    figure = DRAW[name](run, width=width)
    assert figure.layout.width == width
    margin = figure.layout.margin
    area = figure.layout.height - margin.t - margin.b
    panels: dict[str, list[float]] = {}
    for note in figure.layout.annotations:
        if note.name == "end":
            axis = figure.layout["yaxis" + note.yref[1:]]
            (low, high), (bottom, top) = axis.range, axis.domain or (0, 1)
            at = (note.y - low) / (high - low) * (top - bottom) * area + note.yshift
            panels.setdefault(note.yref, []).append(at)
            assert text_width(note.text, 12) + note.xshift <= margin.r
    for places in map(sorted, panels.values()):
        assert all(second - first >= 18 - 1e-6 for first, second in pairwise(places))


@pytest.mark.parametrize("name", DRAW)
def test_every_curve_is_named_in_the_figure(run, name):
    figure = DRAW[name](run, width=768)
    texts = " ".join(note.text for note in figure.layout.annotations) + figure.layout.title.text
    axes = " ".join(str(axis.title.text) for axis in figure.select_yaxes())
    words = re.sub("<[^>]*>| ", " ", texts + axes)
    legend = [trace.name for trace in figure.data if figure.layout.showlegend]
    for trace in figure.data:
        if trace.type != "scatter" or trace.fill == "toself" or trace.mode == "text":
            continue
        if trace.name in legend:
            continue
        if name in ("pair_grid", "anatomy"):  # a legend in words, by colour
            assert trace.line.color in figure.layout.title.text or "entropy" in trace.name
        else:
            said = {trace.name, trace.name.split(" (")[0], "another word"}
            assert any(each in words for each in said) or name == "difference", trace.name


@pytest.mark.parametrize("name", ["language_probability", "phases"])
def test_a_phone_shows_the_layers_in_which_there_is_something(run, name):
    wide, phone = (DRAW[name](run, width=width) for width in (1400, 390))
    axis = phone.layout.xaxis.range
    hidden = int(axis[0] + 0.5) - 1
    means = {code: run.probability[code].mean(0) for code in run.languages}
    assert hidden >= 4 and axis[1] == wide.layout.xaxis.range[1] == 18.5
    assert all(curve[:hidden].max() <= 0.01 for curve in means.values())
    assert any(curve[hidden] > 0.01 for curve in means.values())
    assert wide.layout.xaxis.range[0] == 0.5
    said = re.sub("<br>", " ", re.sub("<[/ ]?span[^>]*>", "", phone.layout.title.text))
    assert (
        f"Not drawn: layers 1–{hidden}, where every language is below 1 % or below another word."
        in said
    )
    again = ll.plots.fit(phone, 1400)
    assert again.layout.xaxis.range == wide.layout.xaxis.range
    assert again.layout.title.text == wide.layout.title.text


def test_a_run_in_which_all_is_quiet_is_drawn_whole(run):
    low = {code: values * 1e-6 for code, values in run.probability.items()}
    figure = ll.plots.language_probability(run.with_readings(probability=low), width=390)
    assert figure.layout.xaxis.range == (0.5, 18.5)


@pytest.mark.parametrize(
    "name", ["phases", "words", "pair_grid", "anatomy", "lens_panel", "retrieval"]
)
@pytest.mark.parametrize("theme", ["dark", "paper"])
def test_a_theme_changes_colours_and_nothing_else(run, name, theme):
    plain, drawn = DRAW[name](run), DRAW[name](run, theme=theme)
    text = plain.to_json()
    for old, new in THEMES[theme].items():
        text = text.replace(old, f"§{new[1:]}")
    assert json.loads(text.replace("§", "#")) == json.loads(drawn.to_json())
    again = ll.plots.fit(drawn)
    assert json.loads(again.to_json()) == json.loads(text.replace("§", "#"))
    if theme == "dark":
        assert not re.search("#FFFFFF|#1F2933|#C05200|#0072B2", drawn.to_json())


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("theme", THEMES)
def test_words_in_colour_can_be_read(theme):
    style = ll.plots.style
    names = ("INK", "MUTED_COLOR", "PIVOT_COLOR", "TARGET_COLOR", "SOURCE_COLOR", "OTHER_COLOR")
    paper = THEMES[theme].get(style.PAPER, style.PAPER)
    for name in names:
        color = getattr(style, name)
        values = sorted(luminance(c) for c in (THEMES[theme].get(color, color), paper))
        assert (values[1] + 0.05) / (values[0] + 0.05) >= 4.5, name


def test_no_theme_follows_plotlys_default(run, monkeypatch):
    assert ll.plots.difference(run) == ll.plots.difference(run, theme="light")
    monkeypatch.setattr(pio.templates, "default", "plotly_dark")
    assert ll.plots.difference(run) == ll.plots.difference(run, theme="dark")
    with pytest.raises(ll.errors.DataError, match="Unknown theme 'night'"):
        ll.plots.difference(run, theme="night")


def test_layers_of_a_phase_share_a_hue_and_darken():
    colors = phase_colors(["input"] * 3 + ["concept"] * 3 + ["target"] * 3)
    assert len(set(colors)) == 9
    for part in (colors[:3], colors[3:6], colors[6:]):
        light = [luminance(color) for color in part]
        assert light == sorted(light, reverse=True)


def test_panels_of_a_grid_share_their_scales(run):
    low = run.with_readings(probability={c: p / 10 for c, p in run.probability.items()})
    grid = ll.plots.pair_grid({("fr", "zh"): run, ("de", "zh"): low, ("fr", "ru"): low})
    assert len({axis.range for axis in grid.select_yaxes()}) == 1
    drawn = {t.meta for t in grid.data if t.mode != "text"}
    assert drawn == {"fr → zh", "de → zh", "fr → ru"}
    (empty,) = (t for t in grid.data if t.mode == "text")
    assert list(empty.text) == ["not measured"] and empty.xaxis == "x4"
    french = [t for t in grid.data if t.name == ll.plots.language_label("fr")]
    assert len(french) == 2  # the source of two of the pairs
    models = ll.plots.anatomy({"a": run, "b": low})
    assert len({axis.range for axis in models.select_yaxes(row=2)}) == 1
    assert {trace.x[-1] for trace in models.data if trace.fill != "toself"} == {1.0}


@pytest.mark.parametrize("width", WIDTHS)
def test_a_grid_shows_the_layers_of_all_its_runs(run, width):
    for pair in ((run.between(3, 5), run.between(2, 17)), (run.between(2, 17), run.between(3, 5))):
        grid = ll.plots.pair_grid(dict(zip([("fr", "zh"), ("de", "ru")], pair)), width=width)
        drawn = {axis.range for axis in grid.select_xaxes()} - {None}  # of empty panels
        assert drawn == {(1.5, 17.5)}


@pytest.mark.parametrize(("name", "hatched"), [("copy", True), ("pivot", False)])
def test_copy_is_hatched_and_said(name, hatched):
    figure = ll.plots.phases(planted.planted(planted.RUNS[name]))
    patterns = [t for t in figure.data if t.fillpattern and t.fillpattern.shape]
    words = [note.text for note in figure.layout.annotations]
    assert bool(patterns) == hatched == ("copy leads" in words)
    assert hatched == figure.layout.title.text.startswith("A copy of the ")
    if hatched:
        found = ll.find_phases(planted.planted(planted.RUNS[name])).copy
        assert (min(patterns[0].x), max(patterns[0].x)) == (found[0] - 0.5, found[-1] + 0.5)
