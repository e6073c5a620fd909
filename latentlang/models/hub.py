"""Models from a hub or a folder: with weights, or as the bare structure.

Every failure becomes one sentence.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import torch

from ..errors import ModelError
from .loading_failures import ANOTHER_COPY, loading_failures
from .tokenizer import load_tokenizer, mend_edges

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_weights(
    name: str,
    source: str,
    revision: str | None,
    quantization: str | None,
    dtype: torch.dtype,
    device: str,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load weights (safetensors only, no remote code) and tokenizer.

    Every failure becomes one ``ModelError``.
    """
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    options: dict = {
        "dtype": dtype,
        "revision": revision,
        "use_safetensors": True,
        "trust_remote_code": False,
    }
    if quantization == "8bit":
        # bitsandbytes asks for faster 4-bit kernels, which latentlang does not use.
        logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.CRITICAL)
        try:
            import bitsandbytes  # noqa: F401
        except ImportError:
            raise ModelError(
                "8-bit loading needs bitsandbytes: run `pip install bitsandbytes`."
            ) from None
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
        # bitsandbytes warns once per matrix that it casts the inputs; LLM.int8 always does.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if quantization or device == "cuda":
        options["device_map"] = "auto" if device == "cuda" else device
    with loading_failures(name, source):
        refuse_adapter(source, revision)
        tokenizer = load_tokenizer(name, source, revision)
        loaded = AutoModelForCausalLM.from_pretrained(source, output_loading_info=True, **options)
        module, loading = cast("tuple[PreTrainedModel, dict]", loaded)
        require_whole(name, source, loading)
        mend_edges(name, tokenizer, module.config)
        if not options.get("device_map"):
            module = module.to(device)  # type: ignore[arg-type]  # transformers hides torch's types
    return module.eval().requires_grad_(False), tokenizer


def refuse_adapter(source: str, revision: str | None) -> None:
    """Refuse a folder or repository with an adapter: its weights alone are not the named model.

    Raises:
        ModelError: It holds an ``adapter_config.json``.
    """
    from transformers.utils import find_adapter_config_file

    if find_adapter_config_file(source, revision=revision):
        raise ModelError(
            f"{source} holds an adapter (adapter_config.json), and latentlang applies none: merge "
            "it into its base model with peft's merge_and_unload(), save that, and load it."
        )


def require_whole(name: str, source: str, loading: Mapping[str, Any]) -> None:
    """Refuse a model of which weights are missing: they would be random numbers.

    Weights that the model does not have change nothing; a warning names them.

    Args:
        name: of the model.
        source: its folder or repository.
        loading: what transformers says about the loading.

    Raises:
        ModelError: A weight is missing.
    """
    if loading["missing_keys"]:
        raise ModelError(
            f"The weights in {source} are not those of {name}: "
            f"{_first(loading['missing_keys'])} cannot be filled from them. {ANOTHER_COPY}"
        )
    if loading["unexpected_keys"]:
        warnings.warn(
            f"The weights in {source} hold {_first(loading['unexpected_keys'])}, "
            f"which {name} does not use.",
            stacklevel=2,
        )


def _first(keys: Iterable[str]) -> str:
    """Return the first of some names, and how many more there are."""
    first, *others = sorted(keys)
    return f"{first} and {len(others)} more" if others else first


def load_structure(
    name: str, source: str, revision: str | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return a model without weights (on torch's ``meta`` device) and its tokenizer.

    Every failure becomes one ``ModelError``.
    """
    with loading_failures(name, source):
        refuse_adapter(source, revision)
        module = _structure(source, revision)
        tokenizer = load_tokenizer(name, source, revision)
        mend_edges(name, tokenizer, module.config)
    return module, tokenizer


def count_weights(name: str, source: str, revision: str | None) -> int:
    """Return how many weights a model has, from its configuration alone.

    Every failure becomes one ``ModelError``.
    """
    with loading_failures(name, source):
        return _structure(source, revision).num_parameters()


def _structure(source: str, revision: str | None) -> PreTrainedModel:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)
