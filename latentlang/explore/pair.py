"""The explorer of a pair: mean curves, energy and phases of many prompts; and two of them side by side."""

from __future__ import annotations

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..errors import DataError
from ..experiments import run_experiment
from ..models import Model
from ..summaries import find_phases, summarize
from .panel import WIDTH, Panel, figure_widget, pair_controls, redraw, size_control
from .static import menu, wants_static


def pair(
    model: Model,
    task: str = "translation",
    source: str = "fr",
    target: str = "zh",
    every: int = 16,
    backend: str = "widget",
    *,
    width: int = WIDTH,
) -> widgets.VBox | go.Figure:
    """Return an explorer of a pair: choose task, languages and how many concepts; see entropy, energy, curves and phases.

    A computation shows how far it is, can be stopped, and goes on where it was. ``backend="static"`` returns a figure with a
    menu of a few pairs instead. It carries the classes ``latentlang-pair`` and ``latentlang-phases``.
    """

    def run(task: str, source: str, target: str, every: int, progress=False):
        return run_experiment(model, task, source if task == "translation" else None, target, every=every, progress=progress)

    if wants_static(backend):
        asked = [(task, source, target)] + [("translation", s, target) for s in ("de", "fr", "ru") if s not in (source, target)]
        asked.append(("repetition", target, target))
        names = {request: f"{request[1]} → {request[2]}" if request[0] == "translation" else f"{request[0]} {target}" for request in asked}
        figures = {}
        for request in asked:
            try:
                figures[names[request]] = plots.phases(run(*request, every))
            except DataError:  # another pair of the menu may have no usable words
                if request == asked[0]:
                    raise
        return menu(figures)
    controls = pair_controls(task, source, target) | {
        "every": size_control(every),
        "cognates": widgets.Checkbox(value=True, description="with cognates"),
    }
    figure = figure_widget("phases")

    def compute(report, cognates: bool, **request):
        found = run(**request, progress=report)
        return (found if cognates else found[~found.prompts["cognate"]]).checked()

    def show(decoded) -> str:
        found = find_phases(decoded)
        redraw(figure, plots.phases(decoded, found), width)
        panel.offer(summarize(decoded), "latentlang-pair")
        said = [f"{name} from layer {start}" for name, start in (("concept", found.concept_start), ("target", found.target_start)) if start]
        return f"n = {len(decoded)}: {', '.join(said) or 'neither phase found'}"

    panel = Panel("pair", controls, {"phases": figure}, compute, show, ("cognates",))
    return panel.first()


def compare(models: Model | tuple[Model, ...] | list[Model], **choice) -> widgets.HBox:
    """Return two explorers of a pair side by side: of two models, or of one model twice (two pairs, or two tasks).

    ``choice`` is that of ``pair``, for both. It carries the class ``latentlang-compare``.
    """
    sides = list(models) if isinstance(models, (list, tuple)) else [models]
    sides = sides * 2 if len(sides) == 1 else sides
    parts = [pair(model, width=WIDTH * 3 // 5, **choice) for model in sides]
    return widgets.HBox(parts, layout={"flex_flow": "row wrap"}).add_class("latentlang-compare")
