"""The explorers and the sphere in a real browser show what the library computes."""

from __future__ import annotations

import io
import re
import time

import pandas as pd
import pytest
from hub import node_tool
from PIL import Image

import latentlang as ll
from latentlang.lenses.recipes import left_out
from latentlang.models.stored import stored_model
from latentlang.plots.text import language_label, token_text

pytestmark = pytest.mark.more

QWEN = "qwen2.5-coder-1.5b-instruct"
EXPLORER = """import latentlang as ll
from IPython.display import display

model = ll.load_model()"""
SPHERE = """import latentlang as ll

model = ll.load_model()
run = ll.run_experiment(model, "translation", "de", "zh", every=16, keep_latents=True)
ll.plots.sphere(ll.sphere_path(model, run), concepts=["book"])"""

STORED = f"""from latentlang.models.stored import stored_model
display(ll.explore.prompt(stored_model("{QWEN}"), target="de", concept="book"))"""

AXE = "axe-core@4.14.1"
PROMPT = ".latentlang-prompt"
GRID = ".latentlang-grid"
STATUS = ".latentlang-prompt .latentlang-status b"
# Whether the figures side by side are as wide, together, as what they stand in.
FILLS = """css => {
    const columns = document.querySelector(`${css} .latentlang-columns`);
    const figures = [...columns.querySelectorAll('.js-plotly-plot .main-svg:first-child')];
    const beside = new Set(figures.map(each => Math.round(each.getBoundingClientRect().left)));
    const width = figures[0].getBoundingClientRect().width * beside.size;
    const missing = columns.getBoundingClientRect().width - width;
    return missing >= 0 && missing <= 8 * beside.size; }"""
# Whether the grid is as wide as what it stands in, and its curves reach the end of it.
GRID_FILLS = """css => {
    const columns = document.querySelector(`${css} .latentlang-columns`);
    const host = [...columns.querySelectorAll('*')].find(each => each.shadowRoot);
    const [root, side] = ['.root', '.side svg']
        .map(part => host.shadowRoot.querySelector(part).getBoundingClientRect());
    const missing = columns.getBoundingClientRect().width - root.width;
    return missing >= 0 && missing <= 12 && root.right - side.right <= 12; }"""
# The curves by name, as plotly has them in memory after drawing.
ON_SCREEN = """figure => Object.fromEntries(
    figure._fullData.filter(t => t.mode === 'lines+markers').map(t => [t.name, Array.from(t.y)]))"""
# Plotly's script is held back, as on a busy machine.
SLOW = """(() => {
    const within = URL.createObjectURL;
    URL.createObjectURL = made => {
        if (made.size < 1e6) return within.call(URL, made);
        window.loads = (window.loads ?? 0) + 1;
        const wait = "await new Promise(done => { window.go = done; });";
        return within.call(URL, new Blob([wait, made], { type: made.type }));
    };
})()"""
CHANGING = """import time
import plotly.graph_objects as go
from latentlang.explore.drawing import figure_widget, redraw

def figure(count, title):
    lines = [go.Scatter(x=[1, 2], y=[n, n + 1], name=f"line {n}") for n in range(count)]
    return go.Figure(lines).update_layout(title=title)

late, other = figure_widget("late"), figure_widget("other")
redraw(late, figure(3, "first"), 700)
redraw(other, figure(1, "other"), 700)"""
PARTS = (PROMPT, f"{GRID} table", f"{GRID} .side svg[role=img]")


@pytest.fixture(scope="module")
def model():
    """Return the default model, loaded in the test's own process: the numbers to compare with."""
    loaded = ll.load_model()
    yield loaded
    loaded.close()


@pytest.fixture
def explorer(notebook):
    """Return a notebook with the explorer of one prompt on screen."""
    notebook.run_cells("explorer.ipynb", EXPLORER, "display(ll.explore.prompt(model))")
    notebook.page.locator(f"{GRID} td").first.wait_for()
    return notebook


