"""Fit the lenses that have names, and write the one that ships: `make lenses`.

    python -m tools.lenses gemma-3-270m

Each fit is kept in the cache; the long one goes on where it was interrupted. How far each lens is
from the output is written to data/results/lenses.csv. The linear lens is written into data/lenses
with matrices of low rank: the smallest one of RANKS at which the KL divergence from the output on
held-out text changes, at every layer, by less than two fits on half of the text each differ.
"""

from __future__ import annotations

import argparse

import pandas as pd
import torch

import latentlang as ll
from latentlang.lens.lens import Lens
from latentlang.lenses.low_rank import load_small, save_small
from latentlang.lenses.quality import judged
from latentlang.lenses.reading import token_latents
from latentlang.lenses.recipes import LENSES, left_out
from latentlang.lenses.text import HALVES, HELD_OUT, FitText
from latentlang.models.catalogue import PACKAGED
from latentlang.models.model import Model
from latentlang.runs.fitted import fitted, shipped_file

from .scripts import ROOT

RANKS = (64, 96, 128, 160, 192)
EVERY = 16  # entries of the unembedding that count: enough for what they have in common
SHIPPED = "linear"
DISTANCES = {"logit lens": "kl_logit", "this lens": "kl_lens", "between halves": "kl_halves"}


def main(name: str) -> None:
    """Fit all lenses of a model; write the table of the demo model's, and the one that ships."""
    model = ll.load_model(name)
    lenses = {}
    for lens, recipe in LENSES.items():
        if recipe.fit is not None:
            print(f"{lens} lens", flush=True)
            lenses[lens] = fitted(model, lens, True)
    if name == PACKAGED:
        table = distances(lenses)
        table.to_csv(ROOT / "data" / "results" / "lenses.csv", index=False)
        print(table.to_string(index=False), flush=True)
        write(model)


def distances(lenses: dict[str, Lens]) -> pd.DataFrame:
    """Return one row per lens and layer: the KL divergences of ``Lens.quality``, in nats.

    ``cosine``: between the maps of two Jacobian lenses, each fitted on half of the text.
    """
    tables = {name: lens.quality.rename(columns=DISTANCES) for name, lens in lenses.items()}
    table = pd.concat(tables, names=["lens", "layer"]).reset_index()
    return table[["lens", "layer", *DISTANCES.values(), "cosine"]].round(4)


def write(model: Model) -> None:
    """Write the lens that ships, and print how much its rank changes."""
    text = FitText.of(model, None, left_out(), 0)
    latents = text.grouped(token_latents(model, text.encoded, False))
    h = torch.cat([each for half in HALVES for each in latents[half]])
    held_out = torch.cat(latents[HELD_OUT])
    lens = ll.lenses.fit_linear(model, exclude=left_out(), progress=False)
    rows = model.folded_unembedding(range(0, model.vocab_size, EVERY))
    path = ROOT / "data" / "lenses" / shipped_file(model, SHIPPED)
    path.parent.mkdir(exist_ok=True)
    for rank in RANKS:
        small = load_small(save_small(lens, path, rank, h, rows))
        table = judged(model, held_out, {"this lens": lens, "small": small}, [lens, small], 0)
        change = (table["small"] - table["this lens"]).abs()
        print(f"rank {rank}: KL changes by {change.max():.3f} nats or less", flush=True)
        if (change < lens.quality["between halves"]).all():
            break
    path.chmod(0o644)
    print(f"{path.name}: rank {rank}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default=PACKAGED, help="of the model")
    main(parser.parse_args().name)
