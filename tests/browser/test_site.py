"""The static site works from a folder without a network, on a desk and on a phone.

It also works for readers who do not see the figures.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hub import node_tool

from tools import ROOT
from tools import site as site_tool

pytestmark = pytest.mark.more

AXE = "axe-core@4.14.1"  # the accessibility checks, from npm
PAGES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
GUIDES = ["index", "GLOSSARY", "INSTRUCTOR", "reference/index", "reference/lens.decode"]
SCREENS = {"desk": {"width": 1400, "height": 1000}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, made from the notebooks that the browser executed for ``test_course.py``."""
    out = tmp_path_factory.mktemp("site") / "site"
    assert site_tool.main(["--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def axe(request) -> str:
    commands = node_tool(request.config.cache.mkdir("node-axe"), AXE)
    return (commands.parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def opened(browser, path: Path, screen: str):
    """Open a page and scroll through it; return it, its requests to the network and its errors."""
    page = browser.new_page(viewport=SCREENS[screen])
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
    assert figures.count() >= (2 if name in PAGES else 0)
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
@pytest.mark.parametrize("name", [PAGES[1], PAGES[4], "INSTRUCTOR"])
def test_page_fits_a_phone(site, browser, shoot, name):
    page, trouble = opened(browser, site / f"{name}.html", "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS["phone"]["width"]
    shoot(page)
    assert trouble == []
    page.close()


def test_every_figure_has_words_and_every_curve_its_numbers(site):
    for name in PAGES:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        told = re.findall(
            r'class="?\'?ll-plot\'?"? role=[\'"]group[\'"] aria-label=[\'"]([^\'"]+)[\'"]', text
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
    said = set()
    for n in range(asked.locator("input").count()):
        asked.locator("label").nth(n).click()
        shown = [text for text in asked.locator(".ll-told > div").all() if text.is_visible()]
        assert len(shown) == 1
        said.add(shown[0].inner_text())
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
