"""The explorer of a patch: one prompt's latent in another prompt, layer by layer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..errors import DataError
from ..lens.decode import decode
from ..lens.interventions import Patch
from ..lens.latents import Latents, latents_at
from ..lens.layers import layer_number
from ..lens.run import Run
from ..lens.sweep import sweep
from ..lens.sweep_result import Sweep
from ..models.model import Model
from ..plots.text import escape, language_label
from ..progress import Progress, interruptible
from ..prompts.build import build_prompts
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.words import language, languages, load_words
from .drawing import figure_widget
from .grid_widget import CANDIDATES, GridWidget
from .panel import Panel
from .static import menu, wants_static

_POSITIONS = 5  # the end of the query; more would take longer than a second on two cores
_REMEMBERED = 256  # answers that stay in memory, a few kilobytes each
_DEPTH = 0.7  # of the layer that is changed first: in the demo model the concept changes there
_THIRD = {"width": "31%", "min_width": "220px"}  # a row for A, a row for B
Pair = tuple[str, str]


@interruptible
def patch(
    model: Model,
    source: Pair = ("fr", "en"),
    into: Pair = ("de", "zh"),
    concepts: Pair = ("book", "flower"),
    layer: int | None = None,
    backend: str = "widget",
) -> widgets.VBox | go.Figure:
    """Return an explorer of a patch: choose two pairs, two concepts and a layer; see the answer.

    The latent of the source prompt's last token, after the chosen layer, replaces that of the
    changed prompt. Bars show the words of both concepts in both languages, and a lens grid the
    layers of the changed model. The widget carries the classes ``latentlang-patch``,
    ``latentlang-bars`` and ``latentlang-grid``.

    Args:
        model: what ``load_model`` returns.
        source: the first pair of languages of the prompt that gives the latent.
        into: the first pair of the prompt that is changed.
        concepts: the first concepts: what the source prompt asks about, and the changed one.
        layer: the first layer that is changed; None for one at 70 % of the depth.
        backend: ``"widget"``, or ``"static"`` for a figure with a menu of a few layers.

    Raises:
        DataError: for an unknown language, concept or backend, or a layer that is not there.
    """
    look = Patching(model)
    first = (_two(source, "source"), _two(into, "into"), _two(concepts, "concepts"))
    start = round(_DEPTH * model.n_layers) if layer is None else layer_number(layer)
    if not 1 <= start <= model.n_layers:
        raise DataError(f"{model.name} has layers 1 to {model.n_layers}, and no layer {start}.")
    if wants_static(backend):
        swept, words = look.swept(*first, model.session.weights)
        layers = sorted({round(model.n_layers * n / 6) or 1 for n in range(7)} | {start})
        return menu({f"layer {n}": plots.sweep_layer(swept, n, words) for n in layers})
    controls = _controls(*first) | {
        "layer": widgets.IntSlider(
            value=start,
            min=1,
            max=model.n_layers,
            description="Layer",
            continuous_update=False,
            layout={"width": "62%", "min_width": "280px"},
        )
    }
    bars, grid, texts = figure_widget("bars"), GridWidget(), widgets.HTML()

    def compute(_: Progress, layer: int, **names: str) -> tuple[Run, Sweep, dict, list[str], int]:
        source = names["source_from"], names["source_to"]
        into = names["into_from"], names["into_to"]
        concepts = names["concept_a"], names["concept_b"]
        weights = model.session.weights
        swept, words = look.swept(source, into, concepts, weights)
        run = look.changed(source, into, concepts, layer, weights)
        return run, swept, words, look.texts(source, into, concepts), layer

    def show(result: tuple) -> str:
        run, swept, words, asked, layer = result
        panel.draw("bars", plots.sweep_layer(swept, layer, words))
        grid.show(plots.grid(run))
        texts.value = "".join(
            f"<p>{name}</p><pre style='white-space: pre-wrap'>{escape(text)}</pre>"
            for name, text in zip(("The latent comes from A:", "It is put into B:"), asked)
        )
        panel.offer(swept.to_frame(), "latentlang-patch")
        return bars.layout.meta["message"]

    columns = [{"bars": bars, "text": texts}, {"grid": grid}]
    panel = Panel("patch", controls, columns, compute, show)
    return panel.first()


class Patching:
    """The readings of the explorer, each kept in memory; changed weights are another question."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._set = lru_cache(maxsize=32)(self._build)
        self._latents = lru_cache(maxsize=_REMEMBERED)(self._read)
        self.swept = lru_cache(maxsize=_REMEMBERED)(self._sweep)
        self.changed = lru_cache(maxsize=_REMEMBERED)(self._decode)

    def texts(self, source: Pair, into: Pair, concepts: Pair) -> list[str]:
        """Return the query of each of the two prompts, its last line."""
        prompts = self._prompt(source, concepts[0]), self._prompt(into, concepts[1])
        return [prompt.text.rpartition("\n")[2] for prompt in prompts]

    def _build(self, pair: Pair) -> PromptSet:
        return build_prompts("translation", *pair, tokenizer=self.model.tokenizer)

    def _prompt(self, pair: Pair, concept: str) -> Prompt:
        return self._set(pair)[concept]

    def _read(self, source: Pair, concept: str, weights: tuple) -> Latents:
        return latents_at(self.model, self._prompt(source, concept))

    def _sweep(
        self, source: Pair, into: Pair, concepts: Pair, weights: tuple
    ) -> tuple[Sweep, dict[str, str]]:
        """Return the answers with each layer changed, and the word behind each label."""
        if concepts[0] == concepts[1]:
            raise DataError(
                f"Both prompts ask about '{concepts[0]}', so a change of the concept could not be "
                "seen: choose two concepts."
            )
        targets, words = {}, {}
        for pair in (source, into):
            for letter, concept in zip("AB", concepts):
                asked, label = self._prompt(pair, concept), f"{letter} in {pair[1]}"
                targets[label] = [asked.token_ids[pair[1]]]
                words[label] = asked.answers[pair[1]][0]
        together = [token for (ids,) in targets.values() for token in ids]
        if len(together) > len(set(together)):
            raise DataError(
                "Two of these words begin with the same token, so they cannot be told apart: "
                "choose another concept."
            )
        change = Patch(self._latents(source, concepts[0], weights))
        prompt = self._prompt(into, concepts[1])
        return sweep(self.model, prompt, change, targets=targets, progress=False), words

    def _decode(self, source: Pair, into: Pair, concepts: Pair, layer: int, weights: tuple) -> Run:
        """Return the readings of the changed prompt at its last positions."""
        change = Patch(self._latents(source, concepts[0], weights), layers=layer)
        return decode(
            self.model,
            self._prompt(into, concepts[1]),
            interventions=(change,),
            positions=_POSITIONS,
            top_k=CANDIDATES,
            follow=True,
            energy=False,
        )


