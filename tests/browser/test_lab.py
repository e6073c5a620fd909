"""JupyterLab as `make lab` opens it.

No window stands in front, figures follow a dark theme, and an answer waits for its prediction.
"""

from __future__ import annotations

import io

import pytest
from PIL import Image

pytestmark = pytest.mark.more

SETUP = "import latentlang as ll\nll.checks.check_environment()"
FIGURE = """import plotly.graph_objects as go
line = go.Scatter(x=[1, 2], y=[1, 2], line={"color": "#D55E00", "width": 9})
figure = go.Figure(line, {"template": "plotly_white", "title": "A finding", "height": 300})
figure"""
ASK = 'll.predict("Up or down?", ["up", "down"], "up")'
CHOOSE = 'll.choose("Which?", "up", "No.", "down", "Yes.", "flat", "Never.", supported="b")'
OWN = 'go.Figure(line, {"template": "plotly_dark", "height": 300})'  # made for the dark
TALL = "from IPython.display import HTML\nHTML(\"<div style='height: 4000px'></div>\")"
GRID = """from latentlang.models.stored import stored_model
larger = stored_model("qwen2.5-coder-1.5b-instruct")
words = ll.run_experiment(larger, "translation", "fr", "de", every=4)
ll.plots.grid(words[:3])"""
FILTER = "element => getComputedStyle(element).filter"
WIDGET = "go.FigureWidget(figure)"
DARK = (
    "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
)


def test_figures_wait_for_a_prediction_and_follow_the_dark_theme(notebook, shoot):
    notebook.run_cells("figures.ipynb", SETUP, ASK, FIGURE, OWN, WIDGET)
    page = notebook.page
    plots = page.locator(".js-plotly-plot")
    plots.nth(2).locator(".main-svg").first.wait_for()
    answer = page.locator(".jp-Cell:has(.ll-predict) + .jp-Cell .jp-Cell-outputArea > *").first
    assert "blur" in answer.evaluate(FILTER)
    page.locator(".ll-predict input").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="down").is_checked()
    assert answer.evaluate(FILTER) == "none"
    assert _brightness(plots.nth(0)) > 200, "In the light theme a figure is light."

    page.evaluate(DARK)
    page.locator("body[data-jp-theme-light='false']").wait_for(state="attached")
    page.wait_for_timeout(1000)
    shoot(page, "dark")
    for n in range(3):
        assert _brightness(plots.nth(n)) < 60
        assert _is_orange(plots.nth(n)), "The role's hue stays."
    assert page.locator(".Toastify__toast").count() == 0, "A window about news is open."
    assert notebook.errors == [] and notebook.external == []


def test_a_quiz_answers_by_keyboard_and_hides_nothing(notebook):
    notebook.run_cells("quiz.ipynb", SETUP, CHOOSE, FIGURE)
    form = notebook.show_cell(1).locator(".ll-quiz")
    form.locator("input").first.focus()
    said = []
    for key in ("Space", "ArrowDown", "ArrowDown"):
        notebook.page.keyboard.press(key)
        told = [reply for reply in form.locator(".ll-told > div").all() if reply.is_visible()]
        said += [reply.inner_text() for reply in told]
    assert said == ["✘ Not supported. No.", "✔ Correct. Yes.", "✘ Not supported. Never."]
    figure = notebook.show_cell(2).locator(".jp-Cell-outputArea > *").first
    assert figure.evaluate(FILTER) == "none"
    assert notebook.errors == [] and notebook.external == []


def test_a_lens_grid_made_off_the_screen_answers_and_follows_the_dark_theme(notebook, shoot):
    notebook.run_cells("grid.ipynb", SETUP, TALL, GRID)
    page = notebook.page
    grid = notebook.show_cell(2).locator(".ll-grid")
    cell = grid.locator("td[aria-label^='layer 26,']").first
    cell.click()
    popup = grid.get_by_role("dialog")
    assert popup.locator("ol li").count() == 10
    shoot(page, "popup")
    page.keyboard.press("Escape")
    assert popup.count() == 0
    page.keyboard.press("ArrowDown")  # moves in the grid, not among the notebook's cells
    assert grid.locator("td[tabindex='0']").get_attribute("aria-label").startswith("layer 25,")
    grid.get_by_role("button", name="Copy state").click()
    grid.get_by_role("status").get_by_text('state="at=0.25.0"').wait_for()

    page.evaluate(DARK)
    page.locator("body[data-jp-theme-light='false']").wait_for(state="attached")
    grid.locator(".root.dark").wait_for()
    page.wait_for_timeout(1500)  # Lab draws a curtain while the theme changes
    shoot(page, "dark")
    assert notebook.errors == [] and notebook.external == []


def _pixels(place) -> Image.Image:
    return Image.open(io.BytesIO(place.screenshot())).convert("RGB")


def _brightness(place) -> float:
    """Return the median brightness of a place on the screen, 0 to 255."""
    grey = sorted(_pixels(place).convert("L").getdata())
    return grey[len(grey) // 2]


def _is_orange(place) -> bool:
    """Tell whether the line, the most colourful thing there, is orange."""
    hue, saturation, _ = max(
        _pixels(place).convert("HSV").getdata(), key=lambda pixel: pixel[1] * pixel[2]
    )
    return 8 <= hue <= 32 and saturation > 100
