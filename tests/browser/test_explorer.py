"""The prompt explorer and the sphere in a real browser show what the library computes."""

from __future__ import annotations

import io

import nbformat
import pandas as pd
import pytest
from PIL import Image

import latentlang as ll
from latentlang.plots.text import language_label

pytestmark = pytest.mark.more

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
    notebook.page.set_viewport_size(
        {"width": 1400, "height": 1500}
    )  # the whole explorer on one screenshot
    _open(notebook, "explorer.ipynb", EXPLORER, "display(ll.explore.prompt(model))")
    notebook.page.locator(f"{CURVES} .main-svg").first.wait_for()
    return notebook


def test_explorer_follows_its_controls(explorer, model, shoot):
    page = explorer.page
    page.locator(f"{HEATMAP} .hm image").first.wait_for(state="attached")
    assert page.locator(f"{HEATMAP} .heatmap-label").count() >= model.n_layers
    assert (
        page.locator(f"{CURVES} .scatterlayer .js-line").count() >= 4
    )  # entropy and three languages
    assert _curves(page) == _expected(model, "fr", "zh", "flower")
    shoot(page.locator(".latentlang-prompt"), "first")

    drawn = _paths(page)
    _choose(page, "From", "de")
    _wait_for_title(page, "de → zh")
    assert _curves(page) == _expected(model, "de", "zh", "flower")
    assert _paths(page) != drawn
    shoot(page.locator(".latentlang-prompt"), "german")

    concept = page.get_by_role("combobox", name="Concept")
    concept.fill("book")
    concept.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.latentlang-prompt pre')"
        """.textContent.includes('"Buch" - 中文: "')"""
    )
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


def test_thirty_quick_changes_end_on_the_last(explorer, model):
    page = explorer.page
    for source, target in [
        ("de", "zh"),
        ("ru", "fr"),
        ("fr", "de"),
        ("de", "ru"),
        ("ru", "zh"),
    ] * 3:
        _choose(page, "From", source)
        _choose(page, "To", target)
    _wait_for_title(page, "ru → zh")
    page.wait_for_timeout(3000)  # a straggler would show by now
    assert "ru → zh" in page.locator(f"{CURVES} .gtitle").text_content()
    assert _curves(page) == _expected(model, "ru", "zh", "flower")
    _assert_clean(explorer)


def test_swap_and_the_numbers_to_take_away(explorer, model, shoot):
    page = explorer.page
    page.get_by_role("button", name="swap").click()
    _wait_for_title(page, "zh → fr")
    assert _curves(page) == _expected(model, "zh", "fr", "flower")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the numbers as CSV").click()
    table = pd.read_csv(download.value.path())
    english = table.query("quantity == 'probability' and language == 'en'")["value"].tolist()
    assert english == _expected_values(model, "zh", "fr", "flower")[language_label("en")]
    shoot(page.locator(".latentlang-prompt"), "swapped")
    _assert_clean(explorer)


def test_pair_and_sphere_follow_their_controls(notebook, model, shoot):
    notebook.page.set_viewport_size({"width": 1400, "height": 1800})
    _open(
        notebook,
        "pair.ipynb",
        EXPLORER,
        "display(ll.explore.pair(model))",
        "display(ll.explore.sphere(model))",
    )
    page, figure = notebook.page, ".latentlang-phases .js-plotly-plot"
    pair = page.locator(".latentlang-pair")
    pair.get_by_label("From", exact=True).select_option(label=language_label("de"))
    page.wait_for_function(
        "css => document.querySelector(css).textContent.includes('de → zh')",
        arg=f"{figure} .gtitle",
        timeout=120_000,
    )
    run = ll.run_experiment(model, "translation", "de", "zh", every=16, progress=False)
    drawn = page.locator(figure).evaluate(ON_SCREEN)
    assert drawn[language_label("zh")] == pytest.approx(
        run.probability["zh"].mean(0).tolist(), abs=1e-3
    )
    shoot(pair, "pair")

    sphere = page.locator(".latentlang-sphere")
    sphere.scroll_into_view_if_needed()
    handle = sphere.get_by_role("slider").last
    handle.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "() => document.querySelector('.latentlang-sphere b').textContent.startsWith('Layer 13:')",
        timeout=60_000,
    )
    points = page.locator(".latentlang-globe .js-plotly-plot").evaluate(
        "figure => figure._fullData.filter(t => t.name && t.name.startsWith('mean of'))"
        ".map(t => t.x.length)"
    )
    assert points == [13]
    shoot(sphere, "sphere")
    _assert_clean(notebook)


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
    written.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(written, notebook.lab.root / name)
    notebook.open(name)
    notebook.run_all(seconds=240)
    assert notebook.failures() == []


def _choose(page, description: str, value: str) -> None:
    """Choose an entry of a dropdown, a language or a task, by the code in its label."""
    label = value if description == "Task" else language_label(value)
    page.locator(".latentlang-prompt").get_by_label(description, exact=True).select_option(
        label=label
    )


def _wait_for_title(page, route: str) -> None:
    page.wait_for_function(
        "([css, text]) => document.querySelector(css).textContent.includes(text)",
        arg=[f"{CURVES} .gtitle", route],
    )
    _settle(page)


def _settle(page) -> None:
    """Wait until the explorer has finished: the status names the result."""
    page.wait_for_function(
        f"() => document.querySelector('{STATUS}').textContent.startsWith('After layer')"
    )


def _curves(page) -> dict:
    """Return the curves on screen, to be compared within 0.001."""
    curves = page.locator(CURVES).evaluate(ON_SCREEN)
    return {name: pytest.approx(values, abs=1e-3) for name, values in curves.items()}


def _paths(page) -> list[str]:
    """Return the lines that the browser has drawn."""
    return page.locator(f"{CURVES} .scatterlayer .js-line").evaluate_all(
        "lines => lines.map(line => line.getAttribute('d'))"
    )


def _expected_values(model, source: str, target: str, concept: str) -> dict:
    """Return what the library itself computes for one prompt, to be compared within 0.001."""
    return {
        name: pytest.approx(values, abs=1e-3)
        for name, values in _expected(model, source, target, concept).items()
    }


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
