"""Curves of a run as one tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
from jaxtyping import Shaped
from torch import Tensor


def tidy_table(
    curves: Iterable[tuple[str, str, Shaped[Tensor, "prompt layer"]]],
    layers: Sequence[int],
    concepts: Sequence[str],
) -> pd.DataFrame:
    """Return one row per prompt, layer, quantity and language.

    Args:
        curves: a quantity, its language (or an empty text) and its values
            ``[n_prompts, n_layers]``.
        layers: the number of each layer.
        concepts: the concept of each prompt.
    """
    blocks = []
    for quantity, language, values in curves:
        frame = pd.DataFrame(values.numpy(), columns=list(layers))
        frame = frame.assign(prompt=range(len(frame)), concept=list(concepts))
        tidy = frame.melt(id_vars=["prompt", "concept"], var_name="layer", value_name="value")
        blocks.append(tidy.assign(quantity=quantity, language=language))
    table = pd.concat(blocks, ignore_index=True)
    return table[["prompt", "concept", "layer", "quantity", "language", "value"]]
