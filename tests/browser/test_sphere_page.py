"""On a page without a kernel the same layer of a path answers on the globe and beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import latentlang as ll
from tools import pages

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import planted

# The traces of the walk, globe first: those whose points have a size each.
WALKS = """const place = document.querySelector(".ll-plot");
    const walks = place.data.filter(trace => trace.customdata && Array.isArray(trace.marker?.size));
    const nth = layer => walks[0].customdata.findIndex(row => row[0] === layer);"""
SIZES = f"""() => {{ {WALKS} return walks.map(trace => [...trace.marker.size]); }}"""
FLAT = f"""layer => {{ {WALKS}
    const {{ xaxis, yaxis }} = place._fullLayout, box = place.getBoundingClientRect();
    const [x, y] = [walks[1].x[nth(layer)], walks[1].y[nth(layer)]];
    return [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)]; }}"""
GLOBE = f"""layer => {{ {WALKS}
    const scene = place._fullLayout.scene._scene, box = scene.container.getBoundingClientRect();
    const times = (matrix, point) => [0, 1, 2, 3].map(row =>
        point.reduce((sum, value, column) => sum + matrix[4 * column + row] * value, 0));
    let at = ["x", "y", "z"].map((name, n) => walks[0][name][nth(layer)] * scene.dataScale[n]);
    const {{ model, view, projection }} = scene.glplot.cameraParams;
    at = [model, view, projection].reduce((point, matrix) => times(matrix, point), [...at, 1]);
    return [box.left + (1 + at[0] / at[3]) * box.width / 2,
            box.top + (1 - at[1] / at[3]) * box.height / 2]; }}"""
DRAWN = "() => document.querySelector('.ll-plot')?._fullLayout?.scene?._scene?.glplot?.cameraParams"
LAYER = 10  # the end of the walk, far from the other points


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory) -> Iterator[object]:
    folder = tmp_path_factory.mktemp("page")
    pages.copy_scripts(folder)
    words = dict.fromkeys((5, 6, 7, 8, 9, 10), 0.5) | {7: 1.0}
    figure = ll.plots.sphere(planted.planted_path(words, {9: 2.0, 10: 2.0}))
    scripts = "".join(f"<script src='{name}'></script>" for name in pages.SCRIPTS)
    body = pages.figure(json.loads(figure.to_json()), 1)
    (folder / "index.html").write_text(f"<meta charset='utf-8'>{scripts}{body}", "utf-8")
    opened = browser.new_page(viewport={"width": 1100, "height": 900})
    opened.goto((folder / "index.html").as_uri())
    opened.wait_for_function(DRAWN)
    opened.wait_for_timeout(1500)  # the scene is drawn over several frames
    yield opened
    opened.close()


@pytest.mark.parametrize("place", [FLAT, GLOBE], ids=["flat", "globe"])
def test_a_layer_under_the_pointer_grows_in_both_and_shrinks_again(page, shoot, place):
    before = page.evaluate(SIZES)
    page.mouse.move(*page.evaluate(place, LAYER), steps=5)
    page.wait_for_function(f"before => ({SIZES})()[0].at(-1) > before", arg=before[0][-1])
    page.wait_for_timeout(500)
    shoot(page, "grown")
    for sizes, usual in zip(page.evaluate(SIZES), before):
        assert sizes[:-1] == usual[:-1] and sizes[-1] > usual[-1] + 3
    assert page.locator(".hovertext").count()  # drawing again leaves the label of the point
    page.mouse.move(5, 5, steps=5)
    page.wait_for_function(f"before => ({SIZES})()[0].at(-1) === before", arg=before[0][-1])
    assert page.evaluate(SIZES) == before