def test_explorer_follows_its_controls(explorer, model, shoot):
    page = explorer.page
    assert page.locator(f"{GRID} td").count() == 7 * model.n_layers
    assert page.locator(f"{GRID} .chips li").count() == 3
    assert _read(page) == _expected_reading(model, "fr", "zh", "flower")
    shoot(page.locator(PROMPT), "first")

    drawn = _paths(page)
    _choose(page, "From", "de")
    _wait_for_title(page, "de → zh")
    assert _read(page) == _expected_reading(model, "de", "zh", "flower")
    assert _paths(page) != drawn
    shoot(page.locator(PROMPT), "german")

    concept = page.get_by_role("combobox", name="Concept")
    concept.fill("book")
    concept.press("Enter")
    _wait_for_query(page, '"Buch" - 中文: "')
    assert _read(page) == _expected_reading(model, "de", "zh", "book")
    _assert_clean(explorer)


def test_a_click_lists_ten_candidates_and_follow_adds_a_curve(explorer, model, shoot):
    page = explorer.page
    _cell(page, 14).click()
    popup = page.get_by_role("dialog")
    shares = popup.locator("ol .share").all_inner_texts()
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    run = ll.decode(model, prompts["flower"], top_k=10, progress=False)
    assert [float(share.removesuffix(" %")) for share in shares] == [
        pytest.approx(100 * chance, rel=0.06, abs=0.51) for chance in run.top_probs[0, 13].tolist()
    ]
    drawn = len(_paths(page))
    popup.get_by_role("button", name=re.compile("^follow ")).last.click()  # a candidate
    assert len(_paths(page)) == drawn + 1
    assert page.locator(f"{GRID} .chips li").count() == 4
    shoot(page.locator(PROMPT), "followed")
    page.keyboard.press("Escape")
    assert popup.count() == 0

    # What was chosen in the grid stays when the kernel shows another prompt.
    page.get_by_label("Colour by").select_option("entropy")
    page.get_by_label("Layers: first").select_option("5")
    concept = page.get_by_role("combobox", name="Concept")
    concept.fill("book")
    concept.press("Enter")
    _wait_for_query(page, '"livre" - 中文: "')
    assert page.get_by_label("Colour by").input_value() == "entropy"
    assert page.locator(f"{GRID} tbody tr").count() == model.n_layers - 4
    _assert_clean(explorer)


def test_explorer_fits_on_one_screen(explorer, shoot):
    page = explorer.page
    page.set_viewport_size({"width": 1400, "height": 1000})
    _wait_until_it_fills(page)
    root, cells, curves = (page.locator(css).bounding_box() for css in PARTS)
    assert root["height"] <= 900
    assert cells["x"] + cells["width"] <= curves["x"] and curves["y"] < cells["y"] + 100
    shoot(page.locator(PROMPT), "wide")
    page.set_viewport_size({"width": 790, "height": 1000})
    _wait_until_it_fills(page)
    root, cells, curves = (page.locator(css).bounding_box() for css in PARTS)
    assert cells["y"] + cells["height"] <= curves["y"] and abs(cells["x"] - curves["x"]) < 20
    assert root["x"] + root["width"] <= 790
    shoot(page.locator(PROMPT), "stacked")
    _assert_clean(explorer)


def test_explorer_is_busy_as_soon_as_a_control_changes(explorer):
    """The page notes when the choice is made and when it looks busy."""
    page = explorer.page
    page.locator(PROMPT).evaluate(
        """root => {
            root.addEventListener('change', () => { window.asked = performance.now(); }, true);
            new MutationObserver(() => {
                if (root.classList.contains('latentlang-busy')) window.busy ??= performance.now();
            }).observe(root, { attributes: true, attributeFilter: ['class'] });
        }"""
    )
    _choose(page, "From", "de")
    _wait_for_title(page, "de → zh")
    page.wait_for_function(f"() => !document.querySelector('{PROMPT}.latentlang-busy')")
    milliseconds = page.evaluate("() => window.busy - window.asked")
    print(f"busy after {milliseconds:.0f} ms")
    assert 0 <= milliseconds < 500
    _assert_clean(explorer)


