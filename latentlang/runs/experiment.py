"""``Experiment``: everything that changes the numbers of a run, in one frozen object."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..lens.inputs import Inputs
from ..lens.readings import READINGS
from ..lens.run import Run
from ..lens.tensors import labels_of
from ..models.model import Model
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.setting import Setting

_FORMAT = 4  # raise it when a file keeps other things beside the readings for the same question


@dataclass(frozen=True)
class Experiment:
    """One question to one model. Its hash names the entry with the answer.

    Every choice that changes numbers is a field, so that the key cannot miss one.

    ``model``: name, revision, number format and quantization. ``prompts``: each prompt as a whole
    (text, spellings, token sets and the rest), with its input ids. ``lens``: ``"logit"``, or
    the key of ``Through``. ``readings``: the names and versions of ``READINGS``.
    """

    model: tuple[tuple[str, str], ...]
    setting: Setting
    prompts: tuple[tuple[Prompt, tuple[int, ...]], ...]
    lens: str = "logit"
    positions: str = "last"
    top_k: int = 10
    keep_latents: bool = False
    readings: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(
        cls,
        model: Model,
        prompts: PromptSet,
        *,
        keep_latents: bool = False,
        lens: str = "logit",
    ) -> Experiment:
        """Return the experiment that reads these prompts with this model."""
        versions = tuple((name, reading.version) for name, reading in READINGS.items())
        return cls(
            model=tuple(model.identity.items()),
            setting=prompts.setting,
            prompts=with_ids(prompts, model),
            lens=lens,
            keep_latents=keep_latents,
            readings=versions,
        )

    @property
    def key(self) -> str:
        """The name of the entry that answers this experiment: a hash of every field."""
        return key_of({"format": _FORMAT, **asdict(self)})


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the hash of facts that JSON can hold, or sets."""
    text = json.dumps(facts, ensure_ascii=False, default=sorted)  # a set has no order
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def with_ids(prompts: PromptSet, model: Model) -> tuple[tuple[Prompt, tuple[int, ...]], ...]:
    """Return each prompt with its input ids."""
    return tuple((prompt, tuple(model.tokenizer(prompt.text)["input_ids"])) for prompt in prompts)


def fits(
    run: Run,
    model: Model,
    prompts: PromptSet,
    keep_latents: bool,
    follow: bool,
    lens: str = Experiment.lens,
) -> bool:
    """Return whether a run is what reading these prompts with this model gives.

    A file in a cache may hold anything; its numbers are taken on trust, and nothing else is.
    """
    inputs, last = Inputs.of(prompts, None), model.n_layers
    ours = (run.model, run.revision, run.number_format, run.lens, run.setting, run.layers)
    asked = (model.name, model.revision, model.format_title, lens, inputs.setting)
    return (
        ours == (*asked, tuple(range(1, last + 1)))
        and run.prompts.equals(inputs.table)
        and set(run.readings) == set(READINGS)
        and labels_of(run.readings) == {*inputs.languages, *inputs.yardsticks}
        and not run.watch
        and not run.position_tokens
        and (run.latents is not None) == keep_latents
        and (run.latents is None or run.latents.shape[-1] == model.d_model)
        and run.top_ids.shape[-1] == Experiment.top_k
        and not run.top_ids.is_floating_point()
        and bool(((run.top_ids >= 0) & (run.top_ids < model.vocab_size)).all())
        and (run.followed is not None) == follow
        and (run.followed is None or bool((run.followed.ids < model.vocab_size).all()))
    )