def _two(names: object, name: str) -> Pair:
    """Return two names, or raise ``DataError`` for anything else."""
    several = list(names) if isinstance(names, (tuple, list)) else []
    if len(several) != 2 or not all(isinstance(each, str) for each in several):
        raise DataError(f"{name} takes two names, such as ('de', 'zh'), not {names!r}.")
    return several[0], several[1]


def _controls(source: Pair, into: Pair, concepts: Pair) -> dict[str, widgets.Widget]:
    """Return the controls of two pairs of languages and two concepts."""
    for code in (*source, *into):
        language(code)
    table, names = load_words(), languages()
    choices = [(language_label(code), code) for code in names.index if code in table.columns]
    codes = {
        "source_from": ("A from", source[0]),
        "source_to": ("A to", source[1]),
        "into_from": ("B from", into[0]),
        "into_to": ("B to", into[1]),
    }
    controls: dict[str, Any] = {
        key: widgets.Dropdown(options=choices, value=code, description=name, layout=_THIRD)
        for key, (name, code) in codes.items()
    }
    for letter, concept in zip("AB", concepts):
        controls[f"concept_{letter.lower()}"] = widgets.Combobox(
            options=sorted(table.index),
            value=concept,
            description=f"Concept {letter}",
            continuous_update=False,
            layout=_THIRD,
        )
    order = ("source_from", "source_to", "concept_a", "into_from", "into_to", "concept_b")
    return {key: controls[key] for key in order}
