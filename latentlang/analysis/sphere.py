"""The sphere: paths of latents in the frame of two measured directions.

Source of the picture: the sketch in section 5 of the paper (Figure 4d). There phase 2 rotates the
latent from the pole into concept space, where English tokens win because they have the larger
concept component y; phase 3 rotates it along the equator to the target's token. The axes are the
library's own (``sphere_axes``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..prompts.rows import HasPrompts, rows_of
from ..prompts.setting import HasSetting, Setting
from .axes import on_sphere
from .chance import FRAMES
from .intervals import cluster_codes, mean_ci
from .polar import polar_ci


@dataclass(frozen=True, repr=False, eq=False)
class SpherePath(HasSetting, HasPrompts):
    """Paths through the layers on the unit sphere, and the words' tokens in the same frame.

    ``coordinates`` ``[n_prompts, n_layers, 3]``: x grows towards the target and falls towards the
    pivot, y grows with the concept in either of the two languages, z is everything else.
    ``chance`` ``[n_prompts, 99, n_layers, 2]``: x and y of the same latents in frames that know
    neither the word nor the language (``chance_paths``).
    ``words[lang]`` ``[n_prompts, 3]``: the first token of each prompt's word. ``layers``: the layer
    numbers. ``prompts``: one row per prompt, with ``word_<lang>``. ``model``, ``setting``,
    ``number_format``, ``lens``: those of the run. ``relative``: whether x is measured from the mean
    of the prompts (``centred``). ``copy``: the layers at which the source leads in the mean over
    all prompts (``find_phases``), or None where that is not known, as for some of them.

    Index it as runs: ``path["eagle"]``, a number, a slice, a mask or a list.
    """

    coordinates: Float[Tensor, "prompt layer 3"]
    chance: Float[Tensor, "prompt frame layer 2"]
    words: dict[str, Float[Tensor, "prompt 3"]]
    layers: tuple[int, ...]
    prompts: pd.DataFrame
    model: str
    setting: Setting
    number_format: str = ""
    lens: str = "logit"
    relative: bool = False
    copy: tuple[int, ...] | None = None

    def __repr__(self) -> str:
        paths = f"{len(self)} paths x {len(self.layers)} layers of {self.model}"
        zero = ", centred" if self.relative else ""
        return f"SpherePath({paths}: {self.setting.title}{zero})"

    def __post_init__(self) -> None:
        """Refuse points that do not belong to these prompts and layers."""
        n_prompts, n_layers = len(self.prompts), len(self.layers)
        shapes: dict[str, tuple[int, ...]] = {
            "coordinates": (n_prompts, n_layers, 3),
            "chance paths": (n_prompts, FRAMES, n_layers, 2),
        }
        shapes |= {f"words of '{code}'": (n_prompts, 3) for code in self.words}
        points = [self.coordinates, self.chance, *self.words.values()]
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
        points, chance = self.coordinates[rows], self.chance[rows]
        return replace(
            self,
            coordinates=points,
            chance=chance,
            words=words,
            prompts=prompts,
            setting=setting,
            copy=None,
        )

    def mean(self) -> Float[Tensor, "layer 3"]:
        """Return the mean path ``[n_layers, 3]``: mean x and mean y, and the z on the sphere."""
        self._require_some()
        return on_sphere(self.coordinates[..., :2].mean(0))

    def _require_some(self) -> None:
        """Refuse to average no path."""
        if not len(self):
            raise DataError("No path is left to average: choose fewer filters.")

    def centred(self) -> SpherePath:
        """Return the paths with x measured from the mean x of all prompts at each layer.

        The zero of x is arbitrary: what a layer adds for every word alike moves all paths to one
        side. After centring the mean path has x = 0 by construction, so it says nothing about the
        language. It shows how single words differ: ``path.centred()["eagle"]`` leans to the pivot
        (x < 0) or to the target, compared with all words at that layer.

        y stays, and z is computed again, so that every point lies on the sphere (a point that the
        move takes over its rim gets z = 0). The words' tokens have no layers. Their x is measured
        from the mean of both languages' tokens.

        Raises:
            DataError: for fewer than two concepts: a word's own mean compares it with nothing.
        """
        if len(set(self.clusters)) < 2:
            raise DataError(
                "Paths are centred over many concepts: call centred() on the whole set, "
                "and then choose words, as in path.centred()['eagle']."
            )
        tokens = torch.stack([points[:, 0] for points in self.words.values()])
        words = {code: _moved(points, tokens.mean()) for code, points in self.words.items()}
        points = _moved(self.coordinates, self.coordinates[..., 0].mean(0))
        chance = self.chance.clone()
        chance[..., 0] -= chance[..., 0].mean(0)
        return replace(self, coordinates=points, chance=chance, words=words, relative=True)

    def to_frame(self) -> pd.DataFrame:
        """Return the mean path as a table, one row per layer.

        ``language`` and ``concept`` are the mean cosines x and y, and ``rest`` is the height z of
        that point on the sphere, as in ``mean``. ``radius`` is √(x² + y²) of the mean path, and
        ``direction`` the angle atan2(x, y) in degrees, from the concept axis (0) to the target's
        side of the language axis (90) or to the pivot's (-90).

        All but ``rest`` have a 95 % interval: percentiles of the same quantity of 2,000 mean paths,
        for which whole concepts were drawn. Near the pole a direction has no meaning: its interval
        is wide and may pass ±180, and that of the radius may lie above the radius, because a length
        is never negative. With a single concept the bounds are NaN.
        """
        self._require_some()
        columns = {"layer": list(self.layers)}
        plane = self.coordinates[..., :2]
        bounds = {
            "language": mean_ci(plane[..., 0], "bootstrap", clusters=self.clusters),
            "concept": mean_ci(plane[..., 1], "bootstrap", clusters=self.clusters),
            **polar_ci(plane, cluster_codes(self.clusters)),
        }
        for name, (mean, lower, upper) in bounds.items():
            columns[name] = mean.tolist()
            columns[f"{name}_lower"] = lower.tolist()
            columns[f"{name}_upper"] = upper.tolist()
        columns["rest"] = self.mean()[:, 2].tolist()
        return pd.DataFrame(columns).set_index("layer")

    def token_lead(self) -> pd.DataFrame:
        """Return how much larger y is for the pivot words' tokens than for the target words'.

        The paper's sketch says that it is larger: "English tokens are more likely because their
        embeddings have a stronger concept component y" (section 5). This frame is a hard test of
        that. The midpoint of two unit vectors is equally near to both, so a difference can only
        come from what is subtracted from it (``sphere_axes``).

        Returns:
            One row with ``pivot`` and ``target`` (mean y of the tokens), ``difference`` with its
            95 % interval ``lower`` and ``upper`` (bootstrap over concepts), and ``n`` concepts.
        """
        self._require_some()
        pivot, target = (self.words[code][:, 1] for code in (self.pivot, self.target))
        named = {"pivot": pivot.mean(), "target": target.mean()}
        lead = mean_ci(pivot - target, "bootstrap", clusters=self.clusters)
        named |= dict(zip(("difference", "lower", "upper"), lead))
        row = {name: value.item() for name, value in named.items()}
        row["n"] = len(set(self.clusters))
        return pd.DataFrame([row], index=[f"{self.pivot} − {self.target}"])


def _moved(points: Float[Tensor, "*row 3"], zero: Float[Tensor, "*layer"]) -> Tensor:
    """Return the points ``[..., 3]`` with x measured from ``zero``, and the z on the sphere."""
    x, y, _ = points.unbind(-1)
    return on_sphere(torch.stack([x - zero, y], -1))
