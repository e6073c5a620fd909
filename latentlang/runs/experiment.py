"""``Experiment``: everything that changes the numbers of a run, in one frozen object."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from ..lens.readings import READINGS
from ..models.model import Model
from ..prompts.prompt import PromptSet
from ..prompts.setting import Setting

_FORMAT = 3  # raise it when a file keeps other things beside the readings for the same question


@dataclass(frozen=True)
class Experiment:
    """One question to one model. Its hash names the entry with the answer.

    Every choice that changes numbers is a field, so that the key cannot miss one.

    ``model``: name, revision, number format and quantization. ``prompts``: concept, text, input
    ids, spellings and token sets of each. ``readings``: the names and versions of ``READINGS``.
    """

    model: tuple[tuple[str, str], ...]
    setting: Setting
    prompts: tuple[tuple, ...]
    lens: str = "logit"
    top_k: int = 5
    keep_latents: bool = False
    readings: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, model: Model, prompts: PromptSet, *, keep_latents: bool = False) -> Experiment:
        """Return the experiment that reads these prompts with this model."""
        questions = []
        for prompt in prompts:
            ids = tuple(model.tokenizer(prompt.text)["input_ids"])
            sets = [(code, tuple(sorted(tokens))) for code, tokens in prompt.token_ids.items()]
            answers = tuple(prompt.answers.items())
            questions.append((prompt.concept, prompt.text, ids, answers, tuple(sets)))
        versions = tuple((name, reading.version) for name, reading in READINGS.items())
        return cls(
            model=tuple(model.identity.items()),
            setting=prompts.setting,
            prompts=tuple(questions),
            keep_latents=keep_latents,
            readings=versions,
        )

    @property
    def key(self) -> str:
        """The name of the entry that answers this experiment: a hash of every field."""
        text = json.dumps({"format": _FORMAT, **asdict(self)}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]
