"""The explorer of a pair: mean curves, energy and phases of many prompts; one or two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..analysis.phases import find_phases
from ..analysis.summary import summarize
from ..errors import DataError
from ..lens.layers import layer_spans
from ..lens.lens import Lens
from ..lens.require import require_means
from ..lens.run import Run
from ..models.model import Model
from ..progress import Progress, interruptible
from ..prompts.tasks import TASKS, find_task
from ..runs.experiments import run_experiment
from .controls import pair_controls, size_control, source_of
from .drawing import figure_widget
from .lens_menu import LensMenu
from .model_menu import ModelMenu
from .panel import Panel, on_close
from .static import menu, wants_static


@interruptible
def pair(
    model: Model,
    task: str = "translation",
    source: str = "fr",
    target: str = "zh",
    every: int = 16,
    backend: str = "widget",
) -> widgets.VBox | go.Figure:
    """Return an explorer of a pair: choose model, lens, languages, concepts; see curves and phases.

    The menus of models and lenses are those of ``prompt``. A computation shows its progress, can be
    stopped, and continues where it stopped; the fit of a lens starts again. The widget carries the
    classes ``latentlang-pair`` and ``latentlang-phases``.

    Args:
        model: the first model, what ``load_model`` returns.
        task: the first task to show, a name of ``TASKS``.
        source: the first source language.
        target: the first target language.
        every: every n-th concept of the word list.
        backend: ``"widget"``, or ``"static"`` for a figure with a menu of a few pairs.

    Raises:
        DataError: for an unknown task, language or backend.
    """

    def read(
        model: Model,
        task: str,
        source: str,
        target: str,
        every: int,
        lens: Lens | str | None = None,
        progress: Progress = False,
    ) -> Run:
        asked = (task, source_of(task, source), target)
        return run_experiment(model, *asked, every=every, lens=lens, progress=progress)

    if wants_static(backend):
        requests = [(task, source, target)]
        if find_task(task).needs_source:
            others = [code for code in ("de", "fr", "ru") if code not in (source, target)]
            requests += [(task, code, target) for code in others]
        alone = [name for name, other in TASKS.items() if not other.needs_source]
        requests += [(name, target, target) for name in alone]
        figures = {}
        for request in dict.fromkeys(requests):
            row = TASKS[request[0]]
            name = " → ".join(request[1:]) if row.needs_source else row.title(*request[1:])
            try:
                figures[name] = plots.phases(read(model, *request, every))
            except DataError:  # another pair of the menu may have no usable words
                if request == requests[0]:
                    raise
        return menu(figures)
    models = ModelMenu(model)
    lenses = LensMenu(models)
    chosen = {"model": models.control, "lens": lenses.control}
    controls = {**chosen, **pair_controls(task, source, target)} | {
        "every": size_control(every),
        "cognates": widgets.Checkbox(value=True, description="with cognates"),
    }
    figure = figure_widget("phases")

    def compute(
        report: Callable[..., None],
        model: str,
        lens: str,
        every: int,
        cognates: bool,
        **languages: str,
    ) -> Run:
        with panel.quietly():
            lenses.offer(model, lens, **languages)
        through = lenses.lens(model, lens, report)
        run = read(models.model(model), **languages, every=every, lens=through, progress=report)
        return require_means(run if cognates else run.without_cognates())

    def show(run: Run) -> str:
        phases = find_phases(run)
        panel.draw("phases", plots.phases(run, phases))
        panel.offer(summarize(run), "latentlang-pair")
        starts = {"concept": phases.concept_start, "target": phases.target_start}
        phrases = [
            f"{name} from layer {start}" for name, start in starts.items() if start is not None
        ]
        copy = f"; copy of the source leads in {layer_spans(phases.copy)}" if phases.copy else ""
        said = f"n = {len(run)}: {', '.join(phrases) or 'neither phase found'}{copy}"
        return ". ".join([said, *lenses.caution(run)])

    panel = Panel("pair", controls, [{"phases": figure}], compute, show, ("cognates",))
    return panel.first()


@interruptible
def compare(models: Model | tuple[Model, ...] | list[Model], **choice: Any) -> widgets.HBox:
    """Return two explorers of a pair side by side.

    The widget carries the class ``latentlang-compare``.

    Args:
        models: two models, or one model for both sides (two pairs, or two tasks).
        choice: what ``pair`` takes, for both sides.
    """
    sides = list(models) if isinstance(models, (list, tuple)) else [models]
    sides = sides * 2 if len(sides) == 1 else sides
    parts = [pair(model, **choice) for model in sides]
    for part in parts:  # equally wide, and one below the other where that is too narrow
        part.layout.flex, part.layout.width = "1 1 480px", "auto"
    both = widgets.HBox(parts, layout={"flex_flow": "row wrap", "width": "100%"}).add_class(
        "latentlang-compare"
    )
    on_close(both)
    return both
