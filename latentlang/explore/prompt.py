"""The explorer of one prompt."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
import plotly.graph_objects as go

from .. import plots
from ..lens.run import Run
from ..models.model import Model
from ..models.stored import Stored
from ..plots.text import escape, token_label
from ..progress import interruptible
from .controls import pair_controls
from .grid_widget import GridWidget
from .lens_menu import LensMenu
from .model_menu import ModelMenu
from .one_prompt import OnePrompt
from .panel import Panel
from .static import menu, wants_static

_LISTED = 5  # concepts in the menu of the static form, beside the first
_QUERY = "<pre style='white-space: pre-wrap; line-height: 1.3'>{}</pre>"


@interruptible
def prompt(
    model: Model,
    task: str = "translation",
    source: str = "fr",
    target: str = "zh",
    concept: str = "flower",
    backend: str = "widget",
) -> widgets.VBox | go.Figure:
    """Return an explorer of one prompt: choose model, lens, task, languages, concept, or type one.

    It shows a lens grid: click a cell for its candidates, and follow a word or a token through the
    layers. What you chose in the grid stays when the concept changes. The menu of models has those
    in memory, and those of which answers are stored: of these it shows the stored concepts, at the
    last position. The menu of lenses has the logit lens, those that take about a minute to fit for
    the default model, and those that are on disk already; stored answers have their own. A lens is
    fitted once and kept. The widget carries the classes ``latentlang-prompt``, ``latentlang-grid``
    and ``latentlang-text``.

    Args:
        model: the first model, what ``load_model`` returns.
        task: the first task to show, a name of ``TASKS``.
        source: the first source language.
        target: the first target language.
        concept: the first concept.
        backend: ``"widget"``, or ``"static"`` for a heatmap with a menu of a few concepts, which
            needs neither a kernel nor widgets.

    Raises:
        DataError: for an unknown task, language, concept or backend.
    """
    models = ModelMenu(model)
    lenses = LensMenu(models)
    prompts = OnePrompt(models)
    first = {"task": task, "source": source, "target": target}
    if wants_static(backend):
        here = models.control.value
        names = dict.fromkeys([concept, *prompts.concepts(here, **first)[:_LISTED]])
        runs = [prompts.read(here, **first, concept=name) for name in names]
        figures = {run.prompts["concept"][0]: plots.heatmap(run, model.tokenizer) for run in runs}
        return menu(figures)
    chosen = {"model": models.control, "lens": lenses.control}
    controls = {**chosen, **pair_controls(task, source, target)} | {
        "concept": widgets.Combobox(value=concept, description="Concept", continuous_update=False),
        "text": widgets.Text(
            description="Prompt",
            placeholder="empty: built from the choices; \\n for a new line",
            continuous_update=False,
            layout={"width": "608px", "max_width": "100%"},
        ),
    }
    grid, query_text = GridWidget(), widgets.HTML()

    def compute(
        report: Callable[..., None], model: str, lens: str, concept: str, text: str, **pair: str
    ) -> tuple:
        pair = first if text.strip() else pair  # the choices do not apply to a typed prompt
        with panel.quietly():
            lenses.offer(model, lens, **pair)
        through = lenses.lens(model, lens, report)
        controls["concept"].options = prompts.concepts(model, **pair, lens=through)
        run = prompts.read(model, **pair, concept=concept, text=text, lens=through)
        return models.model(model), concept, run

    def show(result: tuple[Model, str, Run]) -> str:
        model, asked, run = result
        shown = run.prompts["concept"][0]
        if shown:  # a typed prompt has none
            with panel.quietly():
                controls["concept"].value = shown
        grid.show(plots.grid(run))
        last = run.last_position()
        query_text.value = _QUERY.format(escape(run.prompts["text"][0]))
        panel.offer(last.to_frame(), "latentlang-prompt")
        top = token_label(int(last.top_ids[0, -1, 0]), model.tokenizer)
        said = f"After layer {run.layers[-1]} the most probable token is {top}"
        said = ". ".join([said, *lenses.caution(run)])
        if not isinstance(model.session, Stored):
            return said
        if asked != shown:
            said = f"'{escape(asked)}' is not stored, so this is '{escape(shown)}'. {said}"
        # The status must stay short: the explorer has to fit on one screen.
        how = escape(model.session.how_to_load)
        return f"{said}. Stored answers hold the last position: for those before it, {how}."

    aside = {"text": query_text}
    panel = Panel("prompt", controls, [{"grid": grid}], compute, show, aside=aside)
    return panel.first()
