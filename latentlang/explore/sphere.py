"""The explorer of the sphere: a path, layer by layer."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..analysis.sphere import SpherePath
from ..analysis.sphere_path import require_two_languages, sphere_path
from ..models.model import Model
from ..progress import Progress, interruptible
from ..prompts.setting import PIVOT
from ..runs.cache import stamp
from ..runs.experiments import run_experiment
from .controls import pair_controls, size_control, source_of
from .drawing import figure_widget
from .panel import Panel
from .static import wants_static

_MEAN = "mean of all"


@interruptible
def sphere(
    model: Model,
    task: str = "translation",
    source: str = "de",
    target: str = "zh",
    every: int = 16,
    backend: str = "widget",
) -> widgets.VBox | go.Figure:
    """Return an explorer of the sphere: choose a pair, the mean or one concept, and a layer.

    A hover over a point, on the globe or beside it, goes to its layer in both.

    The widget carries the classes ``latentlang-sphere`` and ``latentlang-globe``.

    Args:
        model: what ``load_model`` returns.
        task: the first task to show, a name of ``TASKS``.
        source: the first source language.
        target: the first target language.
        every: every n-th concept of the word list.
        backend: ``"widget"``, or ``"static"`` for the figure with its own slider.

    Raises:
        DataError: for an unknown task, language or backend, and when the target is the pivot.
    """

    def path_of(
        task: str, source: str, target: str, every: int, progress: Progress = False
    ) -> SpherePath:
        only = source_of(task, source)
        run = run_experiment(
            model, task, only, target, every=every, keep_latents=True, progress=progress
        )
        return sphere_path(model, run)

    if wants_static(backend):
        return plots.sphere(path_of(task, source, target, every))
    controls = pair_controls(task, source, target) | {
        "every": size_control(every),
        "concept": widgets.Combobox(value=_MEAN, description="Path of", continuous_update=False),
        "layer": widgets.IntSlider(
            value=model.n_layers, min=1, max=model.n_layers, description="Layer"
        ),
    }
    figure = figure_widget("sphere")
    latest: dict[tuple, SpherePath] = {}

    def compute(report: Progress, concept: str, layer: int, **request: Any) -> tuple:
        require_two_languages(PIVOT, request["target"])

        def key() -> tuple:  # newer results, and changed weights, give another path
            return (*request.values(), model.session.weights, stamp())

        path = latest.get(key())
        if path is None:
            path = path_of(**request, progress=report)
            latest.clear()
            latest[key()] = path
        controls["concept"].options = (_MEAN, *path.prompts["concept"])
        return path if concept in ("", _MEAN) else path[concept], layer

    def show(result: tuple) -> str:
        path, layer = result
        panel.draw("globe", plots.sphere(path, layer=layer))
        table = path.to_frame()
        panel.offer(table.reset_index(), "latentlang-sphere")
        cosines = table.loc[layer]
        return (
            f"Layer {layer}: language {cosines['language']:+.4f}, "
            f"concept {cosines['concept']:+.4f}, everything else {cosines['rest']:.4f}"
        )

    def follow(trace: Any, points: Any, _: Any) -> None:
        """Go to the layer of a point that the reader looks at, in both figures."""
        if points.point_inds:
            controls["layer"].value = int(trace.customdata[points.point_inds[0]][0])

    panel = Panel("sphere", controls, [{"globe": figure}], compute, show, ("concept", "layer"))
    root = panel.first()
    for trace in figure.data:
        if trace.customdata is not None and trace.hovertemplate.startswith("layer"):
            trace.on_hover(follow)
    return root
