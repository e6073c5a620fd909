"""The saved lens grid, opened from disk: clicks, keys, states, screens, paper, hostile tokens."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from hub import node_tool
from playwright.sync_api import Page

import latentlang as ll
from latentlang.plots.grid import module

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import grids

AXE = "axe-core@4.14.1"
DESK, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
LABEL = "element => element.getAttribute('aria-label')"
FOCUS = """() => { let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at.getAttribute("aria-label") || at.textContent; }"""
# How unlike the letters of each cell and what lies behind them are: the smallest contrast.
CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d");
    const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = rgb => { const [r, g, b] = rgb.map(c => (c /= 255) <= 0.03928 ? c / 12.92
        : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const host = [...document.querySelectorAll("*")].find(each => each.shadowRoot);
    const root = host.shadowRoot.querySelector(".root");
    const paper = rgba(getComputedStyle(root).backgroundColor);
    return Math.min(...[...root.querySelectorAll("td")].filter(cell => cell.offsetWidth)
        .map(cell => { const style = getComputedStyle(cell);
            const [r, g, b, a] = rgba(style.backgroundColor);
            const behind = [r, g, b].map((c, n) => paper[n] + (c - paper[n]) * a / 255);
            const [x, y] = [light(behind), light(rgba(style.color).slice(0, 3))];
            return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); }));
}"""


@pytest.fixture(scope="module")
def planted() -> grids.Planted:
    return grids.planted()


@pytest.fixture(scope="module")
def saved(planted, tmp_path_factory) -> Path:
    return ll.plots.grid(planted.run).save(tmp_path_factory.mktemp("grid") / "grid.html")


@pytest.fixture
def opened(offline) -> Callable:
    """``opened(path, screen)`` -> a page without a network."""

    def visit(path: Path, screen: dict = DESK, link: str = "", **settings) -> Page:
        page = offline(path.as_uri() + link, screen, **settings)
        page.locator("table").first.wait_for()
        return page

    return visit


def cell(page: Page, layer: int, column: int = -1):
    return page.locator(f"td[aria-label^='layer {layer},']").nth(column)


def link(page: Page) -> str:
    """Return the state that "Copy link" gives."""
    page.get_by_role("button", name="Copy link").click()
    said = page.get_by_role("status")
    said.get_by_text("#grid-").wait_for()
    return said.inner_text().partition("#")[2]


def test_every_cell_says_what_the_run_holds(opened, saved, planted):
    labels = (
        opened(saved)
        .locator("td")
        .evaluate_all("cells => cells.map(cell => cell.getAttribute('aria-label'))")
    )
    frame = ll.plots.grid(planted.run).to_frame()
    best = frame[frame["rank"] == 1].sort_values(["layer", "column"], ascending=[False, True])
    assert len(labels) == len(best)
    names = {"en": "English word", "zh": "Chinese word", "fr": "French word", "": "no word"}
    for label, row in zip(labels, best.itertuples()):
        assert label.startswith(f"layer {row.layer}, after « ")
        assert f", {row.token}, " in label and names[row.language] in label
        percent = float(re.findall(r", ([\d.]+) %, ", label)[-1])
        assert percent == pytest.approx(100 * row.probability, abs=0.51)


