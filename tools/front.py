"""The explorer on the first page of the site: what it shows, from the stored answers.

A page that was opened from a folder may load scripts, and nothing else. So the data are scripts:
one per answer with its figures, one per concept with its lens grid, one per patch. Each hands its
value to ``latentlangFront`` of ``web/static/front.js``, which loads them when a reader asks.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

import latentlang as ll
from latentlang.lens.curves import MeanCurves
from latentlang.models.catalogue import PACKAGED
from latentlang.models.inquiry import Inquiry
from latentlang.models.model import Model
from latentlang.models.store import folder_name
from latentlang.models.stored import stored_names
from latentlang.models.whole_inquiry import SweepInquiry
from latentlang.plots.grid_style import stylesheet
from latentlang.plots.messages import share
from latentlang.plots.text import escape, language_name
from latentlang.prompts.tasks import TASKS, find_task

from . import pages
from .requested import LARGER
from .scripts import ROOT, scripts

NAME = "front"
# What the page shows first. Of the pairs without English, it shows English most clearly.
FIRST = {"model": LARGER, "task": "translation", "source": "fr", "target": "de"}
_MODULE = "export function mount("  # what hosts of grid.js call


@dataclass(frozen=True)
class Answer:
    """Readings and patches of a model, about one task and its languages.

    ``run``: the readings of the prompts, or their published means. ``patches``: sweeps that patch
    these prompts, by the pair of languages that the latents come from. ``singly``: the readings of
    a few more prompts, which no mean holds.
    """

    run: ll.Run | MeanCurves
    patches: dict[str, ll.Sweep]
    singly: ll.Run | None = None

    @property
    def choice(self) -> dict[str, str]:
        """What a reader chooses to see it."""
        setting = self.run.setting
        pair = {"source": setting.source, "target": setting.target}
        return {"model": self.run.model, "task": setting.task, **pair}

    @property
    def key(self) -> str:
        """The name of its script."""
        model, *rest = self.choice.values()
        return f"{folder_name(model)}/{'-'.join(rest)}"


def answers() -> Iterator[Answer]:
    """Yield all that the explorer shows: the stored answers, then the published means."""
    for name in stored_names():
        model = ll.load_model(name, stored=True)
        for asked in dict.fromkeys(_asked(model)):
            yield _answer(model, *asked)
    for path in sorted((ROOT / "data" / "published").glob("*.csv")):
        for name in pd.read_csv(path)["model"].unique():
            yield Answer(ll.data.published(name), {})


def first(model: str = LARGER) -> ll.Run:
    """Return the run that the page shows first, or what another model says to the same prompts."""
    return _answer(ll.load_model(model, stored=True), *[*FIRST.values()][1:]).run


def _asked(model: Model) -> Iterator[tuple[str, str, str]]:
    """Yield task, source and target of the stored runs without a control or another lens."""
    for store in model.session.stores:
        for each in store.answers:
            if isinstance(each, Inquiry) and each.lens == Inquiry.lens and not each.concepts:
                setting = each.setting
                if not setting.choices:
                    yield setting.task, setting.source, setting.target


def _answer(model: Model, task: str, source: str, target: str) -> Answer:
    pair = (source if find_task(task).needs_source else None, target)
    asked = (task, *pair)
    every, concepts = model.session.finest(*asked), model.session.singly(*asked)
    run = ll.run_experiment(model, *asked, every=every, progress=False)
    singly = None
    if concepts:
        singly = ll.run_experiment(model, *asked, concepts=concepts, progress=False)
    if pair[0] is None:
        return Answer(run, {}, singly)
    into = "-".join(pair)
    patches = {
        each.source: ll.run_sweep(model, "patch", _pair(each.source), pair, every=each.every)
        for store in model.session.stores
        for each in store.answers
        if isinstance(each, SweepInquiry)
        and each == SweepInquiry("patch", each.source, into, each.every)
    }
    return Answer(run, patches, singly)


def _pair(text: str) -> tuple[str, str]:
    one, other = text.split("-")
    return one, other


def write(folder: Path, shown: Iterable[Answer]) -> None:
    """Write the data of the explorer as scripts into a folder.

    Args:
        folder: it is made, if it is not there.
        shown: all that can be chosen; ``answers()`` for the site.
    """
    grid = files("latentlang.plots").joinpath("grid.js").read_text(encoding="utf-8")
    if grid.count(_MODULE) != 1:
        raise SystemExit(f"grid.js has no '{_MODULE}': correct tools/front.py.")
    # A page from a folder cannot import a module, so the module becomes a function.
    classic = grid.replace(_MODULE, "function mount(")
    _write(folder, "grid", f"(() => {{\n{classic}\nreturn mount;\n}})()")
    rows, languages, models = [], set(), {}
    for answer in shown:
        for key, value in scripts_of(answer).items():
            _write(folder, key, json.dumps(value, separators=(",", ":")))
        rows.append({**answer.choice, "key": answer.key})
        pairs = [answer.run.setting.source, answer.run.setting.target, *answer.patches]
        languages |= {code for pair in pairs for code in pair.replace("-", "+").split("+")}
        models[answer.run.model] = getattr(answer.run, "reference", None)
    index = {
        "first": FIRST,
        "answers": rows,
        "tasks": list(TASKS),
        "languages": {code: language_name(code) for code in sorted(languages)},
        "published": models,
        "style": stylesheet(),
    }
    _write(folder, "index", json.dumps(index))


def scripts_of(answer: Answer) -> dict[str, dict]:
    """Return the values of an answer's scripts, by their keys."""
    run = answer.run
    curves = ll.plots.language_probability(run)
    content = {
        "said": _said(curves),
        "curves": _page(curves, 1),
        "phases": _page(ll.plots.phases(run), 3),
        "concepts": [],
        "singly": [],
        "patches": [*answer.patches],
    }
    values = {answer.key: content}
    if not isinstance(run, MeanCurves):
        content["dots"] = _page(_dots(run), 2)
        for prompt in (*run, *(answer.singly or ())):
            data = ll.plots.grid(prompt).data()
            del data["style"]  # it is the same for all of them, and stands in the index
            values[f"{answer.key}/{len(content['concepts'])}"] = data
            content["concepts"].append(prompt.prompts["concept"].item())
        if answer.singly is not None:
            content["singly"] = list(answer.singly.prompts["concept"])
    for name, sweep in answer.patches.items():
        drawn = ll.plots.sweep(sweep)
        values[f"{answer.key}/{name}"] = {"said": _said(drawn), "figure": _page(drawn, 4)}
    return values


