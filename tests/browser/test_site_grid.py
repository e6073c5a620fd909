"""A lens grid on the site: live, linked, in the dark, on a phone, on paper, without scripts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hub import node_tool

import latentlang as ll
from tools import pages
from tools import site as site_tool

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import grids

pytestmark = pytest.mark.more

AXE = "axe-core@4.14.1"
DESK, PHONE = {"width": 1400, "height": 1000}, {"width": 390, "height": 844}
SHEET = {"width": 718, "height": 1000}  # what Chromium's margins leave of A4
PAPER = """() => getComputedStyle(document.querySelector(".ll-grid").shadowRoot
    .querySelector(".root")).backgroundColor"""
VIEW = """element => { const root = element.shadowRoot;
    const cells = [...root.querySelectorAll("td")];
    return [cells.map(cell => cell.style.cssText), root.querySelector(".side").innerHTML,
            cells.find(cell => cell.tabIndex === 0).getAttribute("aria-label"),
            [...root.querySelectorAll("select")].map(choice => choice.value)]; }"""
# What stands beyond the right edge and is not inside something that scrolls.
CUT = """() => [...document.querySelector(".ll-grid").shadowRoot.querySelectorAll("*")]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """A page of the site with two grids of one run, which differ in their states."""
    folder = tmp_path_factory.mktemp("site")
    sources, made = folder / "sources", folder / "made"
    shutil.copytree(site_tool.WEB / "static", sources / "static")
    shutil.copy(site_tool.WEB / "conf.py", sources)
    pages.copy_scripts(sources / "static")
    run = grids.planted().run
    shown = [ll.plots.grid(run), ll.plots.grid(run, state="by=entropy;layers=3-9")]
    cells = [nbformat.v4.new_markdown_cell("# Two grids\n\nText above them.\n")]
    for grid in shown:
        bundle = grid._repr_mimebundle_()
        output = nbformat.v4.new_output("execute_result", data=bundle, execution_count=1)
        cells.append(nbformat.v4.new_code_cell("ll.plots.grid(run)", outputs=[output]))
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(pages.still(notebook), sources / "index.ipynb")
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(sources), str(made)]
    subprocess.run(sphinx, check=True)
    return made / "index.html"


@pytest.fixture
def opened(offline, page_file):
    """``opened(screen, link)`` -> the page, offline."""

    def visit(screen: dict = DESK, link: str = "", **settings):
        page = offline(page_file.as_uri() + link, screen, **settings)
        page.locator(".ll-grid td").first.wait_for()
        return page

    return visit


def test_both_grids_are_live_with_their_own_states(opened, shoot):
    page = opened()
    assert page.locator(".ll-scroll .ll-grid").count() == 0, "A popup would be cut."
    colours = page.get_by_label("Colour by")
    assert [colours.nth(n).input_value() for n in range(2)] == ["role", "entropy"]
    page.locator("td[aria-label^='layer 14,']").last.scroll_into_view_if_needed()
    shoot(page, "desk")
    page.locator("td[aria-label^='layer 14,']").last.click()
    assert page.get_by_role("dialog").locator("ol li").count() == 10
    shoot(page, "popup")


def test_a_copied_link_opens_the_page_at_the_same_view(opened):
    page = opened()
    grid = page.locator(".ll-grid").first
    grid.get_by_label("Colour by").select_option("rank.zh")
    grid.locator("td[aria-label^='layer 14,']").last.click()
    grid.get_by_role("button", name="follow ␣eagle").click()
    page.keyboard.press("Escape")
    grid.get_by_role("button", name="Copy link").click()
    status = grid.get_by_role("status")
    status.get_by_text("index.html#grid-").wait_for()
    link = status.inner_text().partition("#")[2]
    assert link.endswith(f"=by=rank.zh;at=0.14.5;follow=en,zh,fr,0t{grids.EAGLE}")
    status.evaluate("said => { said.textContent = ''; }")
    again = opened(link=f"#{link}")
    assert again.locator(".ll-grid").first.evaluate(VIEW) == grid.evaluate(VIEW)
    other = again.locator(".ll-grid").nth(1)
    assert other.get_by_label("Colour by").input_value() == "entropy", "It is about the first one."
    top = again.locator(".ll-grid").first.evaluate("grid => grid.getBoundingClientRect().top")
    assert -1 <= top < 400
    again.goto(again.url.partition("#")[0] + f"#{link.partition('=')[0]}=by=entropy")
    again.wait_for_function(
        "() => document.querySelector('.ll-grid').shadowRoot.querySelector('select').value"
        " === 'entropy'"
    )


def test_it_follows_the_readers_theme_and_the_button_of_the_page(opened, shoot):
    page = opened(color_scheme="dark")
    assert page.evaluate(PAPER) == "rgb(17, 17, 17)"
    page.locator(".ll-grid").first.scroll_into_view_if_needed()
    shoot(page, "dark")
    page.evaluate("document.body.dataset.theme = 'light'")
    page.wait_for_function(f"() => ({PAPER})() === 'rgb(255, 255, 255)'")


def test_it_fits_a_phone(opened, shoot):
    page = opened(PHONE, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".ll-grid").first.scroll_into_view_if_needed()
    shoot(page, "phone")
    place = page.locator("td[aria-label^='layer 14,']").last
    place.scroll_into_view_if_needed()
    place.tap()
    box = page.get_by_role("dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    shoot(page, "popup")


def test_on_paper_it_is_whole(opened, shoot):
    page = opened(SHEET, color_scheme="dark")
    page.emulate_media(media="print")
    shoot(page)
    assert page.evaluate(CUT) == []
    grid = page.locator(".ll-grid").first
    assert grid.locator("td:visible").count() == 18 * 6
    assert grid.locator(".side svg").first.is_visible()
    assert grid.get_by_role("button").first.is_hidden()


def test_without_scripts_there_is_a_table_of_the_last_column(browser, page_file, shoot):
    page = browser.new_page(viewport=DESK, java_script_enabled=False)
    page.goto(page_file.as_uri())
    rows = page.locator(".ll-grid").first.locator("tr")
    assert rows.count() == 1 + 18
    assert rows.nth(5).inner_text().split("\t")[:2] == ["14", "␣eagle"]
    assert rows.nth(5).is_visible()
    page.locator(".ll-grid").first.scroll_into_view_if_needed()
    shoot(page)
    page.close()


def test_axe_finds_nothing_serious(opened, request):
    commands = node_tool(request.config.cache.mkdir("node-axe"), AXE)
    page = opened()
    page.locator("td[aria-label^='layer 14,']").last.click()
    page.add_script_tag(content=(commands.parent / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, { preload: false })).violations"
        ".map(v => [v.id, v.impact, v.nodes.map(n => n.html)])"
    )
    assert [each for each in found if each[1] in ("serious", "critical")] == []
