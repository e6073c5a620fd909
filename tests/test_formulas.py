"""Formulas of the course are drawn on the site by the browser, without a script or a network."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser

import jupytext
import pytest

from tools import ROOT, site

_FORMULA = re.compile(r"^\$\$(.+)\$\$$", re.MULTILINE)


class Page(HTMLParser):
    """The display of every formula of a page, and the letters in it; the scripts beside it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.displays: list[str | None] = []
        self.letters: list[str] = []
        self.scripts: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "math":
            self.inside = True
            self.displays.append(dict(attributes).get("display"))
        if tag == "script":
            self.scripts.append(dict(attributes).get("src") or "")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "math"

    def handle_data(self, data):
        if self.inside:
            self.letters += data.split()


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    folder = tmp_path_factory.mktemp("formulas")
    cells = [c for p in sorted((ROOT / "course").glob("*.py")) for c in jupytext.read(p).cells]
    texts = [c.source for c in cells if c.cell_type == "markdown" and _FORMULA.search(c.source)]
    (folder / "conf.py").write_text((site.WEB / "conf.py").read_text("utf-8"), "utf-8")
    (folder / "static").mkdir()
    (folder / "index.md").write_text("\n\n".join(["# Formulas", *texts]), "utf-8")
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(folder), str(folder / "made")]
    subprocess.run(sphinx, check=True)
    return Page((folder / "made" / "index.html").read_text("utf-8"))


def test_formulas_are_mathml_in_their_own_line_and_in_a_sentence(page):
    assert {"block", None} <= set(page.displays)
    assert {"E", "U", "h", "v", "cos"} <= set(page.letters)


def test_no_script_draws_them(page):
    assert not [source for source in page.scripts if "mathjax" in source.lower()]
