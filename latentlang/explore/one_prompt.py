"""Readings of one prompt of any model in a menu."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from ..errors import TraceError
from ..lens.decode import decode
from ..lens.lens import Lens
from ..lens.run import Run
from ..models.inquiry import Inquiry
from ..models.stored import Stored
from ..prompts.build import build_prompts
from ..prompts.prompt import Prompt, PromptSet
from ..runs.experiments import run_experiment
from .controls import source_of
from .grid_widget import CANDIDATES
from .lens_menu import LOGIT
from .model_menu import ModelMenu

_POSITIONS = 7  # the end of the query; more would take longer than a second on two cores
_REMEMBERED = 256  # prompts whose readings stay in memory, a few kilobytes each


class OnePrompt:
    """Reads one prompt at a time. What it remembers goes by the label of a model, not the model."""

    def __init__(self, models: ModelMenu) -> None:
        self._models = models
        self._prompts = lru_cache(maxsize=32)(self._build)
        self._stored = lru_cache(maxsize=8)(self._load)
        self._decoded = lru_cache(maxsize=_REMEMBERED)(self._decode)

    def concepts(
        self, label: str, task: str, source: str, target: str, lens: Lens | str | None = None
    ) -> list[str]:
        """Return the concepts that a model can be asked about for a task and its languages."""
        pair = (label, task, source_of(task, source), target)
        if isinstance(self._models.model(label).session, Stored):
            return list(self._stored(*pair, lens).prompts["concept"])
        return [prompt.concept for prompt in self._prompts(*pair)]

    def read(
        self,
        label: str,
        task: str,
        source: str,
        target: str,
        concept: str,
        text: str = "",
        lens: Lens | str | None = None,
    ) -> Run:
        """Return the run of one prompt: a typed one, or that of a concept.

        Stored answers have the last position, and the first stored concept stands for another.
        ``lens``: what ``LensMenu.lens`` returns.

        Raises:
            DataError: for prompts that cannot be built.
            TraceError: for a typed prompt, or a pair, that stored answers do not have.
        """
        model, pair = self._models.model(label), (label, task, source_of(task, source), target)
        if not isinstance(model.session, Stored):
            # Remembered readings would keep their lens in memory, which may be large.
            decoded = self._decoded if lens is None else self._decode
            asked = (*pair, concept, text, model.session.weights)
            return decoded(*asked, cast("Lens | None", lens))
        if text.strip():
            raise TraceError(model.session.refusal("A prompt that you type", Inquiry))
        stored = self._stored(*pair, lens)
        names = list(stored.prompts["concept"])
        return stored[concept if concept in names else names[0]]

    def _build(self, label: str, task: str, source: str | None, target: str) -> PromptSet:
        tokenizer = self._models.model(label).tokenizer
        return build_prompts(task, source, target, tokenizer=tokenizer)

    def _load(
        self, label: str, task: str, source: str | None, target: str, lens: str | None
    ) -> Run:
        model = self._models.model(label)
        session, asked = cast("Stored", model.session), (task, source, target, lens or LOGIT)
        about: list[dict[str, Any]] = [{"every": session.finest(*asked)}]
        if singly := session.singly(*asked):
            about.append({"concepts": singly})
        choices: dict[str, Any] = {"lens": lens, "progress": False}
        return Run.concatenate(
            [run_experiment(model, task, source, target, **each, **choices) for each in about]
        )

    def _decode(
        self,
        label: str,
        task: str,
        source: str | None,
        target: str,
        concept: str,
        text: str,
        weights: tuple,
        lens: Lens | None,
    ) -> Run:
        """Read a prompt; changed weights are another question."""
        model = self._models.model(label)
        asked: Prompt | str = text.replace("\\n", "\n")
        if not text.strip():
            asked = self._prompts(label, task, source, target)[concept]
        return decode(model, asked, lens=lens, positions=_POSITIONS, top_k=CANDIDATES, follow=True)
