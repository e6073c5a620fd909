"""Failures of loading from a hub or a folder, put into one sentence each."""

from __future__ import annotations

from .errors import ModelError


def explain(error: BaseException, name: str, place: str) -> ModelError:
    """Return the ``ModelError`` that says why ``name`` did not load and what to do next."""
    from huggingface_hub import errors as hub

    causes = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    text = " ".join(str(c) for c in causes).lower()

    def any_is(*types: type) -> bool:
        return any(isinstance(c, types) for c in causes)

    if any_is(hub.GatedRepoError) or "gated repo" in text:
        return ModelError(
            f"{name} is gated: accept its licence at https://huggingface.co/{place}, then set HF_TOKEN to your access token "
            "(in Colab: a secret named HF_TOKEN)."
        )
    if any_is(hub.RepositoryNotFoundError, hub.RevisionNotFoundError):
        return ModelError(
            f"There is no model '{place}' (or no such revision) that you may read: check the spelling, and HF_TOKEN if it is private."
        )
    if any_is(hub.LocalEntryNotFoundError, hub.OfflineModeIsEnabled, ConnectionError, TimeoutError) or any(
        sign in text for sign in ("couldn't connect", "offline", "connection", "name resolution", "max retries", "internet")
    ):
        return ModelError(
            f"{name} is not on this machine and the hub cannot be reached: check the network, or use load_model('gemma-3-270m'), "
            "which needs none."
        )
    if "safetensors" in text and ("no file" in text or "not appear to have" in text):
        return ModelError(f"{name} has no safetensors weights, and latentlang loads no other kind: choose a model that has them.")
    if "unrecognized configuration class" in text or "unrecognized model" in text or "does not recognize this architecture" in text:
        return ModelError(f"{name} is not a decoder that transformers knows without extra code: choose a decoder-only language model.")
    if "out of memory" in text:
        return ModelError(f"{name} does not fit in memory: choose a smaller model, or quantization='8bit'.")
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ModelError(f"{name} could not be loaded ({type(error).__name__}: {first}): check that {place} holds a complete model.")
