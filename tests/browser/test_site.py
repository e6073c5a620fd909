"""The static site works from a folder without a network, on a desk, on a phone and on paper.

It also works in the dark, without scripts, and for readers who do not see the figures.
"""

from __future__ import annotations

import io
import re
import statistics
import zlib
from pathlib import Path

import chromium
import pytest
from hub import node_tool
from PIL import Image

from tools import ROOT
from tools import site as site_tool

pytestmark = pytest.mark.more

AXE = "axe-core@4.14.1"  # the accessibility checks, from npm
PAGES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
GUIDES = [
    "index",
    "atlas",
    "GLOSSARY",
    "REPORT",
    "INSTRUCTOR",
    "reference/index",
    "reference/lens.decode",
]
SCREENS = {"desk": {"width": 1400, "height": 1000}, "phone": {"width": 390, "height": 844}}
SOME = [PAGES[1], PAGES[4]]  # curves, a heatmap, a path in three dimensions, a map
MARGIN, SHEET = "0.4in", 718  # Chromium's own margins; pixels between them on A4
# Each figure on a sheet of its own, and nothing else seen.
ONLY_FIGURES = """@media print {
    body * { visibility: hidden; } .ll-figure .ll-picture { visibility: visible; }
    .ll-figure { break-before: page; break-after: page; } }"""
# How many marks each figure draws, from its own numbers; what is not flat is one image.
MARKS = """() => [...document.querySelectorAll(".ll-figure script")].map(script => {
    const marks = trace => {
        if (trace.visible === false || trace.visible === "legendonly") return 0;
        if (trace.type === "bar") return trace.y.filter(y => y).length;
        if (trace.type !== "scatter" || !(trace.mode || "").includes("markers")) return 0;
        return trace.y.filter(y => y !== null).length; };
    const all = JSON.parse(script.textContent).data.map(marks).reduce((a, b) => a + b, 0);
    return Math.max(all, 1); })"""
LOADED = "() => [...document.querySelectorAll('.ll-picture')].every(image => image.naturalWidth)"
CUT = """() => [...document.querySelectorAll("article *")]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 90))"""
FILTER = "element => getComputedStyle(element).filter"
# Texts of a figure that stand beyond its frame.
BEYOND = """figure => { const frame = figure.getBoundingClientRect();
    return [...figure.querySelectorAll("svg text")].filter(text => {
        const box = text.getBoundingClientRect();
        return box.width && (box.left < frame.left - 2 || box.right > frame.right + 2); })
        .map(text => text.textContent); }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, made from the notebooks that the browser executed for ``test_course.py``."""
    out = tmp_path_factory.mktemp("site") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", chromium.find())
        assert site_tool.main(["--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def axe(request) -> str:
    commands = node_tool(request.config.cache.mkdir("node-axe"), AXE)
    return (commands.parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def opened(browser, path: Path, screen: str, **settings):
    """Open a page and scroll through it; return it, its requests to the network and its errors."""
    page = browser.new_page(viewport=SCREENS[screen], **settings)
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "data:", "blob:")) else trouble.append(asked.url)
        ),
    )
    page.goto(path.as_uri())
    for at in range(0, page.evaluate("document.documentElement.scrollHeight"), 800):
        page.evaluate(f"window.scrollTo(0, {at})")
        page.wait_for_timeout(150)
    return page, trouble


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [*PAGES, *GUIDES])
def test_page_is_whole_offline_and_accessible(site, browser, axe, shoot, name):
    page, trouble = opened(browser, site / f"{name}.html", "desk")
    assert trouble == []
    figures = page.locator(".ll-plot")
    for n in range(figures.count()):
        figures.nth(n).scroll_into_view_if_needed()
        figures.nth(n).locator(".main-svg").first.wait_for(timeout=30_000)
    assert figures.count() >= (2 if name in PAGES else int(name == "atlas"))
    assert name != "atlas" or page.locator("table.dataframe tr").count() > 10
    assert page.locator("h1").count() == 1
    shoot(page)
    page.add_script_tag(content=axe)
    found = page.evaluate(
        "async () => (await axe.run(document)).violations"
        ".map(v => [v.id, v.impact, v.nodes.map(n => n.html)])"
    )
    assert [violation for violation in found if violation[1] in ("serious", "critical")] == []
    page.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*SOME, "INSTRUCTOR"])
def test_page_fits_a_phone(site, browser, shoot, name):
    page, trouble = opened(browser, site / f"{name}.html", "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS["phone"]["width"]
    figures = page.locator(".ll-plot")
    for n in range(figures.count()):  # a figure is drawn when a reader comes near it
        page.locator(".ll-figure").nth(n).scroll_into_view_if_needed()
        figures.nth(n).locator(".main-svg").first.wait_for(timeout=30_000)
        assert figures.nth(n).evaluate(BEYOND) == []
        assert figures.nth(n).locator(".modebar-btn").count() == 0, "It would cover the title."
    shoot(page)
    assert trouble == []
    page.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*PAGES, "INSTRUCTOR"])
