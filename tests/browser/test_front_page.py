"""The explorer on the site's first page: its numbers, by mouse and keyboard, on a desk and a phone.

It is opened from a folder, without a network.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import chromium
import pandas as pd
import pytest
import torch
from hub import node_tool

import latentlang as ll
from tools import ROOT, front

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import fronts

DESK, PHONE = {"width": 1400, "height": 1000}, {"width": 390, "height": 844}
SCREENS = pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
AXE = "axe-core@4.14.1"
QWEN, GEMMA = "qwen2.5-coder-1.5b-instruct", "gemma-3-270m"
LANGUAGES = {"English": "en", "German": "de", "French": "fr", "Chinese": "zh", "Russian": "ru"}
# What Plotly holds of the figure in a part of the page.
DATA = """part => document.querySelector(`[aria-labelledby=ll-front-${part}-title] .ll-plot`).data
    .map(({ name, legendgroup, mode, fill, x, y, customdata, yaxis }) =>
        ({ name, legendgroup, mode, fill, x, y, customdata, yaxis }))"""
DRAWN = """() => document.querySelectorAll("#ll-front .main-svg").length > 4"""
CELLS = """element => [...element.shadowRoot.querySelectorAll("td")].map(cell => cell.ariaLabel)"""
# Texts of figures that stand beyond their frame.
BEYOND = """() => [...document.querySelectorAll(".ll-figure")].flatMap(figure => {
    const frame = figure.getBoundingClientRect();
    return [...figure.querySelectorAll("svg text")].filter(text => {
        const box = text.getBoundingClientRect();
        return box.width && (box.left < frame.left - 2 || box.right > frame.right + 2); })
        .map(text => text.textContent); })"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """The first page as the site has it, with all that is stored."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", chromium.find())
        return fronts.site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def opened(offline, page_file):
    """``opened(link, screen)`` -> the page, offline, when its figures are drawn."""

    def visit(link: str = "", screen: dict = DESK, **settings):
        page = offline(page_file.as_uri() + link, screen, **settings)
        page.wait_for_function(DRAWN)
        return page

    return visit


def control(page, label: str):
    return page.get_by_label(label, exact=True)


def said(page) -> str:
    return page.locator(".ll-said").inner_text()


def lines(data: list[dict]) -> dict[str, list[float]]:
    """Return the curves of a figure by the first word of their name: a language, or a reading."""
    named = [each for each in data if (each["mode"] or "").startswith("lines+")]
    return {re.split(r"\W", each["name"])[0]: each["y"] for each in named}


def bands(data: list[dict]) -> dict[str, list[float]]:
    filled = [each for each in data if each["fill"] == "toself" and each["legendgroup"]]
    return {re.split(r"\W", each["legendgroup"])[0]: each["y"] for each in filled}


def same(shown: list[float], wanted: torch.Tensor) -> bool:
    return shown == pytest.approx(wanted.tolist(), abs=1e-6)


