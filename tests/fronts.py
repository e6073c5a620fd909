"""The explorer of the site's first page, for tests: pages that hold it, and what they must show."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import grids
import planted
import torch

from latentlang.prompts.token_texts import TokenTexts
from tools import ROOT, drawings, front, pages
from tools import site as site_tool

_BARE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Explorer</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main><h1>x</h1>
<div id="ll-front"></div></main><script defer src="static/plotly.min.js"></script>
<script defer src="static/figures.js"></script><script defer src="static/front.js"></script></body>
</html>"""


def site(folder: Path) -> Path:
    """Make the site's first page with all stored answers, and no other page; return its file."""
    sources, made = folder / "sources", folder / "made"
    shutil.copytree(site_tool.WEB / "static", sources / "static")
    shutil.copy(site_tool.WEB / "conf.py", sources)
    shutil.copytree(ROOT / "course" / "images", sources / "images")
    pages.copy_scripts(sources / "static")
    drawings.draw({f"{front.NAME}.svg": front.picture()}, sources / "static" / "pictures")
    site_tool.write_front(sources, [])
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(sources), str(made)]
    subprocess.run(sphinx, check=True)
    return made / "index.html"


def bare(folder: Path, answers: Iterable[front.Answer]) -> Path:
    """Make a page with the explorer of a few answers, and nothing else; return its file."""
    shutil.copytree(site_tool.WEB / "static", folder / "static")
    pages.copy_scripts(folder / "static")
    front.write(folder / "static" / front.NAME, answers)
    (folder / "index.html").write_text(_BARE, encoding="utf-8")
    return folder / "index.html"


def value_of(script: Path) -> dict:
    """Return the value that a script of data hands to the page."""
    text = script.read_text(encoding="utf-8")
    call, end = "latentlangFront(", ");\n"
    assert text.startswith(call) and text.endswith(end)
    return json.loads(f"[{text[len(call) : -len(end)]}]")[1]


def hostile() -> front.Answer:
    """Return an answer whose concepts, words and tokens are code for a page that trusts them."""
    run = planted.planted(planted.RUNS["copy"] | planted.OTHER)
    texts = [text.decode(errors="surrogateescape") for text in grids.HOSTILE[: len(run)]]
    concepts = [text.encode("utf-8", "replace").decode() for text in texts]
    evil = dict.fromkeys(("concept", "answer_en", "answer_fr", "answer_zh"), concepts)
    tokens = TokenTexts("planted", "plant it", [lambda: dict(enumerate(grids.HOSTILE))])
    ids = torch.arange(len(run))[:, None, None] + torch.arange(2)
    shape = run.top_ids.shape
    run = replace(run, prompts=run.prompts.assign(**evil), tokenizer=tokens)
    return front.Answer(replace(run, top_ids=ids.expand(shape).int() % len(texts)), {})