def test_a_click_lists_the_candidates_and_follow_draws_their_sum(opened, saved, planted, shoot):
    page = opened(saved)
    cell(page, 14).click()
    popup = page.get_by_role("dialog")
    assert popup.get_attribute("aria-label").startswith("layer 14, after « ")
    shares = popup.locator("ol .share").all_inner_texts()
    assert len(shares) == 10
    for shown, chance in zip(shares, planted.run.top_probs[0, -1, 13].tolist()):
        assert float(shown.removesuffix(" %")) == pytest.approx(100 * chance, rel=0.06, abs=0.51)
    popup.locator("ol button").nth(0).click()
    leads = page.locator("td.leads").evaluate_all("cells => cells.map(cell => cell.ariaLabel)")
    assert len(leads) == (planted.run.top_ids[0, ..., 0] == grids.EAGLE).sum()
    assert all(", ␣eagle, " in label for label in leads)
    popup.locator("ol li").nth(1).get_by_role("button", name="+").or_(
        popup.get_by_role("button", name=re.compile("^add ")).first
    ).first.click()
    shoot(page)
    page.keyboard.press("Escape")
    assert popup.count() == 0 and page.evaluate(FOCUS).startswith("layer 14,")
    ids = planted.run.top_ids[0, -1, 13, :2].tolist()
    assert f"0t{ids[0]}+{ids[1]}" in link(page)
    total = planted.log_probs[-1, 13, ids].exp().sum().item()
    chip = page.locator(".chips li").last.inner_text()
    assert float(re.search(r"([\d.]+) %", chip)[1]) == pytest.approx(100 * total, abs=0.51)


def test_by_keys_alone_the_layer_at_which_english_leads_is_found_and_its_link_copied(opened, saved):
    page = opened(saved)
    keys = page.keyboard
    for _ in range(30):  # one stop for the whole grid
        keys.press("Tab")
        if page.evaluate(FOCUS).startswith("layer 18,"):
            break
    found = []
    for _ in range(17):
        keys.press("ArrowDown")
        if page.evaluate(FOCUS).endswith("English word"):
            found.append(int(page.evaluate(FOCUS).split(",")[0].removeprefix("layer ")))
    assert found == [16, 15, 14, 13]
    for _ in range(12):
        keys.press("ArrowUp")
    keys.press("f")
    keys.press("Enter")
    assert page.evaluate(FOCUS).startswith("layer 13, after")
    keys.press("Escape")
    keys.press("Shift+Tab")
    while page.evaluate(FOCUS) != "Copy link":
        keys.press("Shift+Tab")
    keys.press("Enter")
    page.get_by_role("status").get_by_text("#grid-").wait_for()
    state = page.get_by_role("status").inner_text().partition("#")[2].partition("=")[2]
    assert state == f"at=0.13.5;follow=en,zh,fr,0t{grids.EAGLE}"


