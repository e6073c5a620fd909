"""The sphere: paths of latents in the frame of two measured directions.

Source: paper, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..lens.require import require_run
from ..lens.run import Run
from ..models.model import Model, require_model
from ..prompts.rows import HasPrompts, rows_of
from ..prompts.setting import HasSetting, Setting
from ..prompts.tokens import tokenize_word
from .axes import sphere_axes, sphere_coordinates
from .intervals import mean_ci


@dataclass(frozen=True, repr=False, eq=False)
class SpherePath(HasSetting, HasPrompts):
    """Paths through the layers on the unit sphere, and the words' tokens in the same frame.

    ``coordinates`` ``[n_prompts, n_layers, 3]``: x leans to the pivot (below 0) or the target
    (above 0), y grows with the concept, z is everything else. ``words[lang]`` ``[n_prompts, 3]``:
    the first token of each prompt's word. ``layers``: the layer numbers. ``prompts``: one row per
    prompt, with ``word_<lang>``. ``model``, ``setting``, ``number_format``, ``lens``: those of the
    run.

    Index it as runs: ``path["eagle"]``, a number, a slice, a mask or a list.
    """

    coordinates: Float[Tensor, "prompt layer 3"]
    words: dict[str, Float[Tensor, "prompt 3"]]
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    model: str
    setting: Setting
    number_format: str = ""
    lens: str = "logit"

    def __repr__(self) -> str:
        paths = f"{len(self)} paths x {len(self.layers)} layers of {self.model}"
        return f"SpherePath({paths}: {self.setting.title})"

    def __post_init__(self) -> None:
        """Refuse points that do not belong to these prompts and layers."""
        n_prompts = len(self.prompts)
        shapes: dict[str, tuple[int, ...]] = {"coordinates": (n_prompts, len(self.layers), 3)}
        shapes |= {f"words of '{code}'": (n_prompts, 3) for code in self.words}
        points = [self.coordinates, *self.words.values()]
        for (name, shape), tensor in zip(shapes.items(), points):
            if tuple(tensor.shape) != shape:
                raise DataError(
                    f"The {name} have the shape {list(tensor.shape)}, not {list(shape)}."
                )

    def __getitem__(self, item: Any) -> SpherePath:
        """Return some paths, in the frame of the whole set; indexed as runs are."""
        rows = rows_of(item, list(self.prompts["concept"]))
        words = {code: points[rows] for code, points in self.words.items()}
        prompts = self.prompts.iloc[rows].reset_index(drop=True)
        setting = self.setting.of_sources(prompts["source"])
        points = self.coordinates[rows]
        return replace(self, coordinates=points, words=words, prompts=prompts, setting=setting)

    def mean(self) -> Float[Tensor, "layer 3"]:
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
        columns = {"layer": list(self.layers)}
        for n, name in enumerate(("language", "concept", "rest")):
            mean, lower, upper = mean_ci(self.coordinates[..., n], clusters=self.clusters)
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

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)
    >>> path = ll.sphere_path(model, ll.decode(model, prompts[:2], keep_latents=True))
    >>> path
    SpherePath(2 paths x 18 layers of gemma-3-270m: translation fr → de)
    >>> path.coordinates.shape
    torch.Size([2, 18, 3])
    """
    require_model(model)
    latents = require_run(run).latents
    if latents is None:
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
    for code, spelled in spellings.items():
        tokens = [_first_token(model, word) for word in spelled]
        rows[code] = model.folded_unembedding(tokens).cpu()
    axes = sphere_axes(rows[target], rows[pivot])
    words = {code: sphere_coordinates(points[:, None], axes)[:, 0] for code, points in rows.items()}
    table = run.prompts.assign(**{f"word_{code}": spelled for code, spelled in spellings.items()})
    coordinates = sphere_coordinates(latents, axes)
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