def test_what_is_pressed_looks_like_a_button(explorer):
    page = explorer.page
    look = """each => { const style = getComputedStyle(each);
        return [style.backgroundColor, style.cursor, each.getBoundingClientRect().height]; }"""
    swap = page.locator(PROMPT).get_by_role("button", name="swap").evaluate(look)
    link = page.locator(PROMPT).get_by_role("link", name="Save the numbers as CSV").evaluate(look)
    assert link[0] == swap[0] != "rgba(0, 0, 0, 0)" and link[1] == "pointer"
    assert link[2] == swap[2] >= 24
    _assert_clean(explorer)


def test_figures_made_off_the_screen_fill_their_cells(notebook, shoot):
    """Where cells above are tall, those below are run before they are ever shown."""
    tall = "from IPython.display import HTML\nHTML(\"<div style='height: 4000px'></div>\")"
    notebook.run_cells("below.ipynb", EXPLORER, tall, "display(ll.explore.pair(model))", STORED)
    page = notebook.page
    for index, part, fills in (
        (2, ".js-plotly-plot .main-svg", FILLS),
        (3, f"{GRID} .side svg", GRID_FILLS),
    ):
        cell = notebook.show_cell(index)
        cell.locator(part).first.wait_for()
        page.wait_for_function(fills, arg=f"[data-windowed-list-index='{index}']")
        shoot(page, f"cell-{index}")
    _assert_clean(notebook)


def test_a_page_that_loads_plotly_slowly_loses_nothing(notebook):
    """anywidget drops the messages to a widget that is not ready after two seconds."""
    page = notebook.page
    page.add_init_script(SLOW)
    again = "redraw(late, figure(2, 'second'), 700); time.sleep(3)"
    notebook.run_cells("slow.ipynb", CHANGING, "display(late, other)", again)
    assert page.locator(".main-svg").count() == 0
    page.evaluate("window.go()")
    drawn = notebook.show_cell(1).locator(".js-plotly-plot")
    drawn.nth(0).locator(".gtitle", has_text="second").wait_for()
    drawn.nth(1).locator(".gtitle", has_text="other").wait_for()
    assert drawn.nth(0).locator(".scatterlayer .trace").count() == 2
    assert page.evaluate("window.loads") == 1, "Two figures, and one script."

    notebook.run_more("redraw(late, figure(3, 'third'), 700)")
    drawn.nth(0).locator(".gtitle", has_text="third").wait_for()
    assert drawn.nth(0).locator(".scatterlayer .trace").count() == 3
    _assert_clean(notebook)