@pytest.mark.more
@pytest.mark.parametrize(
    ("model", "source", "target", "concept"),
    [(QWEN, "fr", "de", "door"), (QWEN, "ru", "zh", "sky"), (GEMMA, "de", "zh", "sky")],
)
@SCREENS
def test_numbers_equal_the_librarys(opened, model, source, target, concept, screen):
    page = opened(f"#model={model}&source={source}&target={target}&concept={concept}", screen)
    stored = ll.load_model(model, stored=True)
    run = ll.run_experiment(stored, "translation", source, target, every=4, progress=False)
    curves, phases = page.evaluate(DATA, "curves"), page.evaluate(DATA, "phases")
    for data in (curves, phases):
        for name, code in LANGUAGES.items():
            assert (name in lines(data)) == (code in run.languages)
            if code in run.languages:
                p = run.probability[code].double()
                half = 1.96 * p.std(0) / len(p) ** 0.5
                assert same(lines(data)[name], p.mean(0))
                edge = torch.cat([p.mean(0) + half, (p.mean(0) - half).flip(0)])
                assert bands(data)[name] == pytest.approx(edge.tolist(), abs=1e-4)
        assert same(lines(data)["entropy"], run.entropy.double().mean(0))
    assert same(lines(phases)["token"], run.energy.double().mean(0))

    english = run.probability["en"].double()
    up, across = english[:, int(english.mean(0).argmax())], run.probability[target][:, -1]
    dots = [each for each in page.evaluate(DATA, "dots") if each["customdata"]]
    places = {n: xy for each in dots for n, *xy in zip(each["customdata"], each["x"], each["y"])}
    for n in range(len(run)):
        assert places[n] == pytest.approx([across[n].item(), up[n].item()], abs=1e-6)
    row = run.prompts["concept"].tolist().index(concept)
    ring = page.evaluate(DATA, "dots")[-1]
    assert [*ring["x"], *ring["y"]] == places[row]

    labels = page.locator("#ll-front [aria-labelledby=ll-front-grid-title] .ll-slot > div")
    cells = labels.evaluate(CELLS)
    assert len(cells) == len(run.layers)
    for label, layer in zip(cells, reversed(run.layers)):
        text = ll.plots.token_text(run.top_ids[row, layer - 1, 0].item(), stored.tokenizer)
        share = re.search(r", ([\d.]+) %, ", label)
        assert label.startswith(f"layer {layer}, {concept}: after « ") and f", {text}, " in label
        chance = 100 * run.top_probs[row, layer - 1, 0].item()
        assert float(share[1]) == pytest.approx(chance, abs=0.51)

    patch = page.evaluate(DATA, "patch") if control(page, "Latents from").input_value() else []
    if patch:
        pair = tuple(control(page, "Latents from").input_value().split("-"))
        sweep = ll.run_sweep(stored, "patch", pair, (source, target), every=4, progress=False)
        drawn = [each["y"] for each in patch if each["mode"] == "lines+markers"]
        means = [p.double().mean(0) for p in sweep.probability.values()]
        assert len(drawn) == len(means) and all(map(same, drawn, means))


@pytest.mark.more
@SCREENS
def test_llama_2_shows_the_published_means_and_says_what_it_lacks(opened, shoot, screen):
    page = opened("#model=llama-2-70b", screen)
    table = pd.read_csv(ROOT / "data" / "published" / "llama2_to_chinese.csv")
    table = table[table["model"] == "llama-2-70b"]
    drawn = lines(page.evaluate(DATA, "phases"))
    columns = {"English": "p_english", "Chinese": "p_chinese", "token": "token_energy"}
    for name, column in {**columns, "entropy": "entropy_bits"}.items():
        assert drawn[name] == pytest.approx(table[column].tolist(), abs=1e-6)
    assert bands(page.evaluate(DATA, "curves")) == {}
    for label in ("Task", "From", "To", "Concept", "Latents from"):
        choice = control(page, label)
        assert choice.is_disabled()
        why = page.locator(f"#{choice.get_attribute('aria-describedby')}")
        assert why.is_visible() and why.inner_text() == choice.get_attribute("title") != ""
    assert "not run here" in page.locator("#ll-front-model-why").inner_text()
    assert page.locator(".ll-grid, [role=grid]").count() == 0
    shoot(page)


