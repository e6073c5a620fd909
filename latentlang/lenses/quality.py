"""The table ``Lens.quality`` of a fitted lens: how far it is from the output on held-out text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..files import say
from ..lens.lens import Lens
from ..models.model import Model
from ..progress import Progress
from .reading import distances

JUDGED = 32  # held-out tokens at which distributions over the whole vocabulary are compared


def judged(
    model: Model,
    h: Float[Tensor, "token layer d_model"],
    lenses: Mapping[str, Lens],
    halves: Sequence[Lens],
    seed: int,
) -> pd.DataFrame:
    """Return mean KL divergences by layer, in nats: of each lens from the output, between halves.

    Args:
        model: that the lenses belong to.
        h: latents of held-out text.
        lenses: by the names of their columns. The logit lens is added.
        halves: the same lens fitted on each half of the text.
        seed: draws the tokens that are judged.
    """
    generator = torch.Generator().manual_seed(seed)
    some = h[torch.randperm(len(h), generator=generator)[:JUDGED]]
    every = range(1, model.n_layers + 1)
    maps = [lens.maps(model, every) for lens in (*lenses.values(), *halves)]
    values = distances(model, some, [None, *maps]).mean(0)
    rows = [*values[: 1 + len(lenses)], values[-1]]
    names = ["logit lens", *lenses, "between halves"]
    columns = {name: row.tolist() for name, row in zip(names, rows)}
    table = pd.DataFrame(columns, index=every).rename_axis("layer")
    return table.loc[list(halves[0].layers)]


def with_quality(lens: Lens, table: pd.DataFrame, progress: Progress) -> Lens:
    """Return a lens with its table, which is printed after a bar."""
    if progress is True:
        say(table.to_string(float_format="{:.3g}".format))
    return replace(lens, quality=table)
