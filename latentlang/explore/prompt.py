"""The explorer of one prompt."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..lens.decode import decode
from ..lens.run import Run
from ..models.model import Model
from ..plots.text import escape, token_label
from ..progress import Progress
from ..prompts.build import build_prompts
from ..prompts.words import load_words
from .panel import Panel, figure_widget, pair_controls, redraw, source_of
from .static import menu, wants_static

_POSITIONS = 7  # the end of the query; more would take longer than a second on two cores
_REMEMBERED = 256  # prompts whose readings stay in memory, a few kilobytes each


def prompt(
    model: Model,
    task: str = "translation",
    source: str = "fr",
    target: str = "zh",
    concept: str = "flower",
    backend: str = "widget",
) -> widgets.VBox | go.Figure:
    """Return an explorer of one prompt: choose task, languages and concept, or type a prompt.

    It shows the top tokens and the curves. The widget carries the classes ``latentlang-prompt``,
    ``latentlang-heatmap`` and ``latentlang-curves``.

    Args:
        model: what ``load_model`` returns.
        task: the first task to show, a name of ``TASKS``.
        source: the first source language.
        target: the first target language.
        concept: the first concept.
        backend: ``"widget"``, or ``"static"`` for a figure with a menu of a few concepts, which
            needs neither a kernel nor widgets.

    Raises:
        DataError: for an unknown task, language, concept or backend.
    """
    pair = lru_cache(maxsize=32)(
        lambda *request: build_prompts(*request, tokenizer=model.tokenizer)
    )

    @lru_cache(maxsize=_REMEMBERED)
    def read(task: str, source: str, target: str, concept: str, text: str) -> tuple[str, Run]:
        """Return the text of a prompt and its run."""
        if text.strip():
            typed = text.replace("\\n", "\n")
            return typed, decode(model, typed, positions=_POSITIONS)
        query = pair(task, source_of(task, source), target)[concept]
        return query.text, decode(model, query, positions=_POSITIONS)

    if wants_static(backend):
        concepts = [prompt.concept for prompt in pair(task, source_of(task, source), target)]
        figures = {}
        for name in dict.fromkeys([concept, *concepts[:5]]):
            _, run = read(task, source, target, name, "")
            figures[name] = plots.heatmap(run, model.tokenizer)
        return menu(figures)
    layers = (1, model.n_layers)
    controls = pair_controls(task, source, target) | {
        "concept": widgets.Combobox(
            options=sorted(load_words().index),
            value=concept,
            description="Concept",
            continuous_update=False,
        ),
        "layers": widgets.IntRangeSlider(
            value=layers,
            min=1,
            max=model.n_layers,
            description="Layers",
            continuous_update=False,
        ),
        "scale": widgets.Dropdown(options=plots.SCALES, value=plots.SCALES[0], description="Scale"),
        "text": widgets.Text(
            description="Prompt",
            placeholder="empty: built from the choices; \\n for a new line",
            continuous_update=False,
            layout={"width": "640px"},
        ),
    }
    heat, curves, query_text = figure_widget("heatmap"), figure_widget("curves"), widgets.HTML()

    def compute(_: Progress, layers: tuple[int, int], scale: str, **request: Any) -> tuple:
        if request["text"].strip():  # the other choices do not apply to a typed prompt
            first = {"task": task, "source": source, "target": target, "concept": concept}
            request = {**request, **first}
        text, run = read(**request)
        return text, run.between(*layers), scale

    def show(result: tuple) -> str:
        text, run, scale = result
        redraw(heat, plots.heatmap(run, model.tokenizer))
        last = run.last_position()
        redraw(curves, plots.language_probability(last, scale=scale))
        query_text.value = f"<pre style='white-space: pre-wrap'>{escape(text)}</pre>"
        panel.offer(last.to_frame(), "latentlang-prompt")
        top = token_label(run.top_ids[0, -1, -1, 0], model.tokenizer)
        return f"After layer {run.layers[-1]} the most probable token is {top}"

    panel = Panel(
        "prompt",
        controls,
        {"text": query_text, "heatmap": heat, "curves": curves},
        compute,
        show,
        ("layers", "scale"),
    )
    return panel.first()