def test_axe_finds_nothing_serious_in_the_explorer(explorer, request):
    commands = node_tool(request.config.cache.mkdir("node-axe"), AXE)
    page = explorer.page
    _cell(page, 14).click()
    page.evaluate((commands.parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        "async css => (await axe.run(css)).violations"
        ".map(v => [v.id, v.impact, v.nodes.map(n => n.html)])",
        PROMPT,
    )
    assert [each for each in found if each[1] in ("serious", "critical")] == []
    _assert_clean(explorer)


def test_explorer_shows_a_stored_model(explorer, shoot):
    page = explorer.page
    label = "qwen2.5-coder-1.5b-instruct · stored answers"
    page.locator(PROMPT).get_by_label("Model", exact=True).select_option(label=label)
    page.wait_for_function(
        f"() => document.querySelector('{STATUS}').textContent.includes('Stored answers hold')"
    )
    said = page.locator(STATUS).text_content()
    assert "is not stored" not in said and "Stored answers hold the last position" in said
    concept = page.get_by_role("combobox", name="Concept")
    concept.fill("book")
    concept.press("Enter")
    _wait_for_query(page, '"livre" - 中文: "')
    stored = ll.run_experiment(stored_model(QWEN), "translation", "fr", "zh", every=4)["book"]
    assert _read(page) == _reading(stored)
    _wait_until_it_fills(page)
    assert page.locator(PROMPT).bounding_box()["height"] <= 900
    _cell(page, 25).click()
    words = page.get_by_role("dialog").locator("ul .share").all_inner_texts()
    chances = [stored.probability[code][0, 24].item() for code in stored.languages]
    assert [float(share.removesuffix(" %")) for share in words] == [
        pytest.approx(100 * chance, rel=0.06, abs=0.51) for chance in chances
    ]
    shoot(page.locator(PROMPT), "qwen")
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
    assert len(_paths(page)) == page.locator(f"{GRID} .chips li").count() == 2
    shoot(page.locator(".latentlang-prompt"), "repetition")

    _choose(page, "Task", "translation")
    _choose(page, "From", "ru")
    _wait_for_title(page, "ru → zh")
    assert _read(page) == _expected_reading(model, "ru", "zh", "flower")
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
    assert "ru → zh" in page.locator(f"{GRID} .facts").text_content()
    assert _read(page) == _expected_reading(model, "ru", "zh", "flower")
    _assert_clean(explorer)


def test_swap_and_the_numbers_to_take_away(explorer, model, shoot):
    page = explorer.page
    page.get_by_role("button", name="swap").click()
    _wait_for_title(page, "zh → fr")
    assert _read(page) == _expected_reading(model, "zh", "fr", "flower")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the numbers as CSV").click()
    table = pd.read_csv(download.value.path())
    english = table.query("quantity == 'probability' and language == 'en'")["value"].tolist()
    assert english == _expected_values(model, "zh", "fr", "flower")[language_label("en")]
    shoot(page.locator(".latentlang-prompt"), "swapped")
    _assert_clean(explorer)


def test_pair_and_sphere_follow_their_controls(notebook, model, shoot):
    notebook.page.set_viewport_size({"width": 1400, "height": 1800})
    notebook.run_cells(
        "pair.ipynb",
        EXPLORER,
        "display(ll.explore.pair(model))",
        "display(ll.explore.sphere(model))",
    )
    page, figure = notebook.page, ".latentlang-phases .js-plotly-plot"
    pair = page.locator(".latentlang-pair")
    pair.get_by_label("From", exact=True).select_option(label=language_label("de"))
    page.wait_for_function(
        "css => document.querySelector(css)?.textContent.includes('de → zh')",
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


def test_both_explorers_read_through_the_chosen_lens(notebook, tiny, tmp_path, shoot):
    """A small model, whose lens is fitted in the kernel within seconds."""
    one = tiny("llama")
    notebook.run_cells(
        "lens.ipynb",
        f"import os\nos.environ['XDG_CACHE_HOME'] = {str(tmp_path)!r}",
        EXPLORER.replace("load_model()", f"load_model({one.name!r}, dtype='float32')"),
        "display(ll.explore.prompt(model, concept='sky'))",
        "display(ll.explore.pair(model))",
    )
    page = notebook.page
    page.locator(f"{GRID} td").first.wait_for()
    page.evaluate(
        """css => { window.said = [];
            const line = document.querySelector(css);
            new MutationObserver(() => window.said.push(line.textContent))
                .observe(line, { childList: true, subtree: true, characterData: true }); }""",
        f"{PROMPT} .latentlang-status",
    )
    lens = page.locator(PROMPT).get_by_label("Lens", exact=True)
    assert lens.locator("option").all_inner_texts()[:2] == ["logit", "linear"]
    lens.select_option(label="linear")
    _wait_for_title(page, "linear lens")
    assert any("Fitting the linear lens" in text for text in page.evaluate("window.said"))
    assert lens.input_value() == "linear"
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=one.tokenizer)
    fitted = ll.lenses.fit_linear(one, exclude=left_out(), progress=False)
    assert _read(page) == _reading(ll.decode(one, prompts["sky"], lens=fitted, progress=False))
    shoot(page.locator(PROMPT), "prompt")

    pair = page.locator(".latentlang-pair")
    pair.get_by_label("Lens", exact=True).select_option(label="linear")
    page.locator(".latentlang-phases .gtitle", has_text="linear lens").wait_for()
    drawn = page.locator(".latentlang-phases .js-plotly-plot").evaluate(ON_SCREEN)
    ask = ("translation", "fr", "zh")
    run = ll.run_experiment(one, *ask, every=16, lens=fitted, progress=False)
    mean = run.probability["zh"].mean(0).tolist()
    assert drawn[language_label("zh")] == pytest.approx(mean, abs=1e-3)
    shoot(pair, "pair")
    _assert_clean(notebook)


def test_a_patch_follows_its_slider_and_its_concepts(notebook, model, shoot):
    notebook.page.set_viewport_size({"width": 1400, "height": 1700})
    notebook.run_cells("patch.ipynb", EXPLORER, "display(ll.explore.patch(model, layer=14))")
    page, root = notebook.page, notebook.page.locator(".latentlang-patch")
    page.locator(".latentlang-bars .js-plotly-plot .bars .point").first.wait_for()
    assert _bars(page) == _patched(model, 14, "book", "flower")
    shoot(root, "first")

    root.get_by_role("slider").focus()
    for layer in (13, 12, 11, 10):
        page.keyboard.press("ArrowLeft")
        started = time.monotonic()
        _wait_for_status(page, f"With layer {layer} changed")
        print(f"layer {layer}: {time.monotonic() - started:.2f} s")
    assert _bars(page) == _patched(model, 10, "book", "flower")
    cells = page.locator(".latentlang-grid table").text_content()
    shoot(root, "layer 10")

    concept = root.get_by_role("combobox", name="Concept A")
    concept.fill("sun")
    concept.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.latentlang-patch pre').textContent.includes('soleil')"
    )
    _wait_for_status(page, "With layer 10 changed")
    assert _bars(page) == _patched(model, 10, "sun", "flower")
    assert page.locator(".latentlang-grid table").text_content() != cells

    concept.fill("flower")
    concept.press("Enter")
    _wait_for_status(page, "⚠ Both prompts ask about 'flower'")
    _assert_clean(notebook)


