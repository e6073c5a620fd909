"""What the pivot's own test erases: words, mean directions of languages, and controls of both.

Each condition is some interventions that are made together, and a cosine for each prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..lens.interventions import Displace, Erase
from ..lens.latents import latents_at
from ..models.model import Model
from ..prompts.prompt import PromptSet
from ..prompts.third import in_language
from .pivot_experiment import PivotMaterial

Rows = list[Float[Tensor, "_ d_model"]]


@dataclass(frozen=True)
class Condition:
    """``erase``: what is made together. ``cosine`` ``[n_prompts]``: see ``PivotTest``."""

    erase: Sequence[Erase | Displace]
    cosine: Float[Tensor, " prompt"]


def conditions(
    model: Model, material: PivotMaterial, layers: Sequence[int], seed: int
) -> dict[str, Condition]:
    """Return every condition of a test by name, in the order of ``PivotTest``."""
    measured = material.measured
    pivot, source, target = measured.pivot, measured.source, measured.target
    words = {code: _rows(model, measured, code) for code in (pivot, source, target)}
    yardsticks = [
        model.folded_unembedding(sorted(prompt.yardstick.token_ids[pivot]))
        for prompt in measured
        if prompt.yardstick
    ]
    generator = torch.Generator().manual_seed(seed)
    named: dict[str, Rows] = {
        f"{pivot} word": words[pivot],
        f"{pivot} word orthogonal": list(map(orthogonal, words[pivot], words[target])),
        f"another {pivot} word": yardsticks,
        f"{source} word": words[source],
    }
    for code, prompts in material.others.items():
        named[f"{code} word"] = _rows(model, prompts, code)
    named["random"] = [torch.randn(rows.shape, generator=generator) for rows in words[pivot]]
    erased = {
        name: Condition([Erase(rows, layers=layers)], _cosines(rows, words[target]))
        for name, rows in named.items()
    }
    along = torch.randn(len(measured), model.d_model, generator=generator)
    move = Displace(words[pivot], along, layers=layers)
    erased["random, same length"] = Condition([move], _cosines(list(along[:, None]), words[target]))
    for code, vectors in _languages(model, material):
        directions = [vectors[layer - 1][None] for layer in layers]
        by_layer = [_cosines([each] * len(measured), words[target]) for each in directions]
        erased[f"{code} language"] = Condition(
            [Erase(each, layers=layer) for each, layer in zip(directions, layers)],
            torch.stack(by_layer).mean(0),
        )
    ceiling = Erase(words[target], layers=layers)
    erased[f"{target} word"] = Condition([ceiling], _cosines(words[target], words[target]))
    return erased


def cosine(one: Float[Tensor, "row d_model"], other: Float[Tensor, "k d_model"]) -> float:
    """Return the cosine of the smallest angle between what two sets of rows span.

    Rows of zeros span nothing, and their cosine is 0: a language has no direction in a layer that
    does not know yet which language is asked for.

    >>> round(cosine(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[3.0, 3.0]])), 6)
    1.0
    """
    cosines = torch.linalg.svdvals(_basis(one) @ _basis(other).T)
    return float(cosines.max()) if len(cosines) else 0.0


def orthogonal(
    rows: Float[Tensor, "row d_model"], others: Float[Tensor, "k d_model"]
) -> Float[Tensor, "row d_model"]:
    """Return rows without their part in the span of others.

    >>> orthogonal(torch.tensor([[1.0, 5.0]]), torch.tensor([[2.0, 0.0]])).round().abs()
    tensor([[0., 5.]])
    """
    basis = _basis(others)
    return (rows.double() - rows.double() @ basis.T @ basis).float()


def _basis(rows: Float[Tensor, "row d_model"]) -> Float[Tensor, "rank d_model"]:
    """Return orthonormal rows with the same span."""
    _, sizes, basis = torch.linalg.svd(rows.double(), full_matrices=False)
    return basis[sizes > 1e-6 * sizes.max()]


def _cosines(rows: Rows, others: Rows) -> Float[Tensor, " prompt"]:
    return torch.tensor(list(map(cosine, rows, others)))


def _rows(model: Model, prompts: PromptSet, code: str) -> Rows:
    """Return the folded unembedding of the tokens that begin each prompt's word in a language."""
    return [model.folded_unembedding(sorted(prompt.token_ids[code])) for prompt in prompts]


def _languages(
    model: Model, material: PivotMaterial
) -> Iterator[tuple[str, Float[Tensor, "layer d_model"]]]:
    """Yield the mean direction of the pivot and of each other language, layer by layer.

    It is the mean latent of prompts that ask for this language, minus the mean of those that ask
    for the rest of these languages. The target is none of them, so no direction leads away from it.
    """
    codes = (material.measured.pivot, *material.others)
    texts = {code: in_language(material.chosen, code) for code in codes}
    means = {code: latents_at(model, texts[code]).values.mean(0) for code in codes}
    for code in codes:
        rest = torch.stack([means[other] for other in codes if other != code]).mean(0)
        yield code, means[code] - rest