@pytest.mark.more
def test_a_mouse_chooses_model_languages_concept_and_patch(opened, shoot):
    page = opened(screen=DESK)
    assert page.url.endswith("index.html"), "A plain address stays plain."
    control(page, "Model").select_option(GEMMA)
    page.get_by_role("status").get_by_text("gemma-3-270m, translation, French → German").wait_for()
    control(page, "From").select_option("de")
    page.get_by_role("status").get_by_text("German → ").wait_for()
    control(page, "To").select_option("zh")
    page.get_by_role("status").get_by_text("German → Chinese: English rises to").wait_for()
    assert f"#model={GEMMA}&task=translation&source=de&target=zh&concept=" in page.url
    # A dot that no other one covers, under the pointer.
    number, x, y = page.locator("[aria-labelledby=ll-front-dots-title] .ll-plot").evaluate(
        """place => { const at = (trace, n) => [trace.customdata[n], trace.x[n], trace.y[n]];
        const dots = place.data.filter(t => t.customdata).flatMap(t => t.x.map((_, n) => at(t, n)));
        const far = ([, x, y]) => Math.min(...dots.filter(d => d[1] !== x || d[2] !== y)
            .map(d => Math.hypot(d[1] - x, d[2] - y)));
        const best = dots.reduce((a, b) => far(a) > far(b) ? a : b);
        place.scrollIntoView({ block: "center", behavior: "instant" });
        const { xaxis, yaxis } = place._fullLayout, box = place.getBoundingClientRect();
        return [best[0], box.left + xaxis._offset + xaxis.l2p(best[1]),
                box.top + yaxis._offset + yaxis.l2p(best[2])]; }"""
    )
    page.mouse.move(x, y)
    page.wait_for_timeout(300)  # Plotly looks for a dot now and then
    page.mouse.click(x, y)
    name = control(page, "Concept").locator("option").nth(number).inner_text()
    page.wait_for_function("name => location.hash.includes(`concept=${name}`)", arg=name)
    assert control(page, "Concept").input_value() == name
    assert said(page).startswith(f"{name}: P(English) at layer ")
    before = page.evaluate(DATA, "patch")
    control(page, "Latents from").select_option("fr-en")
    page.wait_for_function("() => location.hash.includes('patch=fr-en')")
    assert page.evaluate(DATA, "patch") != before
    shoot(page)


@pytest.mark.more
def test_a_task_of_one_language_and_a_concept_that_no_mean_holds(opened, shoot):
    page = opened(f"#model={GEMMA}&source=fr&target=de")
    control(page, "Task").select_option("repetition")
    page.get_by_role("status").get_by_text("gemma-3-270m, repetition, German: ").wait_for()
    assert (
        control(page, "From").is_disabled()
        and "has one language" in page.locator("#ll-front-source-why").inner_text()
    )
    control(page, "To").select_option("ru")
    page.get_by_role("status").get_by_text("gemma-3-270m, repetition, Russian: ").wait_for()
    stored = ll.load_model(GEMMA, stored=True)
    run = ll.run_experiment(stored, "repetition", target="ru", every=4, progress=False)
    assert same(
        lines(page.evaluate(DATA, "curves"))["Russian"], run.probability["ru"].double().mean(0)
    )
    control(page, "Task").select_option("cloze")
    page.get_by_role("status").get_by_text("gemma-3-270m, cloze, Russian: ").wait_for()
    control(page, "Task").select_option("translation")
    page.get_by_role("status").get_by_text(
        "gemma-3-270m, translation, French → Russian: "
    ).wait_for()
    control(page, "Concept").select_option("flower")
    page.get_by_role("status").get_by_text("flower is shown on its own").wait_for()
    mean = ll.run_experiment(stored, "translation", "fr", "ru", every=4, progress=False)
    assert same(
        lines(page.evaluate(DATA, "curves"))["English"], mean.probability["en"].double().mean(0)
    )
    flower = ll.run_experiment(stored, "translation", "fr", "ru", concepts="flower", progress=False)
    cells = page.locator("#ll-front [aria-labelledby=ll-front-grid-title] .ll-slot > div")
    top = ll.plots.token_text(flower.top_ids[0, -1, 0].item(), stored.tokenizer)
    assert cells.evaluate(CELLS)[0].startswith("layer 18, flower: ")
    assert f", {top}, " in cells.evaluate(CELLS)[0]
    shoot(page)


