"""The linear lens: least squares from each layer to the last (Din et al. 2023, 2303.09435)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..lens.lens import Lens
from ..models.model import Model, require_model
from ..numbers import seed_number
from ..progress import Progress, interruptible
from .quality import judged, with_quality
from .reading import token_latents
from .recipes import LENSES, Recipe
from .text import HALVES, HELD_OUT, Exclude, FitText, Groups

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True)
class Sums:
    """What least squares needs of latents x and what they predict, y, in double precision.

    ``xx`` ``[d, d]``, ``xy`` ``[d, d]``: sums of products over tokens; ``yy`` ``[d]``: of squares.
    """

    xx: Float[Tensor, "d_model d_model"]
    xy: Float[Tensor, "d_model d_model"]
    yy: Float[Tensor, " d_model"]

    @classmethod
    def of(cls, x: Float[Tensor, "token d_model"], y: Float[Tensor, "token d_model"]) -> Sums:
        """Return the sums over some tokens."""
        x, y = x.double(), y.double()
        return cls(x.T @ x, x.T @ y, y.square().sum(0))

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.xx + other.xx, self.xy + other.xy, self.yy + other.yy)

    def ridge(self, penalty: float) -> Float[Tensor, "d_model d_model"]:
        """Return the matrix M that minimises Σ ‖M x − y‖² + penalty · Σ_ij M_ij² Σ x_j².

        The penalty of a weight is in proportion to the squares of what it multiplies, because a
        few dimensions of a residual stream are hundreds of times larger than the others.
        """
        size = self.xx.diagonal()
        size = size.clamp_min(1e-9 * size.mean())
        return torch.linalg.solve(self.xx + torch.diag(penalty * size), self.xy).T

    def error(self, matrix: Float[Tensor, "d_model d_model"]) -> float:
        """Return the mean over dimensions of Σ (M x − y)² / Σ y²."""
        squares = self.yy - 2 * (matrix * self.xy.T).sum(1) + ((matrix @ self.xx) * matrix).sum(1)
        return float((squares / self.yy.clamp_min(1e-30)).mean())


@interruptible
def fit_linear(
    model: Model,
    texts: Sequence[str] | None = None,
    *,
    exclude: Exclude = (),
    seed: int = 0,
    shuffled: bool = False,
    progress: Progress = True,
) -> Lens:
    """Fit a lens that predicts the last layer's latent from each layer's, by least squares.

    The map is linear, without an intercept (Din et al. 2023). The ridge penalty is ours: of each
    layer, the one with the smallest error on held-out text. Each tenth of the concepts (or texts)
    counts alike: four for each half of the fit, two to choose and to judge.

    ``lens.quality`` is a table by layer, over 32 held-out tokens, in nats: ``logit lens`` and
    ``this lens`` are KL(output ‖ lens), ``between halves`` is the KL between two lenses, fitted on
    each half of the text. Differences as small as that are noise of the fit. ``penalty``: the one
    that was chosen. A progress bar is followed by the table.

    Args:
        model: what ``load_model`` returns.
        texts: at least ten. None: the cloze sentences of all languages, filled in, about 10,000
            tokens spread evenly over the languages.
        exclude: concepts whose sentences are left out: those that you will ask about. Prompts stand
            for their concepts.
        seed: draws the concepts (or texts) of each group, and the tokens that are judged.
        shuffled: the control of a fitted lens. Each latent is to predict the last layer's latent at
            another token, drawn by ``seed``, so that the lens knows what is usual and nothing else.
        progress: True for a bar and the table; a function is called with (done, total) texts.

    Returns:
        A lens with a map for each layer but the last, which is read as it is.

    Raises:
        DataError: for texts that are none, too few texts, an unknown concept, or a wrong seed.
        TraceError: The model cannot be read.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> texts = [f"{n} and {n} is {2 * n}." for n in range(10)]
    >>> ll.lenses.fit_linear(model, texts, progress=False)
    Lens(linear: layers 1–17 of gemma-3-270m, 640 x 640)
    """
    require_model(model)
    seed = seed_number(seed)
    text = FitText.of(model, texts, exclude, seed)
    groups = text.grouped(token_latents(model, text.encoded, progress))
    layers = tuple(range(1, model.n_layers))
    fits, penalties = least_squares(groups, layers, seed if shuffled else None)
    name = "linear-shuffled" if shuffled else "linear"
    lens, *halves = (Lens(name, model.name, layers, each, concepts=text.concepts) for each in fits)
    table = judged(model, torch.cat(groups[HELD_OUT]), {"this lens": lens}, halves, seed)
    table["penalty"] = penalties
    return with_quality(lens, table, progress)


def least_squares(
    groups: Groups, layers: Sequence[int], shuffled: int | None = None
) -> tuple[Float[Tensor, "3 mapped d_model d_model"], list[float]]:
    """Return the maps from some layers to the last one, and the penalty of each layer.

    Args:
        groups: latents by group of the text.
        layers: that are mapped.
        shuffled: a seed that pairs each latent with the last layer's of another token.

    Returns:
        The maps that are fitted on all of the text but the held-out one, on its first half, and on
        its second half; and the penalties.
    """
    fits, penalties = [], []
    for layer in layers:
        first, second, held_out = (
            _sums(groups[name], layer, shuffled) for name in (*HALVES, HELD_OUT)
        )
        both = first + second
        penalty = min(PENALTIES, key=lambda each: held_out.error(both.ridge(each)))
        fits.append(torch.stack([each.ridge(penalty) for each in (both, first, second)]).float())
        penalties.append(penalty)
    return torch.stack(fits, 1), penalties


def shuffle(n: int, seed: int) -> Int[Tensor, " token"]:
    """Return a token for each of n tokens, drawn by a seed, each once."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def _sums(
    parts: Sequence[Float[Tensor, "token layer d_model"]], layer: int, seed: int | None
) -> Sums:
    """Return the sums of a layer and the last one, of shuffled pairs if there is a seed."""
    x, y = (torch.cat([part[:, place] for part in parts]) for place in (layer - 1, -1))
    return Sums.of(x, y if seed is None else y[shuffle(len(y), seed)])


LENSES["linear"] = Recipe(fit_linear)
# A control: a menu offers it only where somebody has asked for it by name.
LENSES["linear-shuffled"] = Recipe(partial(fit_linear, shuffled=True), slow=True)
