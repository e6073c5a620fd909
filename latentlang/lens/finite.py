"""Numbers that are not finite end a ``decode``: no comparison with them means anything.

So do the ids of tokens that the model does not have, which a server may send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaxtyping import Bool, Shaped
from torch import Tensor, int32

from ..errors import NotFiniteError, TraceError
from ..models.model import Model
from .readings import READINGS

_SHOWN = 40  # characters at the end of a prompt that a message quotes


def check_numbers(
    model: Model,
    texts: Sequence[str],
    layers: Sequence[int],
    finite: Bool[Tensor, "batch position layer"],
    parts: Mapping[str, Shaped[Tensor, "batch position layer ..."]],
) -> None:
    """Refuse a batch in which the model, or a reading, did not compute numbers.

    Args:
        model: which computed them.
        texts: the prompts of the batch.
        layers: the number of each layer.
        finite: whether latent and logits are numbers.
        parts: the readings and what else is kept, by name. A reading may be infinite.

    Raises:
        NotFiniteError: names the first layer and prompt, and the number format.
        TraceError: names the reading that is not a number, or says that the top tokens are none.
    """
    if not finite.all():
        row, _, layer = (~finite).nonzero()[0].tolist()
        advice = "leave this prompt out, or choose another model"
        if model.number_format != "float32":
            advice = "load it with dtype='float32'"
        raise NotFiniteError(
            f"{model.name} does not compute finite numbers in {model.format_title} at layer "
            f"{layers[layer]} of the prompt that ends in {texts[row][-_SHOWN:]!r}: {advice}."
        )
    for name in (name for name in READINGS if name in parts):
        missing = parts[name].isnan()
        if missing.any():
            row, _, layer = missing.nonzero()[0].tolist()[:3]
            raise TraceError(
                f"The reading '{name}' is not a number at layer {layers[layer]} of the prompt that "
                f"ends in {texts[row][-_SHOWN:]!r}: let it return a number for every row."
            )
    top_ids = parts["top_ids"]
    if top_ids.dtype != int32 or not ((top_ids >= 0) & (top_ids < model.vocab_size)).all():
        raise TraceError(
            f"What came back names tokens that {model.name} does not have: ask another server."
        )
