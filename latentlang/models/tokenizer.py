"""A model's tokenizer, and what it puts at the edges of a text.

In front stands what the model expects, and nothing behind.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..errors import ModelError
from .architectures import begins_with_bos
from .identity import revision_of

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

_PROBE = "a"
# Tokenizers in use -> where each came from and in which version, and what it was like then.
_origins: WeakKeyDictionary[PreTrainedTokenizerBase, tuple[str, str]] = WeakKeyDictionary()
_states: WeakKeyDictionary[PreTrainedTokenizerBase, tuple] = WeakKeyDictionary()


def load_tokenizer(name: str, source: str, revision: str | None) -> PreTrainedTokenizerBase:
    """Load a tokenizer, or return the one of a model that was loaded from the same files.

    Gemma's takes 0.26 GB, and one is enough for its float32 and its 8-bit weights. One that the
    reader has changed (its entries, or its edges) is not given to another model.

    Args:
        name: of the model.
        source: its folder or repository.
        revision: what the reader asked the hub for.
    """
    from transformers import AutoTokenizer

    version = revision_of(name, source, revision)
    for known, origin in list(_origins.items()):
        if origin == (source, version) and is_as_loaded(known):
            return known
    tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=False)
    version = revision_of(name, source, revision)  # a hub's is known now
    _origins[tokenizer], _states[tokenizer] = (source, version), _state(tokenizer)
    return tokenizer


def is_as_loaded(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Return whether a tokenizer is of ``load_tokenizer``, with the entries and edges of then."""
    return tokenizer in _states and _states[tokenizer] == _state(tokenizer)


def _state(tokenizer: PreTrainedTokenizerBase) -> tuple:
    """Return what differs once a reader has added tokens, or changed what begins or ends a text."""
    return len(tokenizer), _edges(tokenizer)


def mend_edges(name: str, tokenizer: PreTrainedTokenizerBase, config: PretrainedConfig) -> None:
    """Let a tokenizer begin every text as its model expects it, and end it with nothing.

    The lens reads the last position, and a model goes on from there. A tokenizer that was saved for
    another task ends every text with ``</s>``, and the position read would be that of ``</s>``. A
    model that always saw ``<bos>`` in front answers nonsense without it; a warning says that it was
    missing.

    Args:
        name: of the model.
        tokenizer: is changed.
        config: of the model.

    Raises:
        ModelError: The tokenizer is of a kind whose edges cannot be changed.
    """
    edges = _edges(tokenizer)
    if edges is None:
        return
    front, behind = edges
    if not front and tokenizer.bos_token_id is not None and begins_with_bos(config):
        warnings.warn(
            f"The tokenizer of {name} does not begin a text with '{tokenizer.bos_token}', which "
            "models of this family need: latentlang adds it.",
            stacklevel=2,
        )
        front = [tokenizer.bos_token_id]
    if (front, []) == edges:
        return
    core = getattr(tokenizer, "backend_tokenizer", None)
    if core is not None:
        from tokenizers.processors import TemplateProcessing

        tokens = [(str(tokenizer.convert_ids_to_tokens(token_id)), token_id) for token_id in front]
        template = [token for token, _ in tokens]
        core.post_processor = TemplateProcessing(
            single=[*template, "$A"], pair=[*template, "$A", "$B"], special_tokens=tokens
        )
    if _edges(tokenizer) != (front, []):
        end = tokenizer.decode(behind)
        raise ModelError(
            f"The tokenizer of {name} ends every text with '{end}', where the answer should begin: "
            "save it without (add_eos_token=False) and load the model again."
        )
    _states[tokenizer] = _state(tokenizer)


def _edges(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]] | None:
    """Return the tokens that a tokenizer puts before and behind a text; None if that is unclear."""
    whole = tokenizer(_PROBE)["input_ids"]
    text = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    starts = range(len(whole) - len(text) + 1)
    start = next((n for n in starts if whole[n : n + len(text)] == text), None)
    if start is None or not text:
        return None
    return list(whole[:start]), list(whole[start + len(text) :])
