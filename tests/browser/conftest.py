"""Fixtures: one JupyterLab and one Chromium for all browser tests, one page for each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import chromium
import pytest
from lab import Lab, LabNotebook
from playwright.sync_api import Browser, Page, sync_playwright

from tools import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
# Headless in a container, without calls home; 3-D figures are drawn by software.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]


# Not for the whole session: while Playwright is open, an event loop runs.
# Other tests may not expect one.
@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """Return a running JupyterLab that serves a copy of the notebooks."""
    server = Lab.start(tmp_path_factory.mktemp("lab"))
    shutil.copytree(ROOT / "notebooks", server.root / "notebooks")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium."""
    path = chromium.find()
    assert path, "No Chromium that starts: run `python tests/browser/chromium.py`."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def offline(browser) -> Iterator[Callable]:
    """``offline(address, screen)`` -> a page without a network.

    At the end no page reported an error or asked for a file elsewhere, and no planted script ran.
    """
    contexts, trouble = [], []

    def visit(address: str, screen: dict, **settings) -> Page:
        context = browser.new_context(viewport=screen, offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: said.type == "error" and trouble.append(said.text))
        page.on(
            "request",
            lambda asked: (
                asked.url.startswith(("file:", "data:", "blob:")) or trouble.append(asked.url)
            ),
        )
        page.goto(address)
        return page

    yield visit
    pages = [page for context in contexts for page in context.pages]
    ran = [page.url for page in pages if page.evaluate("window.ran")]
    for context in contexts:
        context.close()
    assert ran == []
    assert trouble == [], "\n".join(trouble)


@pytest.fixture
def shoot(request) -> Callable:
    """Return ``shoot(page_or_locator, suffix)``, which saves a PNG named after the test."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    test = re.sub(r"[^\w.-]+", "_", request.node.name).strip("_")
    for old in SCREENSHOTS.glob(f"{test}*.png"):
        old.unlink()

    def save(what, suffix: str = "") -> Path:
        path = SCREENSHOTS / f"{test}{'-' if suffix else ''}{suffix}.png"
        what.screenshot(path=path)
        return path

    return save


@pytest.fixture
def notebook(lab, browser, shoot) -> Iterator[LabNotebook]:
    """Return a page for one notebook; at the end it is photographed and its kernel ended."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    opened = LabNotebook(page, lab)
    yield opened
    shoot(page)
    opened.shut_down()
    context.close()
