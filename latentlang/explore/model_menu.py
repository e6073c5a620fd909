"""The menu of models: those in memory, and those of which answers are stored."""

from __future__ import annotations

from functools import cache

import ipywidgets as widgets

from ..errors import ModelError
from ..models.loading import loaded_models
from ..models.model import Model
from ..models.stored import Stored, stored_model, stored_names


class ModelMenu:
    """A control that chooses a model by its label.

    The labels hold no model: one that the reader lets go of does not stay in memory.

    Args:
        model: the first one to show.
    """

    def __init__(self, model: Model) -> None:
        self._first = model
        self._stored = {_stored_label(name): name for name in stored_names()}
        labels = [_label(each) for each in (model, *loaded_models())]
        self.control = widgets.Dropdown(
            options=list(dict.fromkeys([*labels, *self._stored])),
            value=labels[0],
            description="Model",
            layout={"width": "400px", "max_width": "100%"},
        )
        self._open = cache(stored_model)

    def model(self, label: str) -> Model:
        """Return the model behind a label.

        Raises:
            ModelError: It is no longer in memory, or what is stored of it is damaged.
        """
        for model in (self._first, *loaded_models()):
            if _label(model) == label:
                return model
        name = self._stored.get(label)
        stored = self._open(name) if name else None
        if stored is None:
            raise ModelError(f"{label} is no longer here: load it again, or choose another model.")
        return stored


def _label(model: Model) -> str:
    if isinstance(model.session, Stored):
        return _stored_label(model.name)
    return f"{model.name} · {model.session.where(model.format_title)}"


def _stored_label(name: str) -> str:
    return f"{name} · stored answers"
