"""Every failure on the way to a model, from a hub or a folder, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import LatentLangError, ModelError
from .catalogue import PACKAGED

# What the messages of transformers and of the hub's client say, in lower case.
_OFFLINE = (
    "couldn't connect",
    "connecterror",
    "offline",
    "connection",
    "name resolution",
    "max retries",
    "internet",
)
ANOTHER_COPY = "Save the model again with save_pretrained(), or take another copy."
_LONGEST = 300  # characters of somebody else's message that are shown
_UNKNOWN = (
    "unrecognized configuration class",
    "unrecognized model",
    "does not recognize this architecture",
)


@contextmanager
def loading_failures(name: str, source: str) -> Iterator[None]:
    """Turn every failure on the way to a model into one ``ModelError``.

    What reads files and configurations raises errors of many libraries, some of them plain
    ``Exception``: so all are caught.
    """
    try:
        yield
    except LatentLangError:
        raise
    except Exception as error:
        raise to_model_error(error, name, source) from error


def to_model_error(error: BaseException, name: str, source: str) -> ModelError:
    """Return the ``ModelError`` that says why ``name`` did not load and what to do next."""
    from huggingface_hub import errors as hub
    from safetensors import SafetensorError

    causes = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    text = " ".join(f"{type(c).__name__} {c}" for c in causes)
    for place in (source, name):  # a folder may be called "offline", which is not the cause
        text = re.sub(rf"(?<!\w){re.escape(place)}(?!\w)", "", text)
    text = text.lower()

    def any_is(*types: type) -> bool:
        return any(isinstance(c, types) for c in causes)

    if any_is(hub.GatedRepoError) or "gated repo" in text:
        return ModelError(
            f"{name} is gated: accept its licence at https://huggingface.co/{source}, "
            "then set HF_TOKEN to your access token (in Colab: a secret named HF_TOKEN)."
        )
    if any_is(hub.RepositoryNotFoundError, hub.RevisionNotFoundError):
        return ModelError(
            f"There is no model '{source}' (or no such revision) that you may read: "
            "check the spelling, and HF_TOKEN if it is private."
        )
    offline = any_is(
        hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, ConnectionError, TimeoutError
    )
    if offline or any(sign in text for sign in _OFFLINE):
        return ModelError(
            f"{name} is not on this machine and the hub cannot be reached: check the network, "
            f"or use load_model('{PACKAGED}'), which needs none."
        )
    if "safetensors" in text and ("no file" in text or "not appear to have" in text):
        return ModelError(
            f"{name} has no safetensors weights, and latentlang loads no other kind: "
            "choose a model that has them."
        )
    if any(sign in text for sign in _UNKNOWN):
        return ModelError(
            f"{name} is not a decoder that transformers knows without extra code: "
            "choose a decoder-only language model."
        )
    if "ignore_mismatched_sizes" in text:
        return ModelError(
            f"The weights in {source} are not those of {name}: one has another shape than the "
            f"configuration says. {ANOTHER_COPY}"
        )
    if any_is(SafetensorError):
        return ModelError(
            f"The weights in {source} cannot be read ({error}): a file of them is damaged, or only "
            "a pointer to it (Git LFS). Delete it, and bring the whole file again."
        )
    if any_is(hub.StrictDataclassError):
        return ModelError(
            f"The configuration of {name} cannot be used ({_in_one_line(error)}): correct "
            f"config.json in {source}, or take another copy."
        )
    if "out of memory" in text or any_is(MemoryError):
        return ModelError(
            f"{name} does not fit in memory: choose a smaller model, or quantization='8bit'."
        )
    return ModelError(
        f"{name} could not be loaded ({type(error).__name__}: {_in_one_line(error)}): "
        f"check that {source} holds a complete model."
    )


def _in_one_line(error: BaseException) -> str:
    """Return the beginning of somebody else's message, without its line breaks."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
