"""``Lens``: an affine map per layer, which a latent passes before the final norm."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, TraceError
from ..models.model import Model
from .layers import layer_number, layer_spans
from .maps import Maps
from .tensor_file import one_error, read_tensors, write_tensors

_FORMAT = 1
_NAMED = 8  # concepts that a warning lists


@dataclass(frozen=True, repr=False, eq=False)
class Lens:
    """A lens: the latent h of a layer becomes ``matrix @ h + offset``, and the output layer reads.

    The result goes through the model's final norm, unembedding and logit transform. The logit lens
    is the lens whose maps change nothing.

    ``name``: of the recipe, such as ``"linear"``; it stands in titles. ``model``: the name of the
    model. ``layers``: the layers that have a map, in ascending order. The last layer of the model
    needs none: it is read as it is.
    ``matrices``: ``[n, d_model, d_model]``, float32, on the CPU. ``offsets``: ``[n, d_model]``, or
    None for 0. ``concepts``: those that the text of the fit is about. ``quality``: a table of what
    the fit measured on held-out text, one row per layer; None if it measured nothing.

    >>> lens = Lens("double", "a model", (1,), 2 * torch.eye(4)[None])
    >>> lens
    Lens(double: layer 1 of a model, 4 x 4)
    """

    name: str
    model: str
    layers: tuple[int, ...]
    matrices: Float[Tensor, "layer d_model d_model"]
    offsets: Float[Tensor, "layer d_model"] | None = None
    concepts: tuple[str, ...] = ()
    quality: pd.DataFrame | None = field(default=None)

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together, and numbers that are not finite."""
        if self.name == "logit" or not re.fullmatch(r"[\w-]+", str(self.name)):
            raise DataError(
                f"A lens cannot be called {self.name!r}: use letters, digits, _ and -, such as "
                "'my-lens'; 'logit' is the name of the logit lens."
            )
        several = isinstance(self.layers, Iterable)
        layers = tuple(map(layer_number, self.layers if several else [self.layers]))
        if not layers or list(layers) != sorted(set(layers)):
            raise DataError(
                f"A lens needs its layers in ascending order, each once, and they are "
                f"{list(layers)}: sort them and their maps."
            )
        object.__setattr__(self, "layers", layers)
        matrices = _numbers(self.matrices, "matrices")
        object.__setattr__(self, "matrices", matrices)
        width = matrices.shape[-1] if matrices.ndim else 0
        parts: list[tuple[str, Tensor, tuple[int, ...]]] = [
            ("matrices", matrices, (len(layers), width, width))
        ]
        if self.offsets is not None:
            offsets = _numbers(self.offsets, "offsets")
            object.__setattr__(self, "offsets", offsets)
            parts.append(("offsets", offsets, (len(layers), width)))
        for name, values, shape in parts:
            if tuple(values.shape) != shape:
                raise DataError(
                    f"The {name} of a lens for {len(layers)} layers have the shape "
                    f"{list(values.shape)}: they must have {list(shape)}."
                )

    @property
    def d_model(self) -> int:
        """The width of the latents that it maps."""
        return self.matrices.shape[-1]

    def __repr__(self) -> str:
        shape = f"{self.d_model} x {self.d_model}"
        return f"Lens({self.name}: {layer_spans(self.layers)} of {self.model}, {shape})"

    @cached_property
    def key(self) -> str:
        """The name with a hash of all numbers: two lenses of one key read the same."""
        digest = hashlib.sha256(repr((self.model, self.layers, self.matrices.shape)).encode())
        for values in (self.matrices, self.offsets):
            if values is not None:
                digest.update(values.numpy().tobytes())
        return f"{self.name}-{digest.hexdigest()[:32]}"

    def maps(self, model: Model, layers: Sequence[int]) -> Maps:
        """Return the maps of some layers of a model; that of its last layer changes nothing.

        Raises:
            TraceError: The lens belongs to another model, or lacks one of the layers.
        """
        if self.model != model.name:
            raise TraceError(
                f"This lens belongs to {self.model}, and this model is {model.name}: fit a lens of "
                "its own with ll.lenses.fit_linear(model)."
            )
        if self.d_model != model.d_model:
            raise TraceError(
                f"This lens maps latents of {self.d_model} numbers, and those of {model.name} have "
                f"{model.d_model}: fit it again with ll.lenses.fit_linear(model)."
            )
        outside = [layer for layer in self.layers if not 0 <= layer <= model.n_layers]
        if outside:
            raise TraceError(
                f"This lens has a map for {layer_spans(outside)}, and {model.name} has layers 1 to "
                f"{model.n_layers}: leave the others out of the lens."
            )
        lacking = set(layers) - {*self.layers, model.n_layers}
        if lacking:
            raise TraceError(
                f"This lens has no map for {layer_spans(lacking)}: use a lens that has one"
                f"{', or leave include_embedding out' if 0 in lacking else ''}."
            )
        places = {layer: place for place, layer in enumerate(self.layers)}
        matrices = torch.eye(self.d_model).repeat(len(layers), 1, 1)
        offsets = torch.zeros(len(layers), self.d_model)
        for row, layer in enumerate(layers):
            if layer in places:
                matrices[row] = self.matrices[places[layer]]
                if self.offsets is not None:
                    offsets[row] = self.offsets[places[layer]]
        return Maps(matrices, None if self.offsets is None else offsets)

    def warn_of_shared(self, concepts: Iterable[str]) -> None:
        """Warn if the text of the fit is about one of the concepts that are read."""
        shared = sorted(set(self.concepts) & set(concepts))
        if shared:
            more = f" and {len(shared) - _NAMED} more" if shared[_NAMED:] else ""
            warnings.warn(
                f"The lens was fitted on sentences about {', '.join(shared[:_NAMED])}{more}, which "
                "these prompts ask about, so it may know them too well: fit it with exclude= these "
                "concepts, or leave their prompts out.",
                stacklevel=4,
            )

    def save(self, path: str | Path) -> Path:
        """Write everything to one safetensors file and return its path.

        Raises ``DataError`` where that is not possible.
        """
        facts = {**self.facts(), "kind": "Lens", "format": _FORMAT}
        tensors = {"matrices": self.matrices}
        if self.offsets is not None:
            tensors["offsets"] = self.offsets
        return write_tensors(facts, tensors, path)

    @classmethod
    def load(cls, path: str | Path) -> Lens:
        """Read a file that ``save`` wrote. Raises ``DataError`` for any other file."""
        facts, tensors = read_tensors(path, "Lens", _FORMAT)
        with one_error(path, "Lens"):
            return cls.of_facts(facts, tensors["matrices"], tensors.get("offsets"))

    def facts(self) -> dict[str, Any]:
        """Return everything that is not a tensor, as JSON can hold it."""
        return {
            "name": self.name,
            "model": self.model,
            "layers": self.layers,
            "concepts": self.concepts,
            "quality": None if self.quality is None else self.quality.to_dict("split"),
        }

    @classmethod
    def of_facts(
        cls, facts: Mapping[str, Any], matrices: Tensor, offsets: Tensor | None = None
    ) -> Lens:
        """Return the lens of ``facts`` and its tensors."""
        table = facts["quality"]
        return cls(
            name=facts["name"],
            model=facts["model"],
            layers=tuple(facts["layers"]),
            matrices=matrices,
            offsets=offsets,
            concepts=tuple(facts["concepts"]),
            quality=None if table is None else _table(table),
        )


def require_lens(lens: object) -> Lens:
    """Return a lens, or raise ``TraceError`` for anything else, such as its file."""
    if not isinstance(lens, Lens):
        raise TraceError(
            f"lens is a {type(lens).__name__}: pass a lens, such as that of "
            "ll.lenses.fit_linear(model), or None for the logit lens."
        )
    return lens


def _table(split: dict) -> pd.DataFrame:
    index = pd.Index(split["index"], name="layer")
    return pd.DataFrame(split["data"], index=index, columns=split["columns"])


def _numbers(values: object, name: str) -> Float[Tensor, "*any"]:
    """Return finite numbers as float32 on the CPU, in memory of their own."""
    try:
        numbers = torch.as_tensor(values, dtype=torch.float32).detach().cpu().contiguous()
    except (TypeError, ValueError, RuntimeError):
        raise DataError(
            f"The {name} of a lens are a {type(values).__name__}, and not numbers: pass a tensor."
        ) from None
    if not numbers.isfinite().all():
        raise DataError(
            f"The {name} of a lens have numbers that are not finite (NaN or infinite): check them."
        )
    return numbers
