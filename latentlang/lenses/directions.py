"""The directions of a layer along which the logits of some tokens rise, by the Jacobian lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import TraceError
from ..lens.inputs import token_numbers
from ..models.model import Model, require_model
from ..numbers import seed_number
from ..progress import Progress, interruptible
from .gradients import require_gradients
from .jacobian import TOKENS, long_enough, target_layer
from .running import means
from .text import Exclude, FitText


@dataclass(frozen=True)
class Directions:
    """Directions of tokens at every layer, and those of each half of the text.

    ``tokens``: their ids. ``values`` ``[n_layers, token, d_model]``: the directions, float32.
    ``halves`` ``[2, n_layers, token, d_model]``: the same, fitted on each half.
    """

    tokens: tuple[int, ...]
    values: Float[Tensor, "layer token d_model"]
    halves: Float[Tensor, "half layer token d_model"]

    @property
    def cosine(self) -> Float[Tensor, "layer token"]:
        """The cosine between the directions of the halves: below 1 is noise of the fit."""
        first, second = self.halves
        return torch.nn.functional.cosine_similarity(first, second, dim=-1)

    def __repr__(self) -> str:
        n_layers, n_tokens, width = self.values.shape
        least = self.cosine.mean(-1).min()
        shape = f"{n_tokens} tokens x {n_layers} layers x {width}"
        return f"Directions({shape}, mean cosine between halves at least {least:.2f})"


@interruptible
def jacobian_directions(
    model: Model,
    tokens: Sequence[int],
    texts: Sequence[str] | None = None,
    *,
    exclude: Exclude = (),
    target: str = "last",
    seed: int = 0,
    resume: str | Path | None = None,
    progress: Progress = True,
) -> Directions:
    """Fit the rows of the Jacobian lens that some tokens need (Gurnee et al. 2026, 2607.15495).

    The direction of a token at layer ℓ is J_ℓᵀu, where u is its row of the folded unembedding and
    J_ℓ is the map of ``fit_jacobian``. The product of a direction and a latent h is the token's
    logit through the lens, before the final norm divides it by the size of J_ℓ h. So the tokens of
    one latent can be compared. A probability cannot be read: it needs all rows of J_ℓ.
    ``ll.Erase`` and ``ll.Steer`` take directions, such as ``ll.Steer(directions.values[:, 0])``.

    The time is that of ``fit_jacobian`` times the share of its rows: 40 tokens of a model with
    d_model 640 take a sixteenth.

    Args:
        model, texts, exclude, target, seed, resume, progress: as ``fit_jacobian`` takes them.
        tokens: ids, such as those of ``ll.start_ids``.

    Returns:
        Directions of all layers. From the target layer on they are the rows of the unembedding.

    Raises:
        TraceError: for ids that are none, and as ``fit_jacobian`` does.
        DataError: as ``fit_jacobian`` does.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> texts = [f"{n} and {n} is {2 * n}, and " * 3 for n in range(10)]
    >>> ids = model.tokenizer(" eagle")["input_ids"][-1:]
    >>> directions = ll.lenses.jacobian_directions(model, ids, texts, progress=False)
    >>> directions.values.shape
    torch.Size([18, 1, 640])
    """
    require_model(model)
    seed = seed_number(seed)
    require_gradients(model)
    ids = token_numbers(tokens)
    outside = [token for token in ids if not 0 <= token < model.vocab_size]
    if outside or not ids:
        raise TraceError(
            f"tokens must be ids of {model.name}'s {model.vocab_size} tokens, at least one, and "
            f"they are {outside or list(ids)}: take them from ll.start_ids(word, model.tokenizer)."
        )
    layer = target_layer(model, target)
    text = long_enough(FitText.of(model, texts, exclude, seed, TOKENS))
    rows = model.folded_unembedding(list(ids))
    below = means(model, text, rows, layer, resume, progress)
    above = rows.expand(len(below), model.n_layers - layer + 1, -1, -1)
    values, *halves = torch.cat([below, above], 1)
    return Directions(ids, values, torch.stack(halves))
