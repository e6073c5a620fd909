"""Load weights into this process, or leave them on a server, and make a ``Model`` of them."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from weakref import WeakValueDictionary

import torch

from ..errors import ModelError, NotFiniteError
from . import packaged
from .architectures import Architecture, find_architecture, part_paths
from .catalogue import CATALOGUE, PACKAGED, CatalogueEntry
from .hardware import (
    best_device,
    best_dtype,
    fit_process,
    give_memory_back,
    gpu_memory,
    memory,
    usable_device,
)
from .hub import count_weights, load_structure, load_weights
from .identity import revision_of
from .model import Model
from .sessions import Local, Rehearsal, Remote
from .tokenizer import is_as_loaded

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Weights:
    """Which weights: the reader's name for them, their folder or repository, their revision.

    ``parts``: where the reader says that the parts of the model are. ``rehearsal``: whether traces
    are packed as for a server.
    """

    name: str
    source: str
    revision: str | None
    parts: Mapping[str, str]
    rehearsal: bool = False

    def here(self) -> Weights:
        """Return these weights in their folder; a packaged model is converted if nobody has."""
        entry = CATALOGUE.get(self.name)
        if entry is None or entry.package is None:
            return self
        return replace(self, source=str(packaged.folder(self.name)))

    def version(self) -> tuple:
        """Return what tells these weights from others, the content of their files included."""
        revision = revision_of(self.name, self.source, self.revision)
        parts = tuple(sorted(self.parts.items()))
        return self.name, self.source, revision, parts, self.rehearsal


_LOADING = threading.RLock()  # two that ask at once get one model
_in_memory: WeakValueDictionary[tuple, Model] = WeakValueDictionary()  # by how they were loaded


def load_here(
    weights: Weights,
    quantization: str | None,
    dtype: torch.dtype | str | None,
    device: str | None,
) -> Model:
    """Load weights into this process.

    A model that is in memory already, loaded by the same question and not changed or closed since,
    is returned again, so that a notebook that runs twice holds one. A model that overflows or does
    not run in its number format is loaded in float32 instead, with a warning.

    Raises:
        ModelError: one sentence that says what to do next.
    """
    entry = CATALOGUE.get(weights.name)
    device = usable_device(device or best_device())
    if quantization not in (None, "none", "8bit"):
        raise ModelError(f"Unknown quantization '{quantization}': use '8bit', or leave it out.")
    if quantization is None and entry and device.startswith("cuda"):
        quantization = entry.gpu_quantization
    quantization = None if quantization == "none" else quantization
    number_format = _dtype(dtype) or _preferred(weights, quantization, device)
    how = (quantization, number_format, device)
    with _LOADING:
        known = _in_memory.get((weights.version(), *how))
        if known is not None and _is_as_loaded(known):
            return known
        if entry and entry.name != PACKAGED:  # which leaves its weights in their files, if it must
            require_memory(entry, quantization, number_format, device)
        fit_process()
        model = _loaded(weights.here(), *how)
        _in_memory[weights.version(), *how] = model
    return model


def loaded_models() -> list[Model]:
    """Return the models in memory that ``load_here`` has loaded and nobody has closed since."""
    return [model for model in list(_in_memory.values()) if model.traced is not None]


def _is_as_loaded(model: Model) -> bool:
    """Return whether a model is open, and neither its weights nor its tokenizer were changed."""
    is_open = model.traced is not None
    return is_open and not model.session.changed and is_as_loaded(model.tokenizer)


def _loaded(
    weights: Weights, quantization: str | None, number_format: torch.dtype, device: str
) -> Model:
    """Load weights in a number format, or in float32 if the model does not compute in it."""
    try:
        return _checked(weights, quantization, number_format, device)
    except (NotFiniteError, RuntimeError) as error:
        if number_format == torch.float32 or isinstance(error, torch.OutOfMemoryError):
            raise
        trouble = "overflows" if isinstance(error, NotFiniteError) else "does not run"
    warnings.warn(
        f"{weights.name} {trouble} in {str(number_format).removeprefix('torch.')}, so it is loaded "
        "in float32, which takes more memory.",
        stacklevel=5,
    )
    return _checked(weights, quantization, torch.float32, device)


def load_on_server(weights: Weights) -> Model:
    """Load the tokenizer and the structure of a model whose weights are on a server."""
    module, tokenizer = load_structure(weights.name, weights.source, weights.revision)
    row, paths = _layout(weights, module)
    revision = weights.revision or ""
    session = Remote(weights.name, str(module.config.name_or_path), revision, tokenizer, paths)
    blocks = cast("torch.nn.ModuleList", module.get_submodule(paths["layers"]))
    lm_head = cast("torch.nn.Linear", module.get_submodule(paths["lm_head"]))
    vocab_size, d_model = lm_head.weight.shape
    return Model(
        name=weights.name,
        tokenizer=tokenizer,
        session=session,
        n_layers=len(blocks),
        d_model=d_model,
        vocab_size=vocab_size,
        number_format=f"as on {session.host}",
        revision=revision_of(weights.name, weights.source, weights.revision),
        logit_transform=row.logit_transform(module.config),
        window=row.window(module.config.get_text_config()),
        longest_text=row.longest_text(module),
    )


def require_memory(
    entry: CatalogueEntry, quantization: str | None, dtype: torch.dtype, device: str
) -> None:
    """Refuse a named model that does not fit in the free memory, before it is downloaded."""
    size = entry.gigabytes_8bit * (1 if quantization else dtype.itemsize)
    if device.startswith("cuda"):
        kind, free = "GPU memory", gpu_memory(device)
    else:
        kind, (free, _) = "memory", memory() or (math.inf, math.inf)
    if free < size:
        smaller = [e.name for e in CATALOGUE.values() if e.gigabytes_8bit < entry.gigabytes_8bit]
        advice = "" if quantization else "quantization='8bit', "
        raise ModelError(
            f"{entry.name} needs about {size:.0f} GB of {kind} and {free:.0f} GB are free: "
            f"use {advice}a smaller model ({', '.join(smaller)}) or a larger machine."
        )


def _preferred(weights: Weights, quantization: str | None, device: str) -> torch.dtype:
    """Return the catalogue's number format for a model, else the machine's best."""
    entry = CATALOGUE.get(weights.name)
    if entry and entry.number_format:
        return getattr(torch, entry.number_format)
    if entry:
        return best_dtype(device, quantization, int(entry.gigabytes_8bit * 1e9))
    n_weights = count_weights(weights.name, weights.source, weights.revision)
    return best_dtype(device, quantization, n_weights)


def _checked(
    weights: Weights, quantization: str | None, number_format: torch.dtype, device: str
) -> Model:
    """Load weights in a number format and check that they can be read.

    Raises:
        NotFiniteError: They overflow in that format; nothing stays in memory.
        RuntimeError: Their code does not run in that format; nothing stays in memory.
    """
    name, source, revision = weights.name, weights.source, weights.revision
    module, tokenizer = load_weights(name, source, revision, quantization, number_format, device)
    row, paths = _layout(weights, module)
    session = (Rehearsal if weights.rehearsal else Local)(module, tokenizer, paths)
    vocab_size, d_model = session.lm_head.weight.shape
    model = Model(
        name=name,
        tokenizer=tokenizer,
        session=session,
        n_layers=len(session.blocks),
        d_model=d_model,
        vocab_size=vocab_size,
        number_format=str(module.dtype).removeprefix("torch."),
        quantization=quantization or _stored_quantization(module),
        revision=revision_of(name, source, revision),
        logit_transform=row.logit_transform(module.config),
        window=row.window(module.config.get_text_config()),
        longest_text=row.longest_text(module),
    )
    try:
        model.check()
    except (NotFiniteError, RuntimeError):
        del module, session
        model.close()
        raise
    give_memory_back()  # what loading left
    return model


def _stored_quantization(module: PreTrainedModel) -> str | None:
    """Return in which format the weights were stored, if not in an ordinary one: ``"4bit"``."""
    stored = getattr(module.config, "quantization_config", None)
    if stored is None:
        return None
    facts = stored if isinstance(stored, dict) else stored.to_dict()
    for bits in ("4bit", "8bit"):
        if facts.get(f"load_in_{bits}"):
            return bits
    return str(facts.get("quant_method", "quantized"))


def _layout(weights: Weights, module: PreTrainedModel) -> tuple[Architecture, dict[str, str]]:
    """Return the row of a model's architecture, and where it keeps its parts."""
    row = find_architecture(module, weights.parts)
    return row, part_paths(weights.name, module, row, weights.parts)


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    value = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    is_known = isinstance(value, torch.dtype) and value.is_floating_point
    if dtype is not None and not is_known:
        raise ModelError(f"Unknown dtype '{dtype}': use 'float32', 'bfloat16' or 'float16'.")
    return value