def test_the_grid_is_one_stop_for_tab(opened, saved):
    page = opened(saved)
    assert page.locator("td[tabindex='0']").count() == 1
    cell(page, 18).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    assert page.locator("td[tabindex='0']").evaluate(LABEL) == page.evaluate(FOCUS)
    assert page.locator("td[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert not page.evaluate(FOCUS).startswith("layer ")


def test_a_link_and_a_state_open_the_same_view(opened, saved, planted, tmp_path):
    page = opened(saved)
    page.get_by_label("Colour by").select_option("rank.zh")
    page.get_by_role("button", name="Log scale").click()
    cell(page, 9, 1).click()
    page.get_by_role("button", name="second position").click()
    page.keyboard.press("Escape")
    cell(page, 14).click()
    page.get_by_label("Layers: first").select_option("5")
    own = link(page)
    state = own.partition("=")[2]
    assert state == "by=rank.zh;at=0.14.5;also=0.9.1;scale=log;layers=5-18"
    again = ll.plots.grid(planted.run, state=state).save(tmp_path / "again.html")
    view = "element => element.shadowRoot.querySelector('.root').innerHTML"
    seen = page.get_by_role("status").evaluate("said => { said.textContent = ''; }")
    seen = page.locator(".ll-grid").evaluate(view)
    for other in (opened(saved, link=f"#{own}"), opened(again)):
        assert other.locator(".ll-grid").evaluate(view) == seen
    assert page.locator("tbody tr").count() == 14


def test_a_link_with_nonsense_opens_the_grid_as_it_is(opened, saved):
    page = opened(saved)
    name = link(page).partition("=")[0]
    nonsense = "by=rank.x;at=9.9.9;also=..;follow=0t,9t9,%,zz;layers=99-98;columns=a;__proto__=1;;="
    other = opened(saved, link=f"#{name}={nonsense}")
    assert other.locator("td").count() == page.locator("td").count()


def test_two_positions_share_one_chart(opened, saved, planted):
    page = opened(saved)
    cell(page, 3, 2).focus()
    page.keyboard.press("s")
    cell(page, 14).click()
    page.keyboard.press("Escape")
    chip = page.locator(".chips li").first.inner_text()
    here, there = (float(share) for share in re.findall(r"([\d.]+) %", chip))
    values = planted.run.probability["en"][0, :, 13]
    assert here == pytest.approx(100 * values[-1].item(), abs=0.51)
    assert there == pytest.approx(100 * values[2].item(), rel=0.06)
    assert page.locator(".side svg path[stroke-dasharray='1.5 3']").count() == 3


def test_without_followed_tokens_words_can_be_followed_and_a_sentence_says_so(opened, tmp_path):
    run = grids.planted(follow=False).run
    page = opened(ll.plots.grid(run).save(tmp_path / "words.html"))
    cell(page, 14).click()
    popup = page.get_by_role("dialog")
    assert popup.locator("ol button").count() == 0 and popup.locator("ul button").count() == 3
    assert "decode(…, follow=True) keeps the other candidates" in popup.inner_text()
    popup.get_by_role("button", name="follow French word").click()
    assert page.locator(".chips li").count() == 2


def test_two_grids_stand_side_by_side_by_depth_and_differences_are_marked(opened, tmp_path, shoot):
    deep = grids.planted(4, 27, leads={grids.EAGLE: range(20, 24)}, seed=1).run
    run = grids.planted().run
    page = opened(ll.plots.grid(run, deep).save(tmp_path / "beside.html"))
    shoot(page)
    tables = page.locator("table")
    first, second = (tables.nth(n).locator("tbody").bounding_box() for n in range(2))
    assert first["height"] == pytest.approx(second["height"], abs=30)
    assert second["x"] > first["x"] + first["width"]
    eagle = page.locator("table").nth(1).locator("td[aria-label^='layer 21,']").last
    assert "differs" not in eagle.get_attribute("class")  # at the depth of layer 14 of 18
    assert "differs" in cell(page, 24).get_attribute("class")
    cell(page, 14, 5).focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUS).startswith("layer 21,")
    assert "depth" in page.locator(".side svg").first.inner_html()


def test_everything_fits_a_screen_and_a_phone(opened, saved, shoot):
    page = opened(saved)
    assert page.evaluate("document.documentElement.scrollHeight") <= DESK["height"]
    phone = opened(saved, PHONE, has_touch=True)
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for layer, column in ((14, -1), (18, 0), (1, -1)):
        place = cell(phone, layer, column)
        place.scroll_into_view_if_needed()
        place.tap()
        box = phone.get_by_role("dialog").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
        assert box["y"] >= 0 and box["y"] + box["height"] <= PHONE["height"]
        shoot(phone, str(layer))
        phone.keyboard.press("Escape")


