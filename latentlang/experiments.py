"""Experiments: a task, a language pair and a model in; readings and measured paths out."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .decoded import Decoded
from .errors import DataError
from .geometry import sphere_axes, sphere_coordinates
from .lens import decode
from .models import Model
from .prompts import PromptSet, build_prompts
from .tokens import answer_token


def run_experiment(
    model: Model,
    task: str,
    source: str | Sequence[str] | None = None,
    target: str = "zh",
    *,
    seed: int = 0,
    k: int | None = None,
    shared_demos: bool = False,
    words=None,
    progress: bool = True,
) -> Decoded:
    """Build the prompts of one experiment and read every layer for each of them.

    ``source`` may be a list of languages, whose prompts are pooled (the paper pools de, fr and ru
    to zh). The other arguments are those of ``build_prompts``.
    """
    sources = [source] if source is None or isinstance(source, str) else list(source)
    sets = [
        build_prompts(task, code, target, tokenizer=model.tokenizer, words=words, seed=seed, k=k, shared_demos=shared_demos)
        for code in sources
    ]
    prompts = sets[0]
    for other in sets[1:]:
        prompts = prompts + other
    return decode(model, prompts, progress=progress)


def sphere_path(model: Model, prompts: PromptSet, decoded: Decoded) -> torch.Tensor:
    """Return the measured path of every prompt on the sphere, ``[n_prompts, n_layers, 3]``.

    The axes come from the first tokens of the target and pivot words of all the prompts
    (``geometry.sphere_axes``); ``decoded`` must hold the same prompts with their latents.
    """
    if decoded.latents is None or list(decoded.prompts["concept"]) != [p.concept for p in prompts]:
        raise DataError("The sphere needs the latents of these same prompts: decode(model, prompts, keep_latents=True).")
    pivot, target = decoded.languages[:2]
    U = model.folded_unembedding()
    rows = {code: U[[answer_token(p.answers[code][0], model.tokenizer) for p in prompts]].cpu() for code in (pivot, target)}
    return sphere_coordinates(decoded.latents, sphere_axes(rows[target], rows[pivot]))
