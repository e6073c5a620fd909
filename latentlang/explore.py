"""Explorers: widgets that show what a model thinks of a prompt you choose.

Controls start one computation on one worker thread; figures that are already on screen are
changed in place. The latest choice wins. Errors appear as one sentence in the widget.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache

import ipywidgets as widgets
import plotly.graph_objects as go

from . import plots
from .data import languages, load_words
from .display import escape, language_label, token_label
from .errors import DataError, LatentLangError, near
from .lens import decode
from .models import Model
from .prompts import TASKS, Prompt, build_prompts

_POSITIONS = 10  # as many as fit on a screen beside each other
_WIDTH = 960  # from plotly 6 on a FigureWidget does not see how wide its place is, and takes 700 pixels (plotly.py issue 5208)


class _Latest:
    """One worker thread that computes the most recent request and drops those that came in between."""

    def __init__(self, compute: Callable, show: Callable, say: Callable[[str], None]) -> None:
        self._compute, self._show, self._say = compute, show, say
        self._request: dict | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._work, daemon=True, name="latentlang-explorer").start()

    def ask(self, **request) -> None:
        """Ask for a new picture; returns at once."""
        with self._changed:
            self._request = request
            self._say("Reading the layers …")
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._request is not None)
                request, self._request = self._request, None
            self.run(request)

    def run(self, request: dict) -> None:
        """Compute one request here and now, and show it unless a newer one has come."""
        try:
            result = self._compute(**request)
            message = None if self._request else self._show(result)
        except LatentLangError as error:
            message = f"⚠ {escape(str(error))}"
        except Exception as error:  # an explorer must outlive any failure, and must not hide it
            message = f"⚠ {escape(f'{type(error).__name__}: {error}')}"
        with self._changed:
            if self._request is None and message is not None:
                self._say(message)


def prompt(model: Model, task: str = "translation", source: str = "fr", target: str = "zh", concept: str = "flower") -> widgets.VBox:
    """Return an explorer of one prompt: choose task, languages and concept; see the top tokens and the curves.

    Show it with ``display(ll.explore.prompt(model))``. It carries the classes ``latentlang-prompt``,
    ``latentlang-heatmap`` and ``latentlang-curves``.
    """
    table, names = load_words(), languages()
    known = [(language_label(code), code) for code in names.index if code in table.columns]
    controls = {
        "task": widgets.Dropdown(options=TASKS, value=task, description="Task"),
        "source": widgets.Dropdown(options=known, value=source, description="From"),
        "target": widgets.Dropdown(options=known, value=target, description="To"),
        "concept": widgets.Combobox(options=sorted(table.index), value=concept, description="Concept", continuous_update=False),
    }
    status, text = widgets.HTML(), widgets.HTML()
    heat, curves = go.FigureWidget(), go.FigureWidget()
    pair = lru_cache(maxsize=32)(lambda *request: build_prompts(*request, tokenizer=model.tokenizer))

    def compute(task: str, source: str, target: str, concept: str) -> tuple:
        asked = _one(pair(task, source if task == "translation" else None, target), concept)
        return asked, decode(model, [asked.text], [asked.token_ids], positions=_POSITIONS)

    def show(result: tuple) -> str:
        asked, read = result
        for column in ("concept", "task", "source", "target"):
            read.prompts[column] = getattr(asked, column)
        _redraw(heat, plots.heatmap(read, model.tokenizer))
        _redraw(curves, plots.language_probability(read.last_position()))
        text.value = f"<pre style='white-space: pre-wrap'>{escape(asked.text)}</pre>"
        return f"After the last layer the most probable token is {token_label(read.top_ids[0, -1, -1, 0], model.tokenizer)}"

    worker = _Latest(compute, show, lambda message: setattr(status, "value", f"<b>{message}</b>"))

    def chosen() -> dict:
        controls["source"].disabled = controls["task"].value != "translation"
        return {name: control.value for name, control in controls.items()}

    worker.run(chosen())  # the first picture belongs to the notebook, also where no kernel runs
    for control in controls.values():
        control.observe(lambda _: worker.ask(**chosen()), "value")
    boxes = [widgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"}), status, text]
    panels = [widgets.VBox([figure]).add_class(f"latentlang-{name}") for name, figure in (("heatmap", heat), ("curves", curves))]
    return widgets.VBox([*boxes, *panels]).add_class("latentlang-prompt")


def _one(prompts, concept: str) -> Prompt:
    """Return the prompt for one concept, or say why there is none."""
    for candidate in prompts:
        if candidate.concept == concept:
            return candidate
    why = prompts.dropped.loc[prompts.dropped["concept"] == concept, "reason"]
    if len(why):
        raise DataError(f"'{concept}' cannot be used for this pair ({why.iloc[0]}): choose another concept.")
    raise DataError(f"'{concept}' is not a concept of this pair.{near(concept, [p.concept for p in prompts])} Choose one from the list.")


def _redraw(widget: go.FigureWidget, figure: go.Figure) -> None:
    """Change a figure on screen into another one, trace by trace where the traces are alike."""
    with widget.batch_update():
        if [t.type for t in widget.data] == [t.type for t in figure.data]:
            for old, new in zip(widget.data, figure.data):
                old.update(new.to_plotly_json(), overwrite=True)
        else:
            widget.data = ()
            widget.add_traces(figure.data)
        widget.layout = figure.update_layout(width=_WIDTH).layout