def test_sphere_draws_in_three_dimensions(notebook, shoot):
    notebook.run_cells("sphere.ipynb", SPHERE)
    page = notebook.page
    canvas = page.locator(".js-plotly-plot .gl-container canvas").first
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(1500)  # the scene is drawn over several frames
    assert page.locator(".no-webgl").count() == 0
    picture = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB").resize((160, 160))
    assert len(picture.getcolors(maxcolors=160 * 160)) > 500
    shoot(page.locator(".js-plotly-plot"), "figure")
    _assert_clean(notebook)


def _wait_for_status(page, start: str) -> None:
    page.wait_for_function(
        "start => document.querySelector('.latentlang-patch b').textContent.startsWith(start)",
        arg=start,
    )


def _bars(page) -> dict:
    """Return the bars on screen by their names, to be compared within 0.001."""
    drawn = page.locator(".latentlang-bars .js-plotly-plot").evaluate(
        "figure => Object.fromEntries(figure._fullData.filter(t => t.type === 'bar')"
        ".flatMap(t => t.y.map((name, n) => [name.split('<br>')[0], t.x[n]])))"
    )
    return {name: pytest.approx(value, abs=1e-3) for name, value in drawn.items()}


def _patched(model, layer: int, *concepts: str) -> dict[str, float]:
    """Return what the library itself computes for one patch, by the name of its bar."""
    sets = {
        name: ll.build_prompts("translation", *pair, tokenizer=model.tokenizer)
        for name, pair in (("English", ("fr", "en")), ("Chinese", ("de", "zh")))
    }
    change = ll.Patch(ll.latents_at(model, sets["English"][concepts[0]]))
    targets = {
        f"{letter} in {name}": [prompts[concept].token_ids[prompts.target]]
        for name, prompts in sets.items()
        for letter, concept in zip("AB", concepts)
    }
    asked = sets["Chinese"][concepts[1]]
    sweep = ll.sweep(model, asked, change, targets=targets, progress=False)
    return {label: values[0, layer - 1].item() for label, values in sweep.probability.items()}


