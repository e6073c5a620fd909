"""Text from models, tokenizers, word lists and readers is shown in Chromium and never run.

The lens grid has a test of its own in ``test_lens_grid.py``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from test_figures import FIGURES
from tiny import CONFIGS, byte_fallback, randomise
from transformers import AutoModelForCausalLM

import latentlang as ll
from tools import front

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import fronts
import planted

EVIL = "<img src=x onerror='window.ran = 1'>"
TOKENS = [EVIL, "</script><script>window.ran = 1</script>", "<svg onload='window.ran = 1'>"]
PLAIN = {
    "en": ["flower", "book", "sea", "sun", "hand", "door", "heart", "water", "eagle", "tree"],
    "fr": ["vleur", "livre", "mer", "jour", "gauche", "porte", "coeur", "onde", "aigle", "arbre"],
}
PLAIN["zh"] = list("花书海日手门心水鹰树")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model whose name and whose most probable tokens are markup."""
    place = tmp_path_factory.mktemp("hostile") / EVIL
    tokenizer = byte_fallback()
    first = len(tokenizer)
    tokenizer.add_tokens(TOKENS)
    network = AutoModelForCausalLM.from_config(CONFIGS["llama"](vocab_size=len(tokenizer)))
    randomise(network)
    with torch.no_grad():
        network.lm_head.weight[first:] *= 6
    network.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def words() -> pd.DataFrame:
    """A word list in which every word and every concept holds markup."""
    marked = {code: [word + EVIL for word in column] for code, column in PLAIN.items()}
    return pd.DataFrame({"concept": marked["en"], **marked})


def wander(page, figure) -> None:
    """Move the mouse over a figure, so that its hovers are drawn."""
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    for across in (0.2, 0.4, 0.6, 0.8):
        for down in (0.3, 0.5, 0.7):
            page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def test_no_figure_prediction_or_reply_runs_what_it_shows(folder, words, offline, tmp_path):
    model = ll.load_model(folder, dtype="float32")
    ask = {"tokenizer": model.tokenizer, "words": words}
    prompts = ll.build_prompts("translation", "fr", "zh", **ask)
    run = ll.decode(model, prompts, keep_latents=True, progress=False)
    shown = {name: getattr(ll.plots, name)(run) for name in FIGURES}
    shown["heatmap"] = ll.plots.heatmap(run[0], model.tokenizer)
    shown["sphere"] = ll.plots.sphere(ll.sphere_path(model, run), concepts=[words["concept"][0]])
    shown["bars"] = ll.plots.bars(
        pd.DataFrame({EVIL: words["en"], "n": range(len(words))}), x=EVIL, y="n", title=EVIL
    )
    parts = [ll.predict(EVIL, [EVIL, TOKENS[1]], EVIL, TOKENS[1])._repr_html_()]
    parts += [
        ll.choose(EVIL, EVIL, EVIL, TOKENS[1], EVIL, "c", "d", supported="a")._repr_html_(),
        ll.checks.exercise(EVIL, 1)._repr_html_(),
        ll.checks.exercise("01.1", EVIL)._repr_html_(),
    ]
    parts += [
        figure.to_html(full_html=False, include_plotlyjs=name == FIGURES[0])
        for name, figure in shown.items()
    ]
    page_file = tmp_path / "page.html"
    page_file.write_text(f"<!doctype html><meta charset=utf-8>{''.join(parts)}", encoding="utf-8")
    page = offline(page_file.as_uri(), {"width": 1200, "height": 900})
    page.locator(".js-plotly-plot").nth(len(shown) - 1).wait_for()
    page.get_by_role("radio").first.click()
    assert page.get_by_text("window.ran = 1").count() > 0  # the markup is on screen, as text
    for number in range(len(shown)):
        figure = page.locator(".js-plotly-plot").nth(number)
        wander(page, figure)
    assert page.locator("img, svg[onload]").count() == 0
    assert not page.evaluate("window.ran")


def test_no_stored_answer_runs_on_the_first_page(offline, tmp_path):
    """The name of the model, which is a folder of the page too, is markup and holds ? # %."""
    name = f"{EVIL}?a#b%20"
    run = replace(fronts.hostile().run, model=name)
    table = run.prompts.assign(source="de", source_concept=EVIL)
    patch = planted.planted_sweep("language first", model=name, prompts=table, origin=EVIL)
    answer = front.Answer(run, {"fr-en": patch})
    page = offline(fronts.bare(tmp_path, [answer]).as_uri(), {"width": 1400, "height": 1000})
    said = page.get_by_role("status")
    said.get_by_text(name, exact=False).first.wait_for()
    assert page.get_by_label("Model", exact=True).input_value() == name
    for part in ("curves", "dots", "phases", "patch"):
        figure = page.locator(f"[aria-labelledby=ll-front-{part}-title] .ll-plot")
        figure.locator(".main-svg").first.wait_for()
        wander(page, figure)
    page.get_by_role("button", name="Copy the link to this view").click()
    said.get_by_text("window.ran").first.wait_for()
    assert page.locator("#ll-front img, svg[onload]").count() == 0


CELL = """import os
os.environ["XDG_CACHE_HOME"] = {cache!r}
import latentlang as ll
from IPython.display import display

model = ll.load_model({folder!r}, dtype="float32")
for explorer in (
    ll.explore.prompt(model, concept="sky"),
    ll.explore.pair(model),
    ll.explore.sphere(model),
    ll.explore.tokens(model.tokenizer, {evil!r}, "x"),
    ll.explore.patch(model),
):
    display(explorer)"""


@pytest.mark.more
def test_no_explorer_runs_what_it_shows(folder, notebook, tmp_path, shoot):
    names = {"cache": str(tmp_path), "folder": str(folder), "evil": EVIL}
    notebook.run_cells("hostile.ipynb", CELL.format(**names))
    page = notebook.page
    page.locator(".latentlang-grid td").first.wait_for()
    prompt = page.locator(".latentlang-prompt")
    prompt.get_by_label("Prompt", exact=True).fill(f"{EVIL} is {TOKENS[1]}")
    prompt.get_by_label("Prompt", exact=True).press("Enter")
    prompt.locator("pre", has_text="onerror").wait_for()
    prompt.get_by_label("Prompt", exact=True).fill("")
    prompt.get_by_label("Prompt", exact=True).press("Enter")
    prompt.locator("pre", has_text="Français").wait_for()
    concept = prompt.get_by_label("Concept", exact=True)
    concept.fill(EVIL)
    concept.press("Enter")
    prompt.locator(".latentlang-status", has_text="onerror").wait_for()
    patch = page.locator(".latentlang-patch")
    patch.get_by_label("Concept A", exact=True).fill(EVIL)
    patch.get_by_label("Concept A", exact=True).press("Enter")
    patch.locator(".latentlang-status", has_text="onerror").wait_for()
    page.locator(".latentlang-grid td").first.click()
    page.keyboard.press("Escape")
    shoot(prompt, "prompt")
    shoot(patch, "patch")
    planted = page.locator(".jp-OutputArea-output img[src=x], .jp-OutputArea-output svg[onload]")
    assert planted.count() == 0
    assert not page.evaluate("window.ran")
