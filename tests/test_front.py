"""The data of the site's first page: all that is stored, with the numbers of the library."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import fronts
import pandas as pd
import pytest
import torch

import latentlang as ll
from tools import ROOT, front

STORED = ROOT / "data" / "results" / "stored"
CODES = {"English": "en", "German": "de", "French": "fr", "Chinese": "zh", "Russian": "ru"}


@pytest.fixture(scope="module")
def answers() -> dict[str, front.Answer]:
    return {answer.key: answer for answer in front.answers()}


def spec_of(page: str) -> dict:
    """Return the JSON in a figure's HTML."""
    return json.loads(page.partition("<script type='application/json'>")[2].partition("</")[0])


def test_every_stored_pair_and_every_published_model_is_there(answers):
    keys, patched, singly = set(), set(), set()
    for index in STORED.glob("*/index.json"):
        for row in json.loads(index.read_text("utf-8"))["answers"]:
            asked, model = row["question"], index.parent.name
            if asked.get("lens") == "logit" and not asked["control"]:
                key = f"{model}/{asked['task']}-{asked['source']}-{asked['target']}"
                keys.add(key)
                singly |= {(key, concept) for concept in asked["concepts"]}
            if asked.get("protocol") == "patch":
                patched.add((f"{model}/translation-{asked['into']}", asked["source"]))
    table = pd.read_csv(ROOT / "data" / "published" / "llama2_to_chinese.csv")
    keys |= {f"{name}/translation-de+fr+ru-zh" for name in table["model"].unique()}
    assert set(answers) == keys and len(keys) > 20
    alone = {key: answer.singly.prompts for key, answer in answers.items() if answer.singly}
    assert singly == {(key, concept) for key in alone for concept in alone[key]["concept"]}
    assert len(singly) > 90
    shown = {(key, name) for key, answer in answers.items() for name in answer.patches}
    assert shown == {each for each in patched if each[0] in keys} and len(shown) > 4


@pytest.mark.parametrize(
    "key", ["qwen2.5-coder-1.5b-instruct/translation-fr-de", "gemma-3-270m/translation-de-zh"]
)
def test_figures_hold_the_means_and_bands_of_the_library(answers, key):
    name, pair = key.split("/translation-")
    source, target = pair.split("-")
    model = ll.load_model(name, stored=True)
    run = ll.run_experiment(model, "translation", source, target, every=4, progress=False)
    values = front.scripts_of(answers[key])
    drawn = spec_of(values[key]["curves"])["data"]
    lines = {trace["name"]: trace["y"] for trace in drawn if trace.get("name")}
    bands = {trace["legendgroup"]: trace["y"] for trace in drawn if trace.get("fill") == "toself"}
    for label, code in CODES.items():
        named = [each for each in lines if each.startswith(label)]
        assert bool(named) == (code in run.languages)
        if named:
            p = run.probability[code].double()
            half = 1.96 * p.std(0) / len(p) ** 0.5
            assert lines[named[0]] == pytest.approx(p.mean(0).tolist(), abs=1e-6)
            edge = [*(p.mean(0) + half), *(p.mean(0) - half).flip(0)]
            assert bands[named[0]] == pytest.approx([float(x) for x in edge], abs=1e-4)
    assert values[key]["concepts"] == [*run.prompts["concept"], "flower", "eagle"]
    assert values[key]["singly"] == ["flower", "eagle"]
    grids = [
        value["grids"][0]["columns"] for n in range(len(run) + 2) if (value := values[f"{key}/{n}"])
    ]
    assert [columns[0]["label"] for columns in grids] == values[key]["concepts"]
    dots = [trace for trace in spec_of(values[key]["dots"])["data"] if "customdata" in trace]
    right = {n: x for trace in dots for n, x in zip(trace["customdata"], trace["x"])}
    ends = run.probability[target][:, -1].tolist()
    assert [right[n] for n in range(len(run))] == pytest.approx(ends)
    for patch, sweep in answers[key].patches.items():
        shown = spec_of(values[f"{key}/{patch}"]["figure"])["data"]
        means = [trace["y"] for trace in shown if trace.get("mode") == "lines+markers"]
        wanted = [torch.stack([*p.double()]).mean(0).tolist() for p in sweep.probability.values()]
        assert all(any(mean == pytest.approx(one, abs=1e-6) for mean in means) for one in wanted)


class Tags(HTMLParser):
    """Collects the tags of a page, and the scripts that a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.seen.add(f"script {named.get('type')}" if tag == "script" else tag)
        self.handlers += [name for name in named if name.startswith("on")]


def test_hostile_words_are_text_in_every_figure():
    values = front.scripts_of(answer := fronts.hostile())
    tags = Tags()
    for name in ("curves", "dots", "phases"):
        tags.feed(values[answer.key][name])
    tables = {"details", "summary", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.seen <= {"div", "script application/json", *tables} and not tags.handlers


def test_the_scripts_load_without_modules(tmp_path):
    front.write(tmp_path, [fronts.hostile()])
    index = fronts.value_of(tmp_path / "index.js")
    assert [row["key"] for row in index["answers"]] == ["planted/translation-fr-zh"]
    assert (tmp_path / "planted" / "translation-fr-zh" / "9.js").exists()
    grid = (tmp_path / "grid.js").read_text(encoding="utf-8")
    starts = [line.split(" ")[0] for line in grid.splitlines()]
    assert grid.startswith('latentlangFront("grid", (() => {') and not {"export", "import"} & {
        *starts
    }


def test_the_first_page_says_what_its_first_figure_shows():
    said = front.sections("picture.svg")
    first = front.first()
    mean = first.probability["en"].mean(0)
    assert said["larger"] == f"{100 * mean.max():.0f} % at layer {1 + int(mean.argmax())}"
    text = Path(ROOT, "tools", "web", "index.md").read_text(encoding="utf-8")
    assert {part.split(" }}")[0] for part in text.split("{{ ")[1:]} == {
        *said,
        "languages",
        "contents",
    }
