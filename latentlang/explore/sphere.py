"""The explorer of the sphere: a path, layer by layer."""

from __future__ import annotations

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..errors import DataError
from ..experiments import run_experiment
from ..models import Model
from ..paths import SpherePath, sphere_path
from .panel import Panel, figure_widget, pair_controls, redraw, size_control
from .static import wants_static

_MEAN = "mean of all"
PIVOT = "en"


def sphere(
    model: Model, task: str = "translation", source: str = "de", target: str = "zh", every: int = 16, backend: str = "widget"
) -> widgets.VBox | go.Figure:
    """Return an explorer of the sphere: choose a pair, the mean or one concept, and walk through the layers.

    ``backend="static"`` returns the figure with its own slider instead. It carries the classes ``latentlang-sphere`` and
    ``latentlang-globe``.
    """

    def path_of(task: str, source: str, target: str, every: int, progress=False) -> SpherePath:
        only = source if task == "translation" else None
        return sphere_path(model, run_experiment(model, task, only, target, every=every, keep_latents=True, progress=progress))

    if wants_static(backend):
        return plots.sphere(path_of(task, source, target, every))
    controls = pair_controls(task, source, target) | {
        "every": size_control(every),
        "concept": widgets.Combobox(value=_MEAN, description="Path of", continuous_update=False),
        "layer": widgets.IntSlider(value=model.n_layers, min=1, max=model.n_layers, description="Layer"),
    }
    figure = figure_widget("sphere")
    kept: dict[tuple, SpherePath] = {}

    def compute(report, concept: str, layer: int, **request) -> tuple:
        key = tuple(request.values())
        if request["target"] == PIVOT:
            raise DataError("The sphere lies between English and the target, so the target must be another language: choose one.")
        if key not in kept:
            kept.clear()
            kept[key] = path_of(**request, progress=report)
        path = kept[key]
        controls["concept"].options = (_MEAN, *path.prompts["concept"])
        return path if concept in ("", _MEAN) else path[concept], layer

    def show(result: tuple) -> str:
        path, layer = result
        redraw(figure, plots.sphere(path, layer=layer))
        table = path.to_frame()
        panel.offer(table.reset_index(), "latentlang-sphere")
        at = table.loc[layer]
        return f"Layer {layer}: language {at['language']:+.4f}, concept {at['concept']:+.4f}, everything else {at['rest']:.4f}"

    panel = Panel("sphere", controls, {"globe": figure}, compute, show, ("concept", "layer"))
    return panel.first()