@pytest.mark.more
@SCREENS
def test_a_keyboard_reaches_and_changes_everything(opened, screen):
    page = opened(f"#model={GEMMA}&source=de&target=zh", screen)
    control(page, "Model").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("status").get_by_text("qwen2.5-coder-1.5b-instruct").wait_for()
    focus = "() => document.activeElement.id"
    assert page.evaluate(focus) == "ll-front-model", "The focus stays on the control."
    page.keyboard.press("ArrowUp")
    page.get_by_role("status").get_by_text("gemma-3-270m, translation").wait_for()
    seen = ["ll-front-model"]
    for _ in range(60):
        page.keyboard.press("Tab")
        if (now := page.evaluate(focus)).startswith("ll-front-") and now not in seen:
            seen.append(now)
        if now == "ll-front-concept":
            break
    names = ("model", "task", "source", "target", "concept")
    assert seen == [f"ll-front-{name}" for name in names]
    page.keyboard.press("ArrowDown")
    second = control(page, "Concept").locator("option").nth(1).inner_text()
    page.get_by_role("status").get_by_text(f"{second}: P(English)").wait_for()
    in_grid = """() => document.activeElement.shadowRoot?.activeElement?.ariaLabel ?? "" """
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(in_grid).startswith("layer "):
            break
    page.keyboard.press("ArrowDown")
    assert page.evaluate(in_grid).startswith(f"layer 17, {second}: ")
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").locator("ol li").count() == 10
    page.keyboard.press("Escape")
    assert "grid=at=0.17.0" in page.url


@pytest.mark.more
def test_a_link_carries_the_view_and_another_one_changes_it(opened):
    page = opened(f"#model={GEMMA}&source=ru&target=zh&concept=lake")
    page.get_by_label("Colour by").select_option("entropy")
    page.get_by_role("button", name="Copy the link to this view").click()
    page.get_by_role("status").get_by_text("index.html#").first.wait_for()
    link = said(page).partition("#")[2]
    page.get_by_role("button", name="Copy link", exact=True).click()
    own = page.locator("[aria-labelledby=ll-front-grid-title] .ll-slot > div")
    own.get_by_role("status").get_by_text("index.html#").wait_for()
    assert own.get_by_role("status").inner_text().partition("#")[2] == link
    again = opened(f"#{link}")
    for label in ("Model", "From", "To", "Concept", "Latents from"):
        assert control(again, label).input_value() == control(page, label).input_value()
    assert again.get_by_label("Colour by").input_value() == "entropy"
    assert again.evaluate(DATA, "curves") == page.evaluate(DATA, "curves")
    again.evaluate("location.hash = 'model=llama-2-7b'")
    again.get_by_role("status").get_by_text("llama-2-7b, translation").wait_for()


@pytest.mark.more
@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("#model=gpt-9", "Model “gpt-9”"),
        ("#model=gemma-3-270m&source=xx&target=%E0%A4%A", "From “xx” and To “%E0%A4%A”"),
        ("#concept=<img src=x onerror=ran=1>", "Concept “<img src=x onerror=ran=1>”"),
        ("#modle=gemma-3-270m", "“modle”"),
        ("#model=llama-2-7b&concept=sky&patch=fr-en", "Concept “sky” and Latents from “French →"),
        ("#grid=by=nothing;at=9.9.9&task=poem", "Task “poem”"),
        ("#__proto__=1&constructor=2", "“constructor”"),
    ],
)
def test_a_link_to_what_is_not_stored_falls_back_with_a_sentence(opened, link, words):
    page = opened(link) if "llama" not in link else opened()
    page.goto(page.url.partition("#")[0] + link)
    page.get_by_role("status").get_by_text("What comes nearest is shown").wait_for()
    assert words in said(page)
    page.wait_for_function("() => location.hash.startsWith('#model=')")
    assert page.locator("#ll-front .js-plotly-plot").count() >= 2