def _dots(run: ll.Run) -> go.Figure:
    """Return the figure of single words, whose dots know the number of their prompt."""
    figure = ll.plots.words(run)
    number = {escape(concept): n for n, concept in enumerate(run.prompts["concept"])}
    for dots in figure.select_traces({"mode": "markers"}):
        dots.customdata = [number[text.split("<br>")[0]] for text in dots.text]
    return figure


def _page(figure: go.Figure, number: int) -> str:
    return pages.figure(figure.to_plotly_json(), number)


def _said(figure: go.Figure) -> str:
    """Return the finding of a figure as plain text."""
    return html.unescape(figure.layout.meta["message"])


def _write(folder: Path, key: str, value: str) -> None:
    """Write one script: it hands a value to the page."""
    path = folder / f"{key}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"latentlangFront({json.dumps(key)}, {value});\n", encoding="utf-8")


def picture() -> go.Figure:
    """Return the figure that stands in the explorer's place where no script runs."""
    return ll.plots.language_probability(first())


def sections(address: str) -> dict[str, str]:
    """Return what ``web/index.md`` leaves to be filled in.

    Args:
        address: of the picture that stands there where no script runs.
    """
    told = html.escape(ll.plots.describe(picture()), quote=True)
    image = f'<img class="ll-picture" src="{address}" alt="{told}">'
    script = f'<script defer src="_static/{NAME}.js"></script>'
    return {
        "explorer": f'<div id="ll-front">{image}</div>\n{script}',
        "larger": _peak(first()),
        "smaller": _peak(first(PACKAGED)),
        "hours": str(round(sum(script.minutes for script in scripts()) / 60)),
    }


def _peak(run: ll.Run) -> str:
    """Return how high the mean of the pivot language rises, and where."""
    mean = run.probability[run.pivot].double().mean(0)
    return f"{share(mean.max().item())} at layer {run.layers[int(mean.argmax())]}"
