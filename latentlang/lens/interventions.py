"""Travels to a server as source: imports torch and the standard library only.

Interventions: changes of the residual stream while a model runs. An intervention is a frozen
dataclass with ``layers`` (None for all) and ``at`` (``"last"``, ``"word"`` or a number), and a
function of latents: ``(h, layer, prompt) -> h``. ``h`` ``[row, d_model]`` are the latents at that
position after a layer, and ``prompt`` ``[row]`` is the number of each row's prompt in the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

    Layers = int | Iterable[int] | None
    Position = str | int


@dataclass(frozen=True, eq=False)
class Patch:
    """Replace the latent at a position, after one layer or several (activation patching).

    ``latents``: what ``latents_at`` returns, one row per prompt; or a tensor ``[d_model]``,
    ``[n_layers, d_model]`` or ``[n_prompts, n_layers, d_model]``, where layer 1 comes first.
    ``layers``: a number or several. None: all layers in ``decode``, the swept one in ``sweep``.
    ``at``: ``"last"``, ``"word"`` (the last token of the queried word) or a number, counted from 0
    at the beginning or from -1 at the end. Latents know their own position, so leave it out for
    them; None for a tensor is ``"last"``.

    >>> Patch(torch.tensor([7.0, 8.0]))(torch.zeros(1, 2), layer=1, prompt=torch.tensor([0]))
    tensor([[7., 8.]])
    """

    latents: Any
    layers: Layers = None
    at: Position | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _position(self.at, self.latents))

    def __call__(
        self, h: Float[Tensor, "row d_model"], layer: int, prompt: Int[Tensor, " row"]
    ) -> Float[Tensor, "row d_model"]:
        """Return the latents that stand here instead of ``h``."""
        return vectors_of(self.latents, layer, prompt)


@dataclass(frozen=True, eq=False)
class Steer:
    """Add ``scale`` times a vector to the latent at a position.

    ``vector``: what ``language_vector`` returns, or latents or a tensor as ``Patch`` takes them.
    ``layers``, ``at``: as for ``Patch``.

    >>> Steer(torch.tensor([1.0, 0.0]), 3.0)(torch.ones(1, 2), layer=1, prompt=torch.tensor([0]))
    tensor([[4., 1.]])
    """

    vector: Any
    scale: float = 1.0
    layers: Layers = None
    at: Position | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", _position(self.at, self.vector))

    def __call__(
        self, h: Float[Tensor, "row d_model"], layer: int, prompt: Int[Tensor, " row"]
    ) -> Float[Tensor, "row d_model"]:
        """Return ``h`` with the vector added."""
        return h + self.scale * vectors_of(self.vector, layer, prompt).to(h)


@dataclass(frozen=True, eq=False)
class Erase:
    """Project some directions out of the latent at a position: it then says nothing along them.

    ``directions``: ``[k, d_model]`` for all prompts, or a list of one ``[k_i, d_model]`` per
    prompt. They may have any length and any angle between them: what is erased is all that they
    span. ``layers``, ``at``: as for ``Patch``.

    >>> erase = Erase(torch.tensor([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0]]))
    >>> erase(torch.tensor([[5.0, 6.0, 7.0]]), layer=1, prompt=torch.tensor([0])).round().abs()
    tensor([[0., 0., 7.]])
    """

    directions: Any
    layers: Layers = None
    at: Position = "last"

    def __call__(
        self, h: Float[Tensor, "row d_model"], layer: int, prompt: Int[Tensor, " row"]
    ) -> Float[Tensor, "row d_model"]:
        """Return ``h`` without its part in the span of the directions."""
        precise = torch.float32 if h.device.type == "mps" else torch.float64  # mps has no double
        directions, latents = self.directions.to(h.device, precise), h.to(precise)
        if directions.ndim == 3:  # one set per prompt, filled up with zeros, which span nothing
            directions = directions[prompt.to(h.device)]
        angles = directions @ directions.mT
        along = (directions @ latents[:, :, None])[..., 0]
        weights = torch.linalg.pinv(angles, rtol=1e-10, hermitian=True) @ along[:, :, None]
        return (latents - (directions.mT @ weights)[..., 0]).to(h)


@dataclass(frozen=True, eq=False)
class Displace:
    """Move the latent as far as erasing ``directions`` would, but along other vectors.

    It is the control of an erasure that changes the latent by as much. ``along``:
    ``[n_prompts, d_model]``, of any length. ``directions``, ``layers``, ``at``: as for ``Erase``.

    >>> move = Displace(torch.tensor([[1.0, 0.0]]), along=torch.tensor([[0.0, 9.0]]))
    >>> move(torch.tensor([[3.0, 8.0]]), layer=1, prompt=torch.tensor([0]))
    tensor([[3., 5.]])
    """

    directions: Any
    along: Any
    layers: Layers = None
    at: Position = "last"

    def __call__(
        self, h: Float[Tensor, "row d_model"], layer: int, prompt: Int[Tensor, " row"]
    ) -> Float[Tensor, "row d_model"]:
        """Return ``h`` minus a vector as long as what an erasure takes away."""
        along = self.along.to(h)[prompt.to(h.device)]
        taken = h - Erase(self.directions)(h, layer, prompt)
        return h - taken.norm(dim=-1, keepdim=True) * along / along.norm(dim=-1, keepdim=True)


@dataclass(frozen=True, eq=False)
class Change:
    """One intervention on the rows of a batch.

    ``prompt`` ``[row]``: the number of each row's prompt. ``place`` ``[row]``: the position that is
    changed, counted from the end (-1 is the last), because batches are padded on the left.
    ``layers`` ``[row, n_layers]``: at which layers each row is changed.
    """

    intervention: Any
    prompt: Int[Tensor, " row"]
    place: Int[Tensor, " row"]
    layers: Bool[Tensor, "row layer"]


def changed(
    output: Tensor | Sequence[Tensor], layer: int, changes: Sequence[Change]
) -> Tensor | Sequence[Tensor]:
    """Return the output of the block of a layer with what the changes make of it."""
    asked = [(change, change.layers[:, layer - 1].nonzero()[:, 0]) for change in changes]
    asked = [(change, rows) for change, rows in asked if len(rows)]
    if not asked:
        return output
    # A block may return what a later block still needs as it was: a copy is changed.
    h = (output if isinstance(output, torch.Tensor) else output[0]).clone()
    for change, rows in asked:
        places = change.place[rows]
        before = h[rows, places]
        after = change.intervention(before, layer, change.prompt[rows])
        if tuple(after.shape) not in (tuple(before.shape), tuple(before.shape[1:])):
            name = type(change.intervention).__name__
            raise ValueError(f"{name} must return one latent per row: [row, d_model].")
        h[rows, places] = after.to(h)
    if isinstance(output, torch.Tensor):
        return h
    return [h, *output[1:]] if isinstance(output, list) else (h, *output[1:])


def vectors_of(
    values: Float[Tensor, "*prompt_layer d_model"], layer: int, prompt: Int[Tensor, " row"]
) -> Float[Tensor, "row d_model"]:
    """Return the vector of each row for a layer, ``[row, d_model]``.

    Args:
        values: ``[d_model]``, ``[n_layers, d_model]`` or ``[n_prompts, n_layers, d_model]``.
        layer: its number; 1 comes first.
        prompt: the number of each row's prompt.
    """
    if values.ndim == 3:
        return values[prompt.to(values.device), layer - 1]
    return (values if values.ndim == 1 else values[layer - 1]).expand(len(prompt), -1)


def _position(at: Position | None, values: Any) -> Position:
    """Return the position of an intervention: as given, else that of its latents, else last."""
    return getattr(values, "at", "last") if at is None else at