@pytest.mark.parametrize("by", ["role", "probability", "entropy", "rank.en", "follow.0"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_can_be_read_on_every_cell_in_each_theme_and_on_paper(opened, saved, by, scheme):
    page = opened(saved, color_scheme=scheme)
    page.get_by_label("Colour by").select_option(by)
    assert page.evaluate(CONTRAST) >= 4.5
    page.emulate_media(media="print")
    assert page.evaluate(CONTRAST) >= 4.5
    assert page.locator("td.named").count() > 4
    assert page.get_by_role("button", name="Copy link").is_hidden()
    bodies = page.locator("td.named").last.evaluate("cell => getComputedStyle(cell).borderBottom")
    assert bodies.startswith("2px solid")


def test_a_wide_grid_on_paper_keeps_its_last_columns(opened, tmp_path):
    page = opened(ll.plots.grid(grids.planted(30).run).save(tmp_path / "wide.html"))
    page.set_viewport_size({"width": 718, "height": 1000})
    page.emulate_media(media="print")
    assert cell(page, 14).is_visible() and cell(page, 14, 0).is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 718


def test_the_theme_of_what_is_around_is_followed_live(opened, saved):
    page = opened(saved, color_scheme="light")
    paper = """dark => dark !== getComputedStyle(document.querySelector(".ll-grid").shadowRoot
        .querySelector(".root")).backgroundColor.includes("255, 255, 255")"""

    def becomes(dark: bool) -> None:
        page.wait_for_function(paper, arg=dark)

    becomes(False)
    page.emulate_media(color_scheme="dark")
    becomes(True)
    changes = [
        ("document.body.dataset.jpThemeLight = 'true'", False),
        ("document.body.dataset.jpThemeLight = 'false'", True),
        (
            "delete document.body.dataset.jpThemeLight; "
            "document.body.dataset.vscodeThemeKind = 'vscode-light'",
            False,
        ),
        ("document.body.dataset.vscodeThemeKind = 'vscode-high-contrast'", True),
        ("document.body.dataset.vscodeThemeKind = 'vscode-high-contrast-light'", False),
        (
            "delete document.body.dataset.vscodeThemeKind; "
            "document.documentElement.setAttribute('theme', 'dark')",
            True,
        ),  # Colab
        (
            "document.documentElement.removeAttribute('theme'); "
            "document.body.dataset.theme = 'light'",
            False,
        ),  # the site
    ]
    for change, expected in changes:
        page.evaluate(change)
        becomes(expected)
    assert page.evaluate(CONTRAST) >= 4.5


def test_in_a_notebook_the_state_is_copied_for_the_call(opened, saved):
    page = opened(saved)
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    cell(page, 9, 1).click()
    page.keyboard.press("Escape")
    page.get_by_label("Layers: last").select_option("17")
    page.get_by_role("button", name="Copy state").click()
    page.get_by_role("status").get_by_text('state="at=0.9.1;layers=1-17"').wait_for()


def test_pictures_and_numbers_come_out(opened, saved, planted, tmp_path):
    page = opened(saved)
    files = {}
    for kind in ("PNG", "SVG", "CSV"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Save as {kind}").click()
        files[kind] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[kind])
    assert files["PNG"].read_bytes().startswith(b"\x89PNG") and files["PNG"].stat().st_size > 20_000
    svg = files["SVG"].read_text("utf-8")
    assert "␣eagle" in svg and "<img" not in svg and "<script" not in svg and "var(" not in svg
    table = pd.read_csv(files["CSV"], keep_default_na=False)
    frame = ll.plots.grid(planted.run).to_frame()
    assert list(table.columns) == list(frame.columns) and len(table) == len(frame)
    same = [name for name in frame if name not in ("probability", "token", "label")]
    assert (table[same].astype(str) == frame[same].astype(str)).all(axis=None)
    assert (table["probability"] - frame["probability"]).abs().max() < 5e-4
    marked = frame["token"].str.replace(r"^([=+\-@])", r"'\1", regex=True)
    assert (table["token"] == marked).all() and marked.str.startswith("'=").any()


def test_hostile_texts_are_shown_and_never_run(opened, planted, tmp_path):
    evil = "</b><img src=x onerror='window.ran = 1'>\u202e"
    readings = {
        name: values if name == "entropy" else {**values, evil: values["en"]}
        for name, values in planted.run.readings.items()
    }
    run = replace(
        planted.run,
        model=evil,
        readings=readings,
        token_ids=({**grids.SETS, evil: (20, 21, 22)},),
        prompts=grids.prompts(evil, evil),
    )
    page = opened(ll.plots.grid(run, run).save(tmp_path / "hostile.html"))
    hostile = page.locator("td", has_text="<")
    assert hostile.count() > 0
    hostile.first.click()
    for button in page.get_by_role("dialog").locator("button[aria-pressed]").all()[:8]:
        button.click()
    page.keyboard.press("Escape")
    for value in (
        page.get_by_label("Colour by")
        .locator("option")
        .evaluate_all("options => options.map(option => option.value)")
    ):
        page.get_by_label("Colour by").select_option(value)
    for kind in ("PNG", "SVG"):
        with page.expect_download():
            page.get_by_role("button", name=f"Save as {kind}").click()
    own = link(page)
    assert ";" not in unquote(own.partition("follow=")[2].partition(";")[0]).replace(evil, "")
    again = opened(
        Path(unquote(page.url.removeprefix("file://")).partition("#")[0]), link=f"#{own}"
    )
    assert again.locator(".chips li").count() == page.locator(".chips li").count()
    assert page.locator("img").count() == 0


def test_as_a_widget_state_goes_both_ways(opened, planted, tmp_path):
    """anywidget's own side is played by a model of a few lines, as its documentation has it.

    A notebook puts the element on the page after it is drawn.
    """
    data = json.dumps(ll.plots.grid(planted.run).data()).replace("<", "\\u003c")
    source = module("widget").replace("export default { render };", "")
    path = tmp_path / "widget.html"
    path.write_text(
        f"""<!DOCTYPE html><html><body>
<script type="module">{source}
const traits = {{ data: {data}, state: "by=entropy", theme: null }}, calls = {{}};
window.model = {{ get: key => traits[key], save_changes() {{ window.saved = traits.state; }},
    set: (key, value) => {{ traits[key] = value; calls["change:" + key]?.(); }},
    on: (name, call) => {{ calls[name] = call; }}, off: name => {{ delete calls[name]; }} }};
const el = document.createElement("div");
window.end = render({{ model, el }});
document.body.append(el);
</script></body></html>""",
        "utf-8",
    )
    page = opened(path)
    assert page.get_by_label("Colour by").input_value() == "entropy"
    page.get_by_label("Colour by").select_option("role")
    assert page.evaluate(CONTRAST) >= 4.5
    cell(page, 9, 1).click()
    assert page.evaluate("window.saved") == "at=0.9.1"
    page.evaluate("model.set('state', 'by=probability;layers=3-9')")
    assert page.get_by_label("Colour by").input_value() == "probability"
    assert page.locator("tbody tr").count() == 7
    page.evaluate("window.end()")
    assert page.locator("table").count() == 0


def test_grids_of_one_run_on_one_page_open_with_their_own_states(opened, planted, tmp_path):
    """Also where scripts are moved away from their elements, as some notebooks do."""
    grids = [ll.plots.grid(planted.run, state=state) for state in ("by=entropy", "layers=3-9")]
    parts = [each._repr_html_().partition("<script") for each in grids]
    apart = "".join(part[0] for part in parts) + "".join("<script" + part[2] for part in parts)
    beside = "".join("".join(part) for part in parts)
    for name, body in (("apart", apart), ("beside", beside)):
        path = tmp_path / f"{name}.html"
        path.write_text(f"<!DOCTYPE html><html lang='en'><body>{body}</body></html>", "utf-8")
        page = opened(path)
        page.get_by_label("Colour by").nth(1).wait_for()
        values = [page.get_by_label("Colour by").nth(n).input_value() for n in range(2)]
        rows = [page.locator("table").nth(n).locator("tbody tr").count() for n in range(2)]
        assert values == ["entropy", "role"] and rows == [18, 7]


@pytest.mark.more
def test_axe_finds_nothing_serious(opened, saved, request):
    commands = node_tool(request.config.cache.mkdir("node-axe"), AXE)
    axe = (commands.parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    for screen, scheme in ((DESK, "light"), (PHONE, "dark")):
        page = opened(saved, screen, color_scheme=scheme)
        cell(page, 14).click()
        page.evaluate(axe)
        found = page.evaluate(
            "async () => (await axe.run(document)).violations"
            ".map(v => [v.id, v.impact, v.nodes.map(n => n.html)])"
        )
        assert [each for each in found if each[1] in ("serious", "critical")] == []
