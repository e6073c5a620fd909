"""Measured paths on the sphere: where the latents of a run and the words they are about stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from .decoded import Decoded
from .errors import DataError, near
from .geometry import sphere_axes, sphere_coordinates
from .metrics import mean_ci
from .models import Model
from .summaries import clusters
from .tokens import spell


@dataclass(frozen=True)
class SpherePath:
    """Paths through the layers on the unit sphere, and the words' tokens in the same frame.

    ``coordinates`` ``[n_prompts, n_layers, 3]``: x leans to the pivot (below 0) or the target (above 0), y grows with the
    concept, z is everything else. ``words[lang]`` ``[n_prompts, 3]``: the first token of each prompt's word. ``layers``:
    the layer numbers. ``prompts``: one row a prompt, with ``word_<lang>``. ``model``: its name. ``pivot``, ``target``: language codes.
    """

    coordinates: torch.Tensor
    words: dict[str, torch.Tensor]
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    model: str
    pivot: str
    target: str

    def __len__(self) -> int:
        return len(self.coordinates)

    def __getitem__(self, concepts: str | Sequence[str]) -> SpherePath:
        """Return the paths of one concept or several, in the frame of the whole set."""
        concepts = [concepts] if isinstance(concepts, str) else list(concepts)
        known = list(self.prompts["concept"])
        for concept in concepts:
            if concept not in known:
                raise DataError(f"There is no path of '{concept}'.{near(concept, known)} Choose a concept of this run.")
        rows = [n for n, concept in enumerate(known) if concept in concepts]
        words = {code: points[rows] for code, points in self.words.items()}
        prompts = self.prompts.iloc[rows].reset_index(drop=True)
        return SpherePath(self.coordinates[rows], words, self.layers, prompts, self.model, self.pivot, self.target)

    def mean(self) -> torch.Tensor:
        """Return the mean path ``[n_layers, 3]``: mean x and mean y, with the z that keeps it on the sphere."""
        plane = self.coordinates[..., :2].mean(0)
        return torch.cat([plane, (1 - plane.square().sum(-1, keepdim=True)).clamp_min(0).sqrt()], -1)

    def to_frame(self) -> pd.DataFrame:
        """Return the table of cosines: one row a layer, the mean of each coordinate with its 95 % interval (Gaussian, by concept)."""
        columns = {"layer": list(self.layers)}
        for n, name in enumerate(("language", "concept", "rest")):
            bounds = mean_ci(self.coordinates[..., n], clusters=clusters(self.prompts["concept"]))
            columns |= {f"{name}{part}": bound.tolist() for part, bound in zip(("", "_lower", "_upper"), bounds)}
        return pd.DataFrame(columns).set_index("layer")


def sphere_path(model: Model, decoded: Decoded) -> SpherePath:
    """Return the measured path of every prompt of a run on the sphere.

    The axes come from the first tokens of the target and pivot words of all its prompts (``geometry.sphere_axes``).
    Raises ``DataError`` for a run of another model or without latents, and where pivot and target are one language.
    """
    if decoded.latents is None:
        raise DataError("The sphere needs latents, which this run did not keep: decode or run_experiment with keep_latents=True.")
    if decoded.model != model.name:
        raise DataError(
            f"This is a run of {decoded.model}, and the words' tokens would come from {model.name}: pass the model that was read."
        )
    pivot, target = decoded.pivot_and_target
    if pivot == target:
        raise DataError(f"The sphere lies between two languages, and '{target}' is both pivot and target here: choose another target.")
    spelled = {code: decoded.words(code) for code in (pivot, target)}
    rows = {code: model.folded_unembedding([_first_token(model, word) for word in words]).cpu() for code, words in spelled.items()}
    axes = sphere_axes(rows[target], rows[pivot])
    words = {code: sphere_coordinates(points[:, None], axes)[:, 0] for code, points in rows.items()}
    table = decoded.prompts.assign(**{f"word_{code}": written for code, written in spelled.items()})
    return SpherePath(sphere_coordinates(decoded.latents, axes), words, decoded.layers, table, decoded.model, pivot, target)


def _first_token(model: Model, word: str) -> int:
    """Return the token that begins ``word`` after the opening quote of a prompt: it stands for the word on the sphere."""
    ids = spell(word, model.tokenizer)
    if not ids:
        raise DataError(f"{model.name}'s tokenizer cannot spell '{word}', so it has no place on the sphere: leave the concept out.")
    return ids[0]
