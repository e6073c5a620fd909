"""Pictures of figures are left out, with a reason, where nothing can draw them."""

from __future__ import annotations

import json

import plotly
import plotly.graph_objects as go
import pytest

from tools import drawings, pages

FIGURE = go.Figure(go.Bar(x=["a"], y=[1]), {"height": 300, "sliders": [{"steps": []}]})


def test_an_older_plotly_leaves_pictures_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plotly, "__version__", "5.24.1")
    assert drawings.draw({"a.svg": FIGURE}, tmp_path) == []
    assert "plotly 6" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_without_a_browser_pictures_are_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
    assert drawings.draw({"a.svg": FIGURE}, tmp_path) == []
    assert "BROWSER_PATH" in capsys.readouterr().err


def test_paper_has_nothing_to_click_and_the_figure_keeps_its_own():
    assert not drawings.on_paper(FIGURE).layout.sliders and len(FIGURE.layout.sliders) == 1


@pytest.mark.parametrize("picture", ["", "pictures/a.svg"])
def test_a_picture_stands_in_a_figures_place_where_there_is_one(picture):
    html = pages.figure(FIGURE.to_plotly_json(), 1, picture)
    assert html.count("<img") == bool(picture) and picture in html


@pytest.mark.parametrize("name", ["</script>", "<!--<script>", "a < b"])
def test_no_name_ends_or_lengthens_the_script_with_a_figures_numbers(name):
    """After ``<!--<script>`` a browser takes the next end tag for that of the inner script."""
    html = pages.figure(go.Figure(go.Bar(x=["a"], y=[1], customdata=[name])).to_plotly_json(), 1)
    numbers = html.partition("<script type='application/json'>")[2].partition("</script>")[0]
    assert "<" not in numbers
    assert json.loads(numbers)["data"][0]["customdata"] == [name]
