"""``load_model``: find the weights, load them, and check that they can be read layer by layer."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from ..errors import ModelError, near
from . import packaged
from .architectures import Architecture, find_architecture, part_paths
from .catalogue import CATALOGUE, PACKAGED, CatalogueEntry
from .hardware import best_device, best_dtype, gpu_memory, memory, set_threads
from .hub import load_structure, load_weights
from .model import Model
from .sessions import Local, Rehearsal, Remote
from .stored import stored_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_model(
    name: str | Path | Model | None = None,
    *,
    revision: str | None = None,
    quantization: str | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
    parts: Mapping[str, str] | None = None,
    remote: bool | str = False,
) -> Model:
    """Load a decoder by name, repository id or local folder, and check that it can be read.

    A loaded model is returned as it is, so that a cell can run twice. If the weights are not on
    this machine, but the shared cache holds results computed with them, the model answers from
    those.

    Args:
        name: None takes ``LATENTLANG_MODEL``, else the first model of the catalogue that this
            machine holds and that fits its GPU, else the packaged one.
        revision: a commit, tag or branch of the hub's repository.
        quantization: ``"8bit"`` for LLM.int8 through bitsandbytes (the default for Llama-2 on a
            GPU), ``"none"`` to refuse it.
        dtype: the number format; None for what the hardware does well.
        device: such as ``"cuda"`` or ``"cpu"``; None for a GPU if there is one.
        parts: the paths of ``layers``, ``final_norm`` or ``lm_head``, for an architecture that
            latentlang does not know.
        remote: True leaves the weights on the NDIF server that ``NDIF_HOST`` names (the public one
            if it is not set), with the key in ``NDIF_API_KEY``. Only the tokenizer and the
            configuration are loaded locally, and the self-check runs with the first trace.
            ``"local"`` rehearses that: each trace is packed as for a server and runs in this
            process.

    Returns:
        The model, after a self-check.

    Raises:
        ModelError: one sentence that says what to do next.

    >>> import latentlang as ll
    >>> ll.load_model("gemma-3-270m", device="cpu")
    Model(gemma-3-270m: 18 layers, d_model 640, 262,144 tokens, float32 on cpu)
    """
    if isinstance(name, Model):
        return name
    name = str(name or default_name())
    if remote not in (False, True, "local"):
        raise ModelError(
            f"Unknown remote={remote!r}: use True for the server in NDIF_HOST, "
            "'local' to try it here, or leave it out."
        )
    plain = not any((revision, quantization, dtype, device, remote))
    if plain and not weights_available(name) and (stored := stored_model(name)) is not None:
        return stored
    source = _source(name)
    if remote is True:
        if any((quantization, dtype, device)):
            raise ModelError(
                "A model on a server is loaded there already: "
                "leave quantization, dtype and device out."
            )
        return _on_server(name, source, revision, parts or {})
    return _here(
        name, source, revision, quantization, dtype, device, parts or {}, remote == "local"
    )


def default_name() -> str:
    """Return the name that ``load_model()`` takes when it gets none."""
    if name := os.environ.get("LATENTLANG_MODEL"):
        return name
    if torch.cuda.is_available():
        free = gpu_memory("cuda")
        for entry in CATALOGUE.values():
            # A fifth more than the weights and a batch: other programs use the GPU as well.
            fits = free > 1.2 * entry.gigabytes_8bit
            if entry.repository and _is_downloaded(entry.repository) and fits:
                return entry.name
    return PACKAGED


def weights_available(name: str) -> bool:
    """Return whether this machine has the weights of a model, or a GPU that could run it."""
    entry = CATALOGUE.get(name)
    if torch.cuda.is_available() or Path(name).expanduser().is_dir():
        return True
    if entry and entry.repository is None:
        return True
    repository = entry.repository if entry and entry.repository else name
    return repository.count("/") == 1 and _is_downloaded(repository)


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


def _here(
    name: str,
    source: str,
    revision: str | None,
    quantization: str | None,
    dtype: torch.dtype | str | None,
    device: str | None,
    parts: Mapping[str, str],
    rehearsal: bool,
) -> Model:
    """Load weights into this process."""
    entry = CATALOGUE.get(name)
    device = str(device or best_device())
    if quantization not in (None, "none", "8bit"):
        raise ModelError(f"Unknown quantization '{quantization}': use '8bit', or leave it out.")
    if quantization is None and entry and device.startswith("cuda"):
        quantization = entry.gpu_quantization
    quantization = None if quantization == "none" else quantization
    number_format = _dtype(dtype) or best_dtype(device, quantization)
    if entry and entry.repository:
        require_memory(entry, quantization, number_format, device)
    set_threads()
    module, tokenizer = load_weights(name, source, revision, quantization, number_format, device)
    row, paths = _layout(name, module, parts)
    session = (Rehearsal if rehearsal else Local)(module, tokenizer, paths)
    vocab_size, d_model = session.lm_head.weight.shape
    model = Model(
        name=name,
        tokenizer=tokenizer,
        session=session,
        n_layers=len(session.blocks),
        d_model=d_model,
        vocab_size=vocab_size,
        number_format=str(module.dtype).removeprefix("torch."),
        quantization=quantization,
        revision=_revision(name, source, revision),
        logit_transform=row.logit_transform(module.config),
        window=row.window(module.config.get_text_config()),
    )
    model.check()
    return model


def _on_server(name: str, source: str, revision: str | None, parts: Mapping[str, str]) -> Model:
    """Load the tokenizer and the structure of a model whose weights are on a server."""
    module, tokenizer = load_structure(name, source, revision)
    row, paths = _layout(name, module, parts)
    session = Remote(name, str(module.config.name_or_path), revision or "", tokenizer, paths)
    blocks = cast("torch.nn.ModuleList", module.get_submodule(paths["layers"]))
    lm_head = cast("torch.nn.Linear", module.get_submodule(paths["lm_head"]))
    vocab_size, d_model = lm_head.weight.shape
    return Model(
        name=name,
        tokenizer=tokenizer,
        session=session,
        n_layers=len(blocks),
        d_model=d_model,
        vocab_size=vocab_size,
        number_format=f"as on {session.host}",
        revision=revision or "",
        logit_transform=row.logit_transform(module.config),
        window=row.window(module.config.get_text_config()),
    )


def _layout(
    name: str, module: PreTrainedModel, parts: Mapping[str, str]
) -> tuple[Architecture, dict[str, str]]:
    """Return the row of a model's architecture, and where it keeps its parts."""
    row = find_architecture(module, parts)
    return row, part_paths(name, module, row, parts)


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    value = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if dtype is not None and not isinstance(value, torch.dtype):
        raise ModelError(f"Unknown dtype '{dtype}': use 'float32', 'bfloat16' or 'float16'.")
    return value


def _source(name: str) -> str:
    """Return the folder or repository id behind a name."""
    if name in CATALOGUE:
        return CATALOGUE[name].repository or str(packaged.folder())
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser())
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return name
    raise ModelError(
        f"Unknown model '{name}'.{near(name, CATALOGUE)} Use one of {', '.join(CATALOGUE)}, "
        "a repository id such as 'org/model', or an existing folder."
    )


def _is_downloaded(repository: str) -> bool:
    """Return whether the hub's cache on this machine holds a model."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, "config.json"), str)


def _revision(name: str, source: str, revision: str | None) -> str:
    """Return the version of the weights: a commit of the hub, or the state of a folder's files."""
    if name in CATALOGUE and CATALOGUE[name].repository is None:
        return ""  # pinned by its SHA-256
    if not Path(source).is_dir():
        from huggingface_hub import try_to_load_from_cache

        config = try_to_load_from_cache(source, "config.json", revision=revision)
        return Path(config).parent.name if isinstance(config, str) else revision or ""
    files = sorted(Path(source).glob("*.safetensors"))
    return ",".join(f"{f.name}:{f.stat().st_size}:{f.stat().st_mtime_ns}" for f in files)
