"""The explorer of one prompt."""

from __future__ import annotations

from functools import lru_cache

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..data import load_words
from ..decoded import Decoded
from ..display import escape, token_label
from ..errors import DataError, near
from ..lens import decode
from ..models import Model
from ..prompts import Prompt, build_prompts
from .panel import Panel, figure_widget, pair_controls, redraw
from .static import menu, wants_static

_POSITIONS = 7  # the end of the query; more would take longer than a second on two cores
_KEPT = 256  # prompts whose readings stay in memory, a few kilobytes each


def prompt(
    model: Model, task: str = "translation", source: str = "fr", target: str = "zh", concept: str = "flower", backend: str = "widget"
) -> widgets.VBox | go.Figure:
    """Return an explorer of one prompt: choose task, languages and concept, or type a prompt; see the top tokens and the curves.

    ``backend="static"`` returns a figure with a menu of a few concepts instead, which needs neither a kernel nor widgets.
    It carries the classes ``latentlang-prompt``, ``latentlang-heatmap`` and ``latentlang-curves``.
    """
    pair = lru_cache(maxsize=32)(lambda *request: build_prompts(*request, tokenizer=model.tokenizer))

    @lru_cache(maxsize=_KEPT)
    def read(task: str, source: str, target: str, concept: str, text: str) -> tuple[Prompt | None, Decoded]:
        if text.strip():
            return None, decode(model, [text.replace("\\n", "\n")], positions=_POSITIONS)
        asked = _one(pair(task, source if task == "translation" else None, target), concept)
        found = decode(model, [asked.text], [asked.token_ids], positions=_POSITIONS)
        for column in ("concept", "task", "source", "target"):
            found.prompts[column] = getattr(asked, column)
        return asked, found

    if wants_static(backend):
        offered = dict.fromkeys([concept, *[p.concept for p in pair(task, source if task == "translation" else None, target)][:5]])
        found = {name: read(task, source, target, name, "")[1] for name in offered}
        return menu({name: plots.heatmap(run, model.tokenizer) for name, run in found.items()})
    layers = (1, model.n_layers)
    controls = pair_controls(task, source, target) | {
        "concept": widgets.Combobox(
            options=sorted(load_words().index), value=concept, description="Concept", continuous_update=False
        ),
        "layers": widgets.IntRangeSlider(value=layers, min=1, max=model.n_layers, description="Layers", continuous_update=False),
        "scale": widgets.Dropdown(options=plots.SCALES, value=plots.SCALES[0], description="Scale"),
        "text": widgets.Text(
            description="Prompt", placeholder="empty: built from the choices; \\n for a new line", continuous_update=False,
            layout={"width": "640px"},
        ),
    }  # fmt: skip
    heat, curves, shown = figure_widget("heatmap"), figure_widget("curves"), widgets.HTML()

    def compute(_, layers, scale, **request) -> tuple:
        if request["text"].strip():
            request = {**request, "task": task, "source": source, "target": target, "concept": concept}  # no part in a typed prompt
        asked, found = read(**request)
        return asked.text if asked else request["text"], found.between(*layers), scale

    def show(result: tuple) -> str:
        text, found, scale = result
        redraw(heat, plots.heatmap(found, model.tokenizer))
        last = found.last_position()
        redraw(curves, plots.language_probability(last, scale=scale))
        shown.value = f"<pre style='white-space: pre-wrap'>{escape(text)}</pre>"
        panel.offer(last.to_frame(), "latentlang-prompt")
        return f"After layer {found.layers[-1]} the most probable token is {token_label(found.top_ids[0, -1, -1, 0], model.tokenizer)}"

    panel = Panel("prompt", controls, {"text": shown, "heatmap": heat, "curves": curves}, compute, show, ("layers", "scale"))
    return panel.first()


def _one(prompts, concept: str) -> Prompt:
    """Return the prompt for one concept, or say why there is none."""
    for candidate in prompts:
        if candidate.concept == concept:
            return candidate
    why = prompts.dropped.loc[prompts.dropped["concept"] == concept, "reason"]
    if len(why):
        raise DataError(f"'{concept}' cannot be used for this pair ({why.iloc[0]}): choose another concept.")
    raise DataError(
        f"'{concept}' is not a concept of this pair.{near(concept, [p.concept for p in prompts])} Choose one from the list, "
        "or type a whole prompt of your own."
    )
