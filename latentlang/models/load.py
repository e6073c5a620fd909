"""``load_model``: find the weights, load them, and check that they can be read layer by layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch

from ..errors import ModelError, near
from . import packaged
from .catalogue import CATALOGUE, PACKAGED
from .hardware import gpu_memory
from .loading import Weights, load_here, load_on_server
from .model import Model
from .stored import stored_model


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

    A loaded model is returned as it is, so that a cell can run twice; options beside it are
    refused. A model that overflows in float16 is loaded in float32, and a warning says so. If the
    weights are not on this machine, but the shared cache holds results computed with them, the
    model answers from those.

    Args:
        name: None takes ``LATENTLANG_MODEL``, else the first model of the catalogue that this
            machine holds and that fits its GPU, else the packaged one.
        revision: a commit, tag or branch of the hub's repository.
        quantization: ``"8bit"`` for LLM.int8 through bitsandbytes (the default for Llama-2 on a
            GPU), ``"none"`` to refuse it.
        dtype: the number format; None for the catalogue's (float32 for the packaged model), else
            for what the hardware does well.
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
    options: dict[str, object] = {"revision": revision, "quantization": quantization}
    options |= {"dtype": dtype}
    options |= {"device": device, "parts": parts, "remote": remote}
    if isinstance(name, Model):
        if given := [option for option, value in options.items() if value]:
            raise ModelError(
                f"{name.name} is loaded already, so {given[0]} would change nothing: "
                f"load it by its name, ll.load_model({name.name!r}, {given[0]}=...)."
            )
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
        return load_on_server(Weights(name, source, revision, parts or {}))
    weights = Weights(name, source, revision, parts or {}, rehearsal=remote == "local")
    return load_here(weights, quantization, dtype, device)


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


def _source(name: str) -> str:
    """Return the folder or repository id behind a name."""
    if name in CATALOGUE:
        return CATALOGUE[name].repository or str(packaged.folder(name))
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
