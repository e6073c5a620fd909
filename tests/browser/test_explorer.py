"""The prompt explorer and the sphere in a real browser: what is on screen is what the library computes."""

from __future__ import annotations

import io

import nbformat
import pytest
from PIL import Image

import latentlang as ll
from latentlang.display import language_label

EXPLORER = """import latentlang as ll
from IPython.display import display

model = ll.load_model()"""
SPHERE = """import latentlang as ll

model = ll.load_model()
run = ll.run_experiment(model, "translation", "de", "zh", every=16, keep_latents=True)
ll.plots.sphere(ll.sphere_path(model, run), concepts=["book"])"""

CURVES = ".latentlang-curves .js-plotly-plot"
HEATMAP = ".latentlang-heatmap .js-plotly-plot"
STATUS = ".latentlang-prompt b"
# The curves by name, as plotly has them in memory after drawing.
ON_SCREEN = """figure => Object.fromEntries(
    figure._fullData.filter(t => t.mode === 'lines+markers').map(t => [t.name, Array.from(t.y)]))"""


@pytest.fixture(scope="module")
def model():
    """Return the default model, loaded in the test's own process: the numbers to compare with."""
    loaded = ll.load_model()
    yield loaded
    loaded.close()


@pytest.fixture
def explorer(notebook):
    """Return a notebook with the explorer of one prompt on screen."""
    notebook.page.set_viewport_size({"width": 1400, "height": 1500})  # the whole explorer on one screenshot
    _open(notebook, "explorer.ipynb", EXPLORER, "display(ll.explore.prompt(model))")
    notebook.page.locator(f"{CURVES} .main-svg").first.wait_for()
    return notebook


def test_explorer_follows_its_controls(explorer, model, shoot):
    page = explorer.page
    page.locator(f"{HEATMAP} .hm image").first.wait_for(state="attached")
    assert page.locator(f"{HEATMAP} .heatmap-label").count() >= model.n_layers
    assert page.locator(f"{CURVES} .scatterlayer .js-line").count() >= 4  # entropy and three languages
    assert _curves(page) == _expected(model, "fr", "zh", "flower")
    shoot(page.locator(".latentlang-prompt"), "first")

    drawn = _paths(page)
    _choose(page, "From", "de")
    _wait_for_title(page, "de → zh")
    assert _curves(page) == _expected(model, "de", "zh", "flower")
    assert _paths(page) != drawn
    shoot(page.locator(".latentlang-prompt"), "german")

    concept = page.locator(".latentlang-prompt input[type=text]")
    concept.fill("book")
    concept.press("Enter")
    page.wait_for_function("() => document.querySelector('.latentlang-prompt pre').textContent.includes('\"Buch\" - 中文: \"')")
    _settle(page)
    assert _curves(page) == _expected(model, "de", "zh", "book")
    _assert_clean(explorer)


def test_explorer_outlives_an_impossible_choice(explorer, model, shoot):
    page = explorer.page
    _choose(page, "From", "zh")
    page.wait_for_function(f"() => document.querySelector('{STATUS}').textContent.includes('⚠')")
    sentence = page.locator(STATUS).text_content()
    assert "choose two languages" in sentence and "Error" not in sentence
    shoot(page, "sentence")

    _choose(page, "Task", "repetition")
    _wait_for_title(page, "repetition zh")
    assert set(_curves(page)) - {"entropy (bits)"} == {language_label("en"), language_label("zh")}
    shoot(page.locator(".latentlang-prompt"), "repetition")

    _choose(page, "Task", "translation")
    _choose(page, "From", "ru")
    _wait_for_title(page, "ru → zh")
    assert _curves(page) == _expected(model, "ru", "zh", "flower")
    assert "⚠" not in page.locator(STATUS).text_content()
    _assert_clean(explorer)


def test_ten_quick_changes_end_on_the_last(explorer, model):
    page = explorer.page
    for source, target in [("de", "zh"), ("ru", "fr"), ("fr", "de"), ("de", "ru"), ("ru", "zh")]:
        _choose(page, "From", source)
        _choose(page, "To", target)
    _wait_for_title(page, "ru → zh")
    page.wait_for_timeout(3000)  # a straggler would show by now
    assert "ru → zh" in page.locator(f"{CURVES} .gtitle").text_content()
    assert _curves(page) == _expected(model, "ru", "zh", "flower")
    _assert_clean(explorer)


def test_sphere_draws_in_three_dimensions(notebook, shoot):
    _open(notebook, "sphere.ipynb", SPHERE)
    page = notebook.page
    canvas = page.locator(".js-plotly-plot .gl-container canvas").first
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)  # the scene is drawn over several frames
    assert page.locator(".no-webgl").count() == 0
    picture = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB").resize((160, 160))
    assert len(picture.getcolors(maxcolors=160 * 160)) > 500
    shoot(page.locator(".js-plotly-plot"), "figure")
    _assert_clean(notebook)


def _open(notebook, name: str, *cells: str) -> None:
    """Write a notebook of these cells into Lab's folder, open it and run it."""
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    written.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(written, notebook.lab.root / name)
    notebook.open(name)
    notebook.run_all(seconds=240)
    assert notebook.failures() == []


def _choose(page, description: str, value: str) -> None:
    """Choose an entry of a dropdown by its code, as it stands in the label: a language, or a task."""
    label = value if description == "Task" else language_label(value)
    page.locator(".latentlang-prompt").get_by_label(description, exact=True).select_option(label=label)


def _wait_for_title(page, route: str) -> None:
    page.wait_for_function("([css, text]) => document.querySelector(css).textContent.includes(text)", arg=[f"{CURVES} .gtitle", route])
    _settle(page)


def _settle(page) -> None:
    """Wait until the explorer has finished: the status names the result."""
    page.wait_for_function(f"() => document.querySelector('{STATUS}').textContent.startsWith('After layer')")


def _curves(page) -> dict:
    """Return the curves on screen, to be compared within 0.001."""
    curves = page.locator(CURVES).evaluate(ON_SCREEN)
    return {name: pytest.approx(values, abs=1e-3) for name, values in curves.items()}


def _paths(page) -> list[str]:
    """Return the lines that the browser has drawn."""
    return page.locator(f"{CURVES} .scatterlayer .js-line").evaluate_all("lines => lines.map(line => line.getAttribute('d'))")


def _expected(model, source: str, target: str, concept: str) -> dict[str, list[float]]:
    """Return what the library itself computes for one prompt."""
    prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer)
    asked = next(prompt for prompt in prompts if prompt.concept == concept)
    read = ll.decode(model, [asked.text], [asked.token_ids])
    curves = {language_label(code): values[0].tolist() for code, values in read.probability.items()}
    return curves | {"entropy (bits)": read.entropy[0].tolist()}


def _assert_clean(notebook) -> None:
    assert notebook.errors == []
    assert notebook.external == []
