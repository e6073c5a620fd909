"""The menu of lenses: those that a model can be read through without a long wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import ipywidgets as widgets

from ..errors import TraceError
from ..lens.lens import Lens
from ..lens.run import Run
from ..lenses.recipes import LENSES, left_out
from ..models.lens_name import lens_name
from ..models.model import Model
from ..models.stored import Stored
from ..plots.text import escape
from ..runs.cache import stamp
from ..runs.fitted import fitted, is_kept
from .controls import source_of
from .model_menu import ModelMenu

LOGIT = Run.lens


class LensMenu:
    """A control that chooses a lens by its name.

    Args:
        models: the menu of the models that are read.
    """

    def __init__(self, models: ModelMenu) -> None:
        self.control = widgets.Dropdown(
            options=[LOGIT],
            description="Lens",
            style={"description_width": "48px"},
            layout={"width": "200px"},
        )
        self._models = models
        self._live = lru_cache(maxsize=8)(self._names)
        self._lenses: dict[tuple, Lens] = {}  # the latest one: it may be large
        self._fitted_on: dict[tuple[str, str], set[str]] = {}

    def offer(self, label: str, name: str, task: str, source: str, target: str) -> None:
        """Offer the lenses of a model, a task and its languages; the chosen one stays in any case.

        Raises:
            TraceError: The lens of this name is not one of them.
        """
        model = self._models.model(label)
        if isinstance(model.session, Stored):
            names = model.session.lenses(task, source_of(task, source), target)
        else:
            names = self._live(label, model.session.weights, stamp())
        chosen = self.control.value
        options = tuple(dict.fromkeys([*(names or [LOGIT]), chosen]))
        if options != self.control.options:
            with self.control.hold_sync():  # new options choose the first one
                self.control.options = options
                self.control.value = chosen
        if names and name not in names:
            raise TraceError(_refusal(model, name, names))

    def lens(self, label: str, name: str, report: Callable[..., None]) -> Lens | str | None:
        """Return what ``run_experiment`` takes as a lens; it is fitted now if it is not on disk."""
        model = self._models.model(label)
        if name == LOGIT:
            return None
        if isinstance(model.session, Stored):
            return name
        key = (label, name, model.session.weights)
        if key not in self._lenses:

            def fitting(done: int, total: int) -> None:
                report(done, total, f"Fitting the {name} lens", "texts")

            lens = fitted(model, name, fitting)
            # Without them it does not warn, and ``caution`` speaks in the explorer.
            self._lenses = {key: replace(lens, concepts=())}
            self._fitted_on = {(lens.name, lens.model): {*lens.concepts}}
        return self._lenses[key]

    def caution(self, run: Run) -> list[str]:
        """Return a sentence if the text of the lens is about what a run asks; else nothing."""
        known = self._fitted_on.get((run.lens, run.model), set())
        shared = [concept for concept in run.prompts["concept"] if concept in known]
        if not shared:
            return []
        about, other = f"{len(shared)} of these concepts", "every 4th concept"
        if len(run) == 1:
            about, other = f"'{escape(shared[0])}'", f"another concept, such as '{left_out()[0]}'"
        return [
            f"The {lens_name(run.lens)} was fitted on sentences about {about}, so it may know too "
            f"much: choose {other}"
        ]

    def _names(self, label: str, *_: object) -> list[str]:
        """Return the lenses of a model with weights; others, or a new file, may change them.

        Those without a map are none of them: they do not read all positions of a prompt.
        """
        model = self._models.model(label)
        fits = {name: how for name, how in LENSES.items() if how.fit is not None}
        return [LOGIT, *(name for name in fits if not fits[name].slow or is_kept(model, name))]


def _refusal(model: Model, name: str, names: list[str]) -> str:
    """Return the sentence that says that a model cannot be read through a lens here."""
    other = ""
    if isinstance(model.session, Stored):
        other = f", or {model.session.advice}"
    elif name in LENSES and LENSES[name].fit is not None:
        other = f", or run ll.run_experiment(model, ..., lens='{name}') once, which takes a while"
    return f"There is no {name} lens of {model.name} here: choose {' or '.join(names)}{other}."