def _choose(page, description: str, value: str) -> None:
    """Choose an entry of a dropdown, a language or a task, by the code in its label."""
    label = value if description == "Task" else language_label(value)
    page.locator(".latentlang-prompt").get_by_label(description, exact=True).select_option(
        label=label
    )


def _wait_for_query(page, end: str) -> None:
    """Wait until the prompt on screen ends with some text, and all is drawn."""
    page.wait_for_function(
        "([css, end]) => document.querySelector(`${css} pre`).textContent.endsWith(end)",
        arg=[PROMPT, end],
    )
    _settle(page)


def _wait_until_it_fills(page) -> None:
    """Wait until the figures are laid out for the width of the window."""
    page.wait_for_timeout(300)  # the page says its width after a tenth of a second
    page.wait_for_function(GRID_FILLS, arg=PROMPT)
    _settle(page)


def _wait_for_title(page, route: str) -> None:
    page.locator(f"{GRID} .facts", has_text=route).wait_for()
    _settle(page)


def _settle(page) -> None:
    """Wait until the explorer has finished: the status names the result."""
    page.wait_for_function(
        f"() => document.querySelector('{STATUS}').textContent.includes('After layer')"
    )


def _cell(page, layer: int):
    """Return the cell of a layer in the last column."""
    return page.locator(f"{GRID} td[aria-label^='layer {layer},']").last


def _read(page) -> list[tuple]:
    """Return the layer, the token and its percentage in each cell of the last column."""
    rows = []
    for row in page.locator(f"{GRID} tbody tr").all():
        label = row.locator("td").last.get_attribute("aria-label")
        layer, token, percent = re.fullmatch(
            r"layer (\d+), .* », (.*), ([\d.]+) %, [^,]*", label
        ).groups()
        rows.append((int(layer), token, pytest.approx(float(percent), rel=0.06, abs=0.51)))
    return rows


def _reading(run) -> list[tuple]:
    """Return what ``_read`` finds if a run of one prompt at one position is on screen."""
    best = zip(run.layers, run.top_ids[0, :, 0].tolist(), run.top_probs[0, :, 0].tolist())
    rows = [(layer, token_text(token, run.tokenizer), 100 * share) for layer, token, share in best]
    return rows[::-1]


def _expected_reading(model, source: str, target: str, concept: str) -> list[tuple]:
    prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer)
    return _reading(ll.decode(model, prompts[concept], progress=False))


def _paths(page) -> list[str]:
    """Return the curves that the browser has drawn; the grid lines are not among them."""
    return page.locator(f"{GRID} .side svg[role=img] path[stroke-width]").evaluate_all(
        "lines => lines.map(line => line.getAttribute('d'))"
    )


def _expected_values(model, source: str, target: str, concept: str) -> dict:
    """Return what the library itself computes for one prompt, to be compared within 0.001."""
    prompts = ll.build_prompts("translation", source, target, tokenizer=model.tokenizer)
    read = ll.decode(model, prompts[concept], progress=False)
    return {
        language_label(code): pytest.approx(values[0].tolist(), abs=1e-3)
        for code, values in read.probability.items()
    }


def _assert_clean(notebook) -> None:
    assert notebook.errors == []
    assert notebook.external == []
