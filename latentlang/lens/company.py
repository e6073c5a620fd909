"""Which ways of reading prompts together give each prompt the numbers that it has alone.

A mask hides padding from attention, but not from every state that a model carries along, and not
every cache can be continued by several prompts. So each way is tried once per model, on three short
texts, before it is used.
"""

from __future__ import annotations

import warnings
import weakref

import nnsight
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import LatentLangError
from ..models.model import Model
from ..models.view import block_output
from .prefix import Prefix, common_length

_TEXTS = ('"Blume" - "a', '"Blume" - "flower"', '"Blume" - "flower, tree"')
# By how much of its length a normed latent may differ: the noise of the number format.
_EXACT, _ROUNDED, _QUANTIZED = 1e-4, 0.05, 0.2
_WARNINGS = {
    "padding": (
        "{} gives a prompt other numbers beside longer ones, so only prompts of one length are "
        "read together: this takes longer, and each prompt has its own numbers."
    ),
    "prefix": (
        "{} cannot continue a shared beginning by several prompts, so each prompt is read as a "
        "whole: this takes longer, and each prompt has its own numbers."
    ),
}
_WARNINGS["beginnings"] = _WARNINGS["prefix"]


class _Trial:
    """What the three texts gave alone, and which ways are known to give the same."""

    def __init__(self, model: Model) -> None:
        self.encoded = [model.tokenizer(text)["input_ids"] for text in _TEXTS]
        self.alone = torch.cat([_normed(model, Prefix(), [ids]) for ids in self.encoded])
        self.safe: dict[str, bool] = {}


_trials: weakref.WeakKeyDictionary[Model, _Trial] = weakref.WeakKeyDictionary()


def padding_is_safe(model: Model, encoded: list[list[int]]) -> bool:
    """Return whether prompts of these lengths may stand in one batch; a warning says if not."""
    return len(set(map(len, encoded))) == 1 or _is_proven(model, "padding")


def shared_beginning(model: Model, encoded: list[list[int]], read: int) -> Prefix:
    """Find the common beginning of some prompts, and read it if that is safe and worth it.

    It is worth it if the prompts share their demonstrations, and not only a few tokens. It is not
    safe if attention has a window narrower than the prompts: padding between the beginning and the
    rest would move the window.

    Args:
        model: which reads the prompts.
        encoded: their token ids.
        read: how many positions at the end the lens reads or changes.
    """
    if not model.session.direct:
        return Prefix()  # the keys and values would have to travel
    length, lengths = common_length(encoded, read), [len(ids) for ids in encoded]
    worth_it = len(encoded) > 1 and 2 * length >= sum(lengths) / len(lengths)
    if not worth_it or max(lengths) > model.window or not _is_proven(model, "prefix"):
        return Prefix()
    return Prefix.read(model, [encoded[0][:length]])


def beginnings_are_safe(model: Model) -> bool:
    """Return whether prompts of other beginnings may continue from one cache, several from each.

    A warning says if not. It is not possible on a server: the keys and values would have to travel.
    """
    return model.session.direct and _is_proven(model, "prefix") and _is_proven(model, "beginnings")


def _is_proven(model: Model, way: str) -> bool:
    """Return whether a way gives the numbers of single texts; the first answer is kept."""
    if model not in _trials:
        _trials[model] = _Trial(model)
    trial = _trials[model]
    if way not in trial.safe:
        trial.safe[way] = _same_numbers(model, trial, way)
        if not trial.safe[way]:
            warnings.warn(_WARNINGS[way].format(model.name), stacklevel=6)
    return trial.safe[way]


def _same_numbers(model: Model, trial: _Trial, way: str) -> bool:
    """Compare three texts that are read together with the same texts read alone."""
    encoded, alone = trial.encoded, trial.alone
    try:
        prefix, of = Prefix(), None
        if way == "prefix":
            prefix = Prefix.read(model, [encoded[0][: common_length(encoded, read=1)]])
        elif way == "beginnings":
            prefix = Prefix.read(model, [ids[:-1] for ids in encoded])
            encoded, of = [*encoded, encoded[0]], [0, 1, 2, 0]
            alone = torch.cat([alone, alone[:1]])
        together = _normed(model, prefix, encoded, of)
    except (LatentLangError, torch.OutOfMemoryError):
        raise
    except Exception:  # a model, or a cache, that cannot do this has many ways to fail
        return False
    exact = model.dtype in (torch.float32, torch.float64) and not model.quantization
    tolerance = _EXACT if exact else _QUANTIZED if model.quantization else _ROUNDED
    gap = (together - alone).norm(dim=-1) / alone.norm(dim=-1)
    return bool((gap <= tolerance).all())


def _normed(
    model: Model, prefix: Prefix, encoded: list[list[int]], of: list[int] | None = None
) -> Float[Tensor, "prompt d_model"]:
    """Return each prompt's last latent after the final norm, ``[n_prompts, d_model]``, float32."""
    lm = model.traced
    with model.trace(**prefix.continued_by(encoded, model, of)) as tracer:
        h = block_output(lm.layers[-1].output)[:, -1].to(lm.lm_head.weight.device)
        latents = nnsight.save(lm.final_norm(h).float().cpu())
        tracer.stop()
    return latents