def test_a_page_that_was_just_opened_prints_whole(site, browser, name):
    page = browser.new_page(viewport=SCREENS["desk"])
    page.goto((site / f"{name}.html").as_uri())
    page.add_style_tag(content=ONLY_FIGURES)
    margins = dict.fromkeys(("top", "bottom", "left", "right"), MARGIN)
    painted = [count for count in _painted(page.pdf(format="A4", margin=margins)) if count]
    marks = page.evaluate(MARKS)
    assert page.evaluate(LOADED)
    assert len(painted) == len(marks) and all(p >= m for p, m in zip(painted, marks))
    page.set_viewport_size({"width": SHEET, "height": 1000})
    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    assert not page.locator(".skip-to-content").is_visible()
    page.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOME)
def test_figures_follow_the_readers_theme(site, browser, shoot, name):
    page, trouble = opened(browser, site / f"{name}.html", "desk", color_scheme="dark")
    figures = page.locator(".ll-plot")
    dark = [_brightness(figures.nth(n)) for n in range(figures.count())]
    shoot(page, "dark")
    page.emulate_media(color_scheme="light")
    light = [_brightness(figures.nth(n)) for n in range(figures.count())]
    assert max(dark) < 60 and min(light) > 150
    assert trouble == []
    page.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOME)
def test_without_scripts_there_are_pictures(site, browser, shoot, name):
    page = browser.new_page(viewport=SCREENS["desk"], java_script_enabled=False)
    page.goto((site / f"{name}.html").as_uri())
    pictures = page.locator(".ll-picture")
    for n in range(pictures.count()):
        pictures.nth(n).scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        assert len(set(_pixels(pictures.nth(n)))) > 20, "It is empty."
    shoot(page)
    text = (site / f"{name}.html").read_text(encoding="utf-8")
    assert pictures.count() == text.count("application/json") > 0
    page.close()


def _pixels(place) -> list[int]:
    """Return the brightness of each pixel of a place on the screen, 0 to 255."""
    return list(Image.open(io.BytesIO(place.screenshot())).convert("L").getdata())


def _brightness(place) -> int:
    """Return the median brightness of a place on the screen."""
    return int(statistics.median(_pixels(place)))


def _painted(pdf: bytes) -> list[int]:
    """Return how many areas, lines and images each sheet of Chromium's PDF paints."""
    objects = dict(re.findall(rb"\n(\d+) 0 obj\n(.*?)\nendobj", pdf, re.S))
    counts = []
    for page in (text for text in objects.values() if re.search(rb"/Type /Page\s", text)):
        stream = objects[re.search(rb"/Contents (\d+) 0 R", page)[1]]
        content = stream.partition(b"stream\n")[2].rpartition(b"\nendstream")[0]
        if b"/FlateDecode" in stream:
            content = zlib.decompress(content)
        counts.append(len(re.findall(rb"(?m)^(?:f|S|.* Do)$", content)))
    return counts


def test_every_figure_has_words_and_every_curve_its_numbers(site):
    for name in PAGES:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        told = re.findall(
            r'class="?\'?ll-figure\'?"? role=[\'"]figure[\'"] aria-label=[\'"]([^\'"]+)', text
        )
        assert len(told) == text.count("application/json") and all(
            len(words) > 40 for words in told
        )
        assert (
            text.count(" in numbers</summary>") + text.count('class="dataframe"') >= len(told) / 2
        )  # a path on the sphere has a table of its own


def test_a_prediction_answers_without_a_kernel(site, browser):
    page, _ = opened(browser, site / f"{PAGES[1]}.html", "desk")
    asked = page.locator(".ll-predict").first
    assert not asked.locator(".ll-told").is_visible()
    answer = page.locator(".cell:has(.ll-predict) + .cell .cell_output > *").first
    assert "blur" in answer.evaluate(FILTER)
    said = set()
    for n in range(asked.locator("input").count()):
        asked.locator("label").nth(n).click()
        shown = [text for text in asked.locator(".ll-told > div").all() if text.is_visible()]
        assert len(shown) == 1
        said.add(shown[0].inner_text())
    assert answer.evaluate(FILTER) == "none"
    assert (
        len(said) == asked.locator("input").count()
        and sum("Correct." in text for text in said) == 1
    )
    page.close()


def test_plotly_is_there_once_and_search_finds_a_word(site, browser):
    assert len([path for path in site.rglob("*.js") if path.stat().st_size > 2e6]) == 1
    assert all(path.stat().st_size < 2e6 for path in site.rglob("*.html"))
    page = browser.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=procrustes")
    page.locator("#search-results li a").first.wait_for(timeout=30_000)
    assert page.locator("#search-results li a").count() >= 2
    page.close()
