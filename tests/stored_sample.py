"""A random sample of the stored numbers of a model, beside what its weights say now."""

from __future__ import annotations

import random
from collections import defaultdict

import torch

import latentlang as ll
from latentlang.models.inquiry import Inquiry
from latentlang.models.model import Model


def stored_and_fresh(model: Model, n: int = 200, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Return n stored probabilities and the fresh ones, of random prompts, layers and languages.

    The layers are those of the upper half: below it nearly all probabilities are near 0. The fresh
    ones come from prompts that are built again, by ``decode`` and no cache.

    Args:
        model: with its weights here.
        n: numbers, of all stored runs through the logit lens.
        seed: of the draw.
    """
    (store,) = (shipped := ll.load_model(model.name, stored=True)).session.stores
    asked = [each for each in store.answers if isinstance(each, Inquiry) and each.lens == "logit"]
    draw, wanted = random.Random(seed), defaultdict(list)
    for _ in range(n):
        wanted[draw.choice(asked)].append(draw.random())
    kept, fresh = [], []
    for inquiry, places in wanted.items():
        setting = inquiry.setting
        pair = (None if setting.task != "translation" else setting.source, setting.target)
        about = {"concepts": inquiry.concepts} if inquiry.concepts else {"every": inquiry.every}
        run = ll.run_experiment(shipped, setting.task, *pair, **about, progress=False)
        prompts = ll.build_prompts(setting.task, *pair, tokenizer=model.tokenizer)
        rows = [int(place * len(run)) for place in places]
        concepts = [run.prompts["concept"].iloc[row] for row in rows]
        again = ll.decode(model, prompts[concepts], progress=False)
        for n_row, row in enumerate(rows):
            code = draw.choice(list(run.languages))
            layer = draw.randrange(len(run.layers) // 2, len(run.layers))
            kept.append(run.probability[code][row, layer])
            fresh.append(again.probability[code][n_row, layer])
    return torch.stack(kept), torch.stack(fresh)


if __name__ == "__main__":
    import sys

    old, new = stored_and_fresh(ll.load_model(sys.argv[1], dtype=sys.argv[2]))
    off = (old - new).abs()
    print(f"{len(off)} numbers, {(old > 0.01).sum()} of them above 1 %: they differ by at most")
    print(f"{off.max():.5f}, by {off.double().mean():.6f} in the mean")
