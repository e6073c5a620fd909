"""How large a lens grid is, and how fast it opens and answers: `make bench-browser`."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import pytest

import latentlang as ll

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import grids

LARGEST, OPEN, ANSWER, ROUNDS = 1.5e6, 300, 50, 7  # bytes, milliseconds, and how often
# Until the answer is laid out, and until the next picture, which waits for other work as well.
CLICK = """cell => new Promise(done => { const start = performance.now(); cell.click();
    document.querySelector(".ll-grid").getBoundingClientRect();
    const laidOut = performance.now() - start;
    requestAnimationFrame(() => setTimeout(() => done([laidOut, performance.now() - start]))); })"""


def busy(session) -> float:
    """Return for how many milliseconds the page's own thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(each["value"] for each in metrics if each["name"] == "TaskDuration")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """28 layers, 40 positions, ten candidates, and the most tokens that can be followed."""
    run = grids.planted(40, 28, 3000, leads={}).run
    return ll.plots.grid(run).save(tmp_path_factory.mktemp("grid") / "grid.html")


def test_a_large_grid_is_small_opens_and_answers_at_once(browser, saved):
    """Run it on a quiet machine: opening is measured by the clock, too."""
    size = saved.stat().st_size
    opened, loaded, answered, painted = [], [], [], []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(saved.as_uri())
        page.locator("table").wait_for()
        opened.append(busy(session))
        loaded.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        button = page.get_by_role("dialog").locator("ol button").first
        for target in (page.locator("td").nth(900), button):
            laid_out, shown = target.evaluate(CLICK)
            answered.append(laid_out)
            painted.append(shown)
        context.close()
    middle = statistics.median
    print(f"{size:,} bytes, most {LARGEST:,.0f}")
    print(f"opens in {middle(opened):.0f} ms of its thread, most {OPEN}", end="; ")
    print(f"by the clock in {min(loaded):.0f} ms at best")
    print(f"answers in {middle(answered):.0f} ms, most {ANSWER}", end="; ")
    print(f"the next picture comes after {min(painted):.0f} ms at best")
    assert size < LARGEST
    assert middle(opened) < OPEN
    assert middle(loaded) < OPEN
    assert middle(answered) < ANSWER