@pytest.mark.more
@pytest.mark.parametrize("scheme", ["light", "dark"])
@SCREENS
def test_it_fits_and_axe_finds_nothing_serious(opened, request, shoot, screen, scheme):
    commands = node_tool(request.config.cache.mkdir("node-axe"), AXE)
    script = (commands.parent / "axe-core" / "axe.min.js").read_text("utf-8")
    for link in ("", "#model=llama-2-7b"):
        page = opened(link, screen, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
        assert page.evaluate(BEYOND) == []
        page.add_script_tag(content=script)
        found = page.evaluate(
            "async () => (await axe.run(document, { preload: false })).violations"
            ".map(v => [v.id, v.impact, v.nodes.map(n => n.html)])"
        )
        assert [each for each in found if each[1] in ("serious", "critical")] == []
        told = page.locator(".ll-figure")
        for n in range(told.count()):
            assert len(told.nth(n).get_attribute("aria-label")) > 60
        page.locator("#ll-front").scroll_into_view_if_needed()
        shoot(page, "llama" if link else "first")


@pytest.mark.more
def test_the_first_view_is_light(browser, page_file):
    page = browser.new_page(viewport=DESK)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    page.wait_for_function(DRAWN)
    files = {Path(unquote(urlsplit(url).path)) for url in asked if url.startswith("file:")}
    assert len(files) > 10
    assert sum(path.stat().st_size for path in files if path.name != "plotly.min.js") < 2_000_000
    page.close()


@pytest.mark.more
def test_on_paper_all_of_it_is_there_and_nothing_is_covered(opened, shoot):
    page = opened()
    page.emulate_media(media="print")
    drawn = page.locator(".ll-slot .main-svg").first.bounding_box()["width"]
    page.set_viewport_size({"width": 718, "height": 1000})  # of A4, between Chromium's margins
    assert drawn <= page.locator(".ll-slot").first.bounding_box()["width"]
    chips = page.locator("[aria-labelledby=ll-front-grid-title] .chips").bounding_box()
    after = page.locator("#ll-front-phases-title").bounding_box()
    assert chips["y"] + chips["height"] < after["y"]
    assert page.locator("#ll-front > button").is_hidden()
    shoot(page)


@pytest.mark.more
def test_without_scripts_there_is_a_picture_with_words(browser, page_file):
    page = browser.new_page(viewport=DESK, java_script_enabled=False)
    page.goto(page_file.as_uri())
    picture = page.locator("#ll-front img")
    picture.scroll_into_view_if_needed()
    assert picture.bounding_box()["height"] > 300
    assert "English leads at layers" in picture.get_attribute("alt")
    page.close()


@pytest.mark.more
def test_a_missing_file_of_data_is_named(browser, tmp_path):
    page_file = fronts.bare(tmp_path, [fronts.hostile()])
    (tmp_path / "static" / "front" / "planted" / "translation-fr-zh" / "3.js").unlink()
    page = browser.new_page(viewport=DESK)
    page.goto(page_file.as_uri())
    page.wait_for_function(DRAWN)
    control(page, "Concept").select_option(index=3)
    page.get_by_role("status").get_by_text("3.js is missing").first.wait_for()
    control(page, "Concept").select_option(index=2)
    page.wait_for_function("() => location.hash.includes('concept=')")
    page.close()


def test_hostile_words_run_nowhere(offline, tmp_path):
    answer = fronts.hostile()
    page = offline(fronts.bare(tmp_path, [answer]).as_uri(), DESK)
    page.wait_for_function(DRAWN)
    concepts = control(page, "Concept")
    for n, concept in enumerate(answer.run.prompts["concept"][:6]):
        concepts.select_option(index=n)
        page.wait_for_function(
            "name => document.querySelector('.ll-number').textContent.startsWith(`${name}: `)",
            arg=concept,
        )
    dots = page.locator("[aria-labelledby=ll-front-dots-title] .ll-plot")
    dots.evaluate("place => Plotly.Fx.hover(place, [{ curveNumber: 1, pointNumber: 0 }])")
    assert page.locator("#ll-front img").count() == 0


def test_a_pair_and_published_means_answer(offline, tmp_path):
    shown = [
        each
        for each in front.answers()
        if each.key in (f"{QWEN}/translation-fr-de", "llama-2-7b/translation-de+fr+ru-zh")
    ]
    page = offline(fronts.bare(tmp_path, shown).as_uri(), PHONE)
    page.wait_for_function(DRAWN)
    mean = shown[0].run.probability["en"].double().mean(0)
    assert same(lines(page.evaluate(DATA, "curves"))["English"], mean)
    control(page, "Model").select_option("llama-2-7b")
    page.get_by_role("status").get_by_text("llama-2-7b, translation").wait_for()
    mean = shown[1].run.probability["en"]
    assert same(lines(page.evaluate(DATA, "curves"))["English"], mean)
