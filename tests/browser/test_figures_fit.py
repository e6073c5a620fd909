"""Every figure fits a desk, a tablet and a phone: boxes of text are measured in Chromium."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import plotly
import pytest
import torch

import latentlang as ll

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import planted
import tiny

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
WIDTHS = (1400, 768, 390)
PAGE = "<body style='margin: 0'><div id='figure'></div></body>"
DRAW = """async spec => {
    const place = document.getElementById("figure"), figure = JSON.parse(spec);
    Plotly.purge(place);
    place.style.width = figure.layout.width + "px";
    await Plotly.newPlot(place, figure.data, figure.layout, {displayModeBar: false});
    if (figure.layout.scene) await new Promise(later => setTimeout(later, 1500));  // many frames
}"""
# Boxes of visible text, in pixels from the corner of the figure: text, left, top, right, bottom.
BOXES = """() => {
    const frame = document.getElementById("figure").getBoundingClientRect();
    return [...document.querySelectorAll("#figure text")]
        .map(text => [text.textContent, text.getBoundingClientRect()])
        .filter(([words, box]) => words.trim() && box.width > 0)
        .map(([words, box]) => [words, box.left - frame.left, box.top - frame.top,
                                box.right - frame.left, box.bottom - frame.top]);
}"""
# The colours of what lies behind the drawing.
FILLS = """() => [...document.querySelectorAll("#figure .main-svg, #figure .bg")]
    .map(part => getComputedStyle(part)).flatMap(style => [style.fill, style.backgroundColor])"""
WHITE = ("rgb(255, 255, 255)", "rgba(255, 255, 255, 1)")


def run(name: str) -> ll.Run:
    return planted.planted(planted.RUNS[name] | planted.OTHER)


def curves(plot: str, name: str, **options) -> object:
    return getattr(ll.plots, plot)(run(name), **options)


def grid(**options) -> object:
    pairs = {("fr", "zh"): "copy", ("de", "zh"): "pivot", ("fr", "de"): "faint", ("de", "ru"): ""}
    runs = {pair: run(name or "nothing") for pair, name in pairs.items()}
    return ll.plots.pair_grid(runs, **options)


def dots(**options) -> object:
    codes = [*ll.languages().index]
    table = pd.DataFrame(
        {"name": map(ll.plots.language_label, codes), "tokens": range(1, 1 + len(codes))}
    )
    return ll.plots.bars(table, x="name", y="tokens", title="Tokens per word", **options)


def groups(**options) -> object:
    rows = [(code, mode, 100 * n) for code in ("zh", "fr") for n, mode in enumerate("ab")]
    table = pd.DataFrame(rows, columns=["target", "mode", "concepts"])
    meaning = {"a": "every token that is a beginning of the word", "b": "the whole word"}
    words = {"x": "target", "y": "concepts", "title": "How many?", "group": "mode"}
    return ll.plots.bars(table, **words, meaning=meaning, **options)


def candidates(**options) -> object:
    one, tokenizer = run("copy")[0], tiny.byte_level()
    generator = torch.Generator().manual_seed(0)
    shape = (1, len(one.layers), 5)
    ids = torch.randint(len(tokenizer), shape, generator=generator)
    chances = torch.rand(shape, generator=generator).sort(descending=True).values / 5
    one = replace(one, top_ids=ids.int(), top_probs=chances)
    return ll.plots.heatmap(one, tokenizer, **options)


def languages_apart(**options) -> object:
    french = run("copy")
    german = replace(run("pivot"), setting=replace(french.setting, sources=("de",)))
    return ll.plots.energy(french, german, **options)


def swept(plot: str, name: str, **options) -> object:
    extra = {"continuations": planted.CONTINUATIONS} if name == "steered" else {}
    sweep = planted.planted_sweep(name, controls=name == "language first", **extra)
    return getattr(ll.plots, plot)(sweep, **options)


def models(**options) -> object:
    return ll.plots.anatomy({"small": run("copy"), "large": run("pivot")}, **options)


def globe(word: str = "", **options) -> object:
    words = dict.fromkeys((5, 6, 7, 8, 9, 10), 0.5) | {7: 1.0}
    path = planted.planted_path(words, {9: 2.0, 10: 2.0})
    return ll.plots.sphere(path[word] if word else path, **options)


FIGURES = {
    **{
        f"{plot}-{name}": partial(curves, plot, name)
        for plot in ("language_probability", "phases", "difference", "words")
        for name in planted.RUNS
    },
    **{
        f"{plot}-{name}": partial(swept, plot, name)
        for plot in ("sweep", "sweep_grid")
        for name in planted.SWEEPS
    },
    **{
        f"lens_panel-{name}": lambda name=name, **o: ll.plots.lens_panel(
            planted.through_lenses(name), **o
        )
        for name in planted.LENSES
    },
    **{
        f"retrieval-{name}": lambda name=name, **o: ll.plots.retrieval(
            planted.planted_retrieval(name), **o
        )
        for name in planted.RETRIEVALS
    },
    "sweep_layer": lambda **o: ll.plots.sweep_layer(
        planted.planted_sweep("language first"), 13, {"A in en": "book"}, **o
    ),
    "energy": lambda **o: ll.plots.energy(run("copy"), **o),
    "two energies": lambda **o: ll.plots.energy(run("copy"), run("pivot"), **o),
    "two energies of two languages": languages_apart,
    "heatmap": candidates,
    "rank": lambda **o: ll.plots.reading(run("copy"), "rank", **o),
    "logarithmic": lambda **o: ll.plots.language_probability(
        run("faint"), scale="logarithmic", **o
    ),
    "pair_grid": grid,
    "bars": dots,
    "bars in groups": groups,
    "anatomy": models,
    "sphere": globe,
    "sphere of one word": partial(globe, "c3"),
}


@pytest.fixture(scope="module")
def page(browser) -> Iterator[object]:
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    opened.set_content(PAGE)
    opened.add_script_tag(path=str(PLOTLY))
    yield opened
    opened.close()


def faults(boxes: list[tuple], width: float, height: float) -> list[str]:
    """Return which texts leave the frame, and which cover one another."""
    found = []
    for n, (words, left, top, right, bottom) in enumerate(boxes):
        if left < -1 or top < -1 or right > width + 1 or bottom > height + 1:
            found.append(f"'{words}' leaves the frame")
        for other, left2, top2, right2, bottom2 in boxes[n + 1 :]:
            across = min(right, right2) - max(left, left2)
            down = min(bottom, bottom2) - max(top, top2)
            if across > 1 and down > 3:  # boxes of letters are higher than the letters
                found.append(f"'{words}' and '{other}' meet")
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_or_covered(page, shoot, name, width):
    figure = FIGURES[name](width=width)
    page.evaluate(DRAW, figure.to_json())
    boxes = page.evaluate(BOXES)
    shoot(page.locator("#figure"))
    assert len(boxes) > 5
    assert faults(boxes, width, figure.layout.height) == []


@pytest.mark.parametrize(
    "name",
    [
        "phases-copy",
        "words-pivot",
        "pair_grid",
        "anatomy",
        "lens_panel-apart",
        "retrieval-several",
        "bars",
        "sweep-steered",
    ],
)
def test_in_the_dark_there_is_no_white_slab(page, shoot, name):
    page.evaluate(DRAW, FIGURES[name](width=768, theme="dark").to_json())
    shoot(page.locator("#figure"))
    assert not set(page.evaluate(FILLS)) & set(WHITE)


def test_the_measure_sees_texts_that_meet_or_leave_the_frame():
    boxes = [("a", 0, 0, 50, 20), ("b", 40, 0, 90, 20), ("c", 380, 0, 420, 20)]
    assert faults(boxes, 400, 100) == ["'a' and 'b' meet", "'c' leaves the frame"]
