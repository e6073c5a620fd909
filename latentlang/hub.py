"""What comes from a hub or a folder: weights, or the bare structure of a model; and every failure in one sentence."""

from __future__ import annotations

import logging

import torch

from .errors import ModelError

FAILURES = (OSError, ValueError, RuntimeError, ImportError, KeyError)


def load_weights(name: str, place: str, revision: str | None, quantization: str | None, dtype: torch.dtype, device: str):
    """Load weights (safetensors only, no remote code) and tokenizer; every failure becomes one ``ModelError``."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    options: dict = {"dtype": dtype, "revision": revision, "use_safetensors": True, "trust_remote_code": False}
    if quantization == "8bit":
        # It would ask for faster 4-bit kernels, which nothing here uses.
        logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.CRITICAL)
        try:
            import bitsandbytes  # noqa: F401
        except ImportError:
            raise ModelError("8-bit loading needs bitsandbytes: run `pip install bitsandbytes`.") from None
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
        # It would say of every matrix of every batch that it casts the inputs, which is what LLM.int8 is.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if quantization or device == "cuda":
        options["device_map"] = "auto" if device == "cuda" else device
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, revision=revision, trust_remote_code=False)
        module = AutoModelForCausalLM.from_pretrained(place, **options)
    except FAILURES as error:
        raise explain(error, name, place) from error
    if not options.get("device_map"):
        module = module.to(device)
    return module.eval().requires_grad_(False), tokenizer


def load_structure(name: str, place: str, revision: str | None):
    """Return a model without weights (on torch's ``meta`` device) and its tokenizer; every failure becomes one ``ModelError``."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(place, revision=revision, trust_remote_code=False)
        config = AutoConfig.from_pretrained(place, revision=revision, trust_remote_code=False)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config), tokenizer
    except FAILURES as error:
        raise explain(error, name, place) from error


def explain(error: BaseException, name: str, place: str) -> ModelError:
    """Return the ``ModelError`` that says why ``name`` did not load and what to do next."""
    from huggingface_hub import errors as hub

    causes = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    text = " ".join(f"{type(c).__name__} {c}" for c in causes).lower()

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
        sign in text for sign in ("couldn't connect", "connecterror", "offline", "connection", "name resolution", "max retries", "internet")
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
