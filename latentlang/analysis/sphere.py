"""The sphere: two measured directions, and the paths of latents in their frame.

Source: paper, section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd
import torch

from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from ..models.model import Model, require_model
from ..prompts.prompt import HasSetting, Setting
from ..prompts.rows import rows_of
from ..prompts.tokens import tokenize_word
from .intervals import mean_ci


@dataclass(frozen=True)
class SphereAxes:
    """The frame of the sphere: a language axis and one concept axis per concept.

    ``language`` ``[d_model]`` and ``concept`` ``[n_concepts, d_model]`` have length 1. Every
    concept axis is orthogonal to the language axis.
    """

    language: torch.Tensor
    concept: torch.Tensor

    def __getitem__(self, concepts) -> SphereAxes:
        """Return the axes of some of the concepts, with the language axis of the whole set."""
        return SphereAxes(self.language, self.concept[concepts])


def sphere_axes(u_target: torch.Tensor, u_pivot: torch.Tensor) -> SphereAxes:
    """Return the sphere's axes for a set of concepts from the tokens of their words.

    Language axis: the mean of target minus pivot. Concept axis: the midpoint of each pair, minus
    the mean midpoint, made orthogonal to the language axis.

    Args:
        u_target: the tokens of the target words, ``[n_concepts, d_model]``: rows of the folded
            unembedding. They are scaled to length 1 here.
        u_pivot: the tokens of the pivot (English) words, in the same order.

    Raises:
        DataError: for fewer than two concepts, which cannot tell a concept from a language, and for
            different shapes.

    >>> axes = sphere_axes(torch.eye(3)[:2], torch.eye(3)[[2, 2]])
    >>> axes.language.shape, axes.concept.shape
    (torch.Size([3]), torch.Size([2, 3]))
    """
    if u_target.shape != u_pivot.shape or u_target.ndim != 2:
        raise DataError(
            "sphere_axes needs two tensors [n_concepts, d_model] of one shape, "
            f"not {list(u_target.shape)} and {list(u_pivot.shape)}."
        )
    if len(u_target) < 2:
        raise DataError(
            "The sphere's axes need at least two concepts: take the axes from a whole set, "
            "then axes[[i]] for one."
        )
    target = torch.nn.functional.normalize(u_target.float(), dim=-1)
    pivot = torch.nn.functional.normalize(u_pivot.float(), dim=-1)
    language = torch.nn.functional.normalize((target - pivot).mean(0), dim=-1)
    middle = (target + pivot) / 2
    concept = middle - middle.mean(0)
    concept = concept - (concept @ language)[:, None] * language
    return SphereAxes(language, torch.nn.functional.normalize(concept, dim=-1))


def sphere_coordinates(latents: torch.Tensor, axes: SphereAxes) -> torch.Tensor:
    """Return where each latent is on the unit sphere, ``[n_concepts, n_layers, 3]``.

    For ĥ = h/‖h‖: x = ⟨ĥ, language⟩ (below 0: English; above 0: target), y = ⟨ĥ, concept⟩,
    z = √(1 − x² − y²) (1 at the pole: nothing of either).

    Args:
        latents: ``[n_concepts, n_layers, d_model]``.
        axes: what ``sphere_axes`` returns for these concepts.

    Raises:
        DataError: for latents that do not fit the axes.

    >>> axes = SphereAxes(torch.tensor([1.0, 0, 0]), torch.tensor([[0.0, 1, 0]]))
    >>> sphere_coordinates(torch.tensor([[[0.0, 3.0, 0.0]]]), axes)
    tensor([[[0., 1., 0.]]])
    """
    n_concepts, d_model = axes.concept.shape
    if latents.ndim != 3 or (len(latents), latents.shape[-1]) != (n_concepts, d_model):
        raise DataError(
            f"sphere_coordinates needs latents [{n_concepts}, n_layers, {d_model}] "
            f"for the {n_concepts} concepts of the axes, not {list(latents.shape)}."
        )
    h = torch.nn.functional.normalize(latents.float(), dim=-1)
    x = h @ axes.language.to(h.device)
    y = (h * axes.concept.to(h.device)[:, None]).sum(-1)
    return torch.stack([x, y, (1 - x**2 - y**2).clamp_min(0).sqrt()], -1)


@dataclass(frozen=True, repr=False, eq=False)
class SpherePath(HasSetting):
    """Paths through the layers on the unit sphere, and the words' tokens in the same frame.

    ``coordinates`` ``[n_prompts, n_layers, 3]``: x leans to the pivot (below 0) or the target
    (above 0), y grows with the concept, z is everything else. ``words[lang]`` ``[n_prompts, 3]``:
    the first token of each prompt's word. ``layers``: the layer numbers. ``prompts``: one row per
    prompt, with ``word_<lang>``. ``model``, ``setting``, ``number_format``, ``lens``: those of the
    run.

    Index it as runs: ``path["eagle"]``, a number, a slice, a mask or a list.
    """

    coordinates: torch.Tensor
    words: dict[str, torch.Tensor]
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    model: str
    setting: Setting
    number_format: str = ""
    lens: str = "logit"

    def __len__(self) -> int:
        return len(self.coordinates)

    def __repr__(self) -> str:
        paths = f"{len(self)} paths x {len(self.layers)} layers of {self.model}"
        return f"SpherePath({paths}: {self.setting.title})"

    def __iter__(self) -> Iterator[SpherePath]:
        """Yield one path per prompt."""
        return (self[row] for row in range(len(self)))

    def __contains__(self, concept: object) -> bool:
        """Return whether a path is about a concept: ``"eagle" in path``."""
        return concept in set(self.prompts["concept"])

    def __post_init__(self) -> None:
        """Refuse points that do not belong to these prompts and layers."""
        n_prompts = len(self.prompts)
        shapes = {"coordinates": (n_prompts, len(self.layers), 3)}
        shapes |= {f"words of '{code}'": (n_prompts, 3) for code in self.words}
        points = [self.coordinates, *self.words.values()]
        for (name, shape), tensor in zip(shapes.items(), points):
            if tuple(tensor.shape) != shape:
                raise DataError(
                    f"The {name} have the shape {list(tensor.shape)}, not {list(shape)}."
                )

    def __getitem__(self, item) -> SpherePath:
        """Return some paths, in the frame of the whole set; indexed as runs are."""
        rows = rows_of(item, list(self.prompts["concept"]))
        words = {code: points[rows] for code, points in self.words.items()}
        prompts = self.prompts.iloc[rows].reset_index(drop=True)
        setting = self.setting.of_sources(prompts["source"])
        points = self.coordinates[rows]
        return replace(self, coordinates=points, words=words, prompts=prompts, setting=setting)

    def without_cognates(self) -> SpherePath:
        """Return the paths of prompts whose source word does not look like the pivot word."""
        return self[~self.prompts["cognate"].to_numpy(dtype=bool)]

    def mean(self) -> torch.Tensor:
        """Return the mean path ``[n_layers, 3]``: mean x and mean y, and the z on the sphere."""
        if not len(self):
            raise DataError("No path is left to average: choose fewer filters.")
        plane = self.coordinates[..., :2].mean(0)
        height = (1 - plane.square().sum(-1, keepdim=True)).clamp_min(0).sqrt()
        return torch.cat([plane, height], -1)

    def to_frame(self) -> pd.DataFrame:
        """Return the mean cosines as a table, one row per layer.

        Each coordinate has its mean and its 95 % interval (Gaussian, clustered by concept).
        """
        concepts = self.prompts["concept"].tolist()
        columns = {"layer": list(self.layers)}
        for n, name in enumerate(("language", "concept", "rest")):
            mean, lower, upper = mean_ci(self.coordinates[..., n], clusters=concepts)
            columns[name] = mean.tolist()
            columns[f"{name}_lower"] = lower.tolist()
            columns[f"{name}_upper"] = upper.tolist()
        return pd.DataFrame(columns).set_index("layer")


def sphere_path(model: Model, run: Run) -> SpherePath:
    """Return the measured path of every prompt of a run on the sphere.

    The axes come from the first tokens of the target and pivot words of all its prompts
    (``sphere_axes``).

    Args:
        model: the model that was read.
        run: a run with latents (``keep_latents=True``).

    Returns:
        One path per prompt, with the words' tokens in the same frame (paper, section 4.2).

    Raises:
        DataError: for a run of another model or without latents, and when pivot and target are one
            language.
    """
    require_model(model)
    if require_run(run).latents is None:
        raise DataError(
            "The sphere needs latents, which this run did not keep: "
            "decode or run_experiment with keep_latents=True."
        )
    if run.model != model.name:
        raise DataError(
            f"This is a run of {run.model}, and the words' tokens would come from {model.name}: "
            "pass the model that was read."
        )
    pivot, target = run.pair
    require_two_languages(pivot, target)
    spellings = {code: run.spelling(code) for code in (pivot, target)}
    rows = {}
    for code, words in spellings.items():
        tokens = [_first_token(model, word) for word in words]
        rows[code] = model.folded_unembedding(tokens).cpu()
    axes = sphere_axes(rows[target], rows[pivot])
    words = {code: sphere_coordinates(points[:, None], axes)[:, 0] for code, points in rows.items()}
    table = run.prompts.assign(**{f"word_{code}": words for code, words in spellings.items()})
    coordinates = sphere_coordinates(run.latents, axes)
    return SpherePath(
        coordinates=coordinates,
        words=words,
        layers=run.layers,
        prompts=table,
        model=run.model,
        setting=run.setting,
        number_format=run.number_format,
        lens=run.lens,
    )


def require_two_languages(pivot: str, target: str) -> None:
    """Raise ``DataError`` if pivot and target are one language: no axis lies between them."""
    if pivot == target:
        raise DataError(
            f"The sphere lies between two languages, and '{target}' is both pivot and target here: "
            "choose another target."
        )


def _first_token(model: Model, word: str) -> int:
    """Return the token that begins ``word`` after the opening quote of a prompt."""
    ids = tokenize_word(word, model.tokenizer)
    if not ids:
        raise DataError(
            f"{model.name}'s tokenizer cannot spell '{word}', so it has no place on the sphere: "
            "leave the concept out."
        )
    return ids[0]
