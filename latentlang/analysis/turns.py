"""At which layers a path on the sphere turns to the concept or to a language, beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .intervals import simultaneous_ci
from .sphere import SpherePath


@dataclass(frozen=True)
class Turns:
    """The layers at which a path is beyond what the axes read by chance.

    ``concept``: y is larger. ``target``, ``pivot``: x is further to that side, at layers of
    ``concept``; None where x is not read. ``peak``: the layer of ``concept`` with the largest y.
    ``step``: for one word, the layer to which the longest step along x leads, from the first layer
    of ``concept`` on, if it is longer than steps are by chance; ``towards``: its side.
    """

    concept: tuple[int, ...] = ()
    target: tuple[int, ...] | None = None
    pivot: tuple[int, ...] | None = None
    peak: int | None = None
    step: int | None = None
    towards: Literal["", "target", "pivot"] = ""

    def phases(self, layers: Sequence[int]) -> list[str]:
        """Return what the path shows at each layer: target, concept or input (nothing yet).

        >>> Turns(concept=(2, 3), target=(3,)).phases([1, 2, 3])
        ['input', 'concept', 'target']
        """
        names = {layer: "concept" for layer in self.concept}
        names |= {layer: "target" for layer in self.target or ()}
        return [names.get(layer, "input") for layer in layers]


def find_turns(path: SpherePath) -> Turns:
    """Return at which layers the mean path is beyond chance.

    The yardstick is the same mean in the frames of ``path.chance``. Many layers are many looks, so
    one limit holds for all: in 95 of 100 frames y stays below c standard deviations (of the frames
    at that layer) at every layer, and the mean path must be above. The band of the mean over the
    concepts, which holds at all layers at once too, must leave out the mean of the frames.

    x is read by the same rule at the layers in which the concept shows: before, no word is in
    sight that could be in a language. It is read for the mean of several concepts only, and not in
    a centred path, whose mean is 0. Of one word only the longest step along x is told: a step needs
    no zero. It must be longer than the longest one in 95 of 100 frames.
    """
    points = path.coordinates[..., :2].double()
    chance = path.chance.mean(0).double()
    mean, lower, upper = simultaneous_ci(points.flatten(1), clusters=path.clusters)
    one_concept = bool(lower.isnan().all())
    low, high = ((mean if one_concept else end).reshape(-1, 2) for end in (lower, upper))
    middle, mean = chance.mean(0), mean.reshape(-1, 2)
    everywhere = torch.ones(len(path.layers), dtype=torch.bool)
    concept = mean[:, 1] > _limit(chance[..., 1], everywhere)
    concept &= low[:, 1] > middle[:, 1]
    if not concept.any():
        return Turns()
    y = torch.where(concept, mean[:, 1], -torch.inf)
    turns = Turns(_layers(path, concept), peak=path.layers[int(y.argmax())])
    x = chance[..., 0]
    if one_concept:
        return _with_step(turns, path.layers, mean[:, 0], x)
    if path.relative:
        return turns
    target = concept & (mean[:, 0] > _limit(x, concept)) & (low[:, 0] > middle[:, 0])
    pivot = concept & (mean[:, 0] < -_limit(-x, concept)) & (high[:, 0] < middle[:, 0])
    return replace(turns, target=_layers(path, target), pivot=_layers(path, pivot))


def _limit(
    chance: Float[Tensor, "frame layer"], looks: Bool[Tensor, " layer"]
) -> Float[Tensor, " layer"]:
    """Return what 95 % of the frames stay below at all layers of ``looks``, per layer."""
    middle, spread = chance.mean(0), chance.std(0)
    off = (chance - middle) / spread.clamp_min(1e-12)
    return middle + torch.quantile(off[:, looks].amax(-1), 0.95) * spread


def _with_step(
    turns: Turns,
    layers: Sequence[int],
    x: Float[Tensor, " layer"],
    chance: Float[Tensor, "frame layer"],
) -> Turns:
    """Return the turns of one word with its longest step along x, if it is beyond chance."""
    start = max(0, layers.index(turns.concept[0]) - 1)
    steps, others = x[start:].diff(), chance[:, start:].diff().abs()
    if not len(steps):
        return turns
    place = int(steps.abs().argmax())
    if steps[place].abs() <= torch.quantile(others.amax(-1), 0.95):
        return turns
    side: Literal["target", "pivot"] = "target" if steps[place] > 0 else "pivot"
    return replace(turns, step=layers[start + 1 + place], towards=side)


def _layers(path: SpherePath, holds: Bool[Tensor, " layer"]) -> tuple[int, ...]:
    return tuple(layer for layer, yes in zip(path.layers, holds.tolist()) if yes)
