"""The Jacobian lens: how the end of the model changes with a latent (Gurnee et al. 2026)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, TraceError, near
from ..lens.lens import Lens
from ..models.model import Model, require_model
from ..numbers import seed_number
from ..progress import Progress, interruptible
from .gradients import LEAST, SKIPPED, require_gradients
from .quality import judged, with_quality
from .reading import token_latents
from .recipes import LENSES, Recipe
from .running import means
from .text import HALVES, HELD_OUT, Exclude, FitText

TARGETS = {"last": 0, "last but one": 1}  # how many layers from the end
TOKENS = 3_500  # of the default text: about one text per language and half
N_TEXTS = "texts"  # the column of ``Lens.quality`` that says how many texts were averaged


@interruptible
def fit_jacobian(
    model: Model,
    texts: Sequence[str] | None = None,
    *,
    exclude: Exclude = (),
    target: str = "last",
    seed: int = 0,
    resume: str | Path | None = None,
    progress: Progress = True,
) -> Lens:
    """Fit a lens that follows the model's own derivatives (Gurnee et al. 2026, 2607.15495).

    The map of layer ℓ is the mean of J_ℓ = ∂h_target / ∂h_ℓ. For each source position of a text,
    the derivatives at the same and at all later positions are summed; the sums are averaged over
    source positions, then over texts. It is linear, without an offset. The first 16 positions and
    the last one are neither sources nor targets, so texts of fewer than 18 tokens are left out.
    All rows of the default text take hours on a processor; ``resume`` lets you stop and go on.

    ``lens.quality`` is a table by layer. ``logit lens``, ``this lens`` and ``between halves`` are
    KL divergences as in ``fit_linear``. KL(output ‖ lens) does not say how good this lens is: it is
    not made to predict the output, and it is farther from it than the logit lens by design.
    ``between halves`` compares two lenses, fitted on each half of the text, and ``cosine`` is that
    between their maps: differences as small as that are noise of the fit. ``texts``: how many were
    averaged. A progress bar is followed by the table.

    Args:
        model: what ``load_model`` returns, with its weights in this process.
        texts: at least ten. None: cloze sentences of all languages, filled in, about 3,500 tokens.
        exclude: concepts whose sentences are left out: those that you will ask about. Prompts stand
            for their concepts.
        target: ``"last"``, as the published code has it, or ``"last but one"``, as the paper has
            it. Layers from the target on are read as they are.
        seed: draws the concepts (or texts) of each group, and the tokens that are judged.
        resume: a file that keeps the sums after each text. If it is there, the fit goes on where it
            stopped. None keeps nothing.
        progress: True for a bar and the table; a function is called with (done, total) texts.

    Returns:
        A lens with a map for each layer but the last.

    Raises:
        DataError: for texts that are none, too few or too short, an unknown concept or target, or a
            file of another fit.
        TraceError: The weights are not in this process, or have changed and ``resume`` is given.
    """
    require_model(model)
    seed = seed_number(seed)
    require_gradients(model)
    layer = target_layer(model, target)
    text = FitText.of(model, texts, exclude, seed, TOKENS)
    fitted = long_enough(text)
    parts = means(model, fitted, torch.eye(model.d_model), layer, resume, progress)
    layers = tuple(range(1, model.n_layers))
    maps = [_with_target(each, len(layers)) for each in parts]
    lens, *halves = (
        Lens("jacobian", model.name, layers, each, concepts=text.concepts) for each in maps
    )
    held_out = [ids for ids, name in zip(text.encoded, text.groups) if name == HELD_OUT]
    h = torch.cat(token_latents(model, held_out, False))
    table = judged(model, h, {"this lens": lens}, halves, seed)
    first, second = (half.matrices.flatten(1) for half in halves)
    table["cosine"] = torch.nn.functional.cosine_similarity(first, second).tolist()
    table[N_TEXTS] = len(fitted.encoded)
    return with_quality(lens, table, progress)


def target_layer(model: Model, target: str) -> int:
    """Return the number of the layer that is differentiated. Raises ``DataError`` for another."""
    if str(target) not in TARGETS:
        raise DataError(
            f"target={target!r} is not a layer that a Jacobian lens leads to."
            f"{near(str(target), TARGETS)} Use {' or '.join(map(repr, TARGETS))}."
        )
    layer = model.n_layers - TARGETS[target]
    if layer < 2:
        raise TraceError(
            f"{model.name} has {model.n_layers} layers, and none below target={target!r}: use a "
            "model with more layers."
        )
    return layer


def long_enough(text: FitText) -> FitText:
    """Return the texts of both halves that have a source position.

    Raises ``DataError`` if a half has none.
    """
    kept = [
        (ids, name)
        for ids, name in zip(text.encoded, text.groups)
        if name in HALVES and len(ids) >= LEAST
    ]
    groups = [name for _, name in kept]
    if {*groups} != {*HALVES}:
        raise DataError(
            f"A Jacobian lens skips the first {SKIPPED} tokens of a text and the last one, and too "
            f"few of these texts have {LEAST} tokens or more: pass longer texts, such as "
            "paragraphs, or leave texts out."
        )
    return FitText([ids for ids, _ in kept], groups, text.concepts)


def _with_target(
    maps: Float[Tensor, "below d_model d_model"], n_layers: int
) -> Float[Tensor, "layer d_model d_model"]:
    """Add maps that change nothing, for the target layer if it is not the last one."""
    same = torch.eye(maps.shape[-1]).expand(n_layers - len(maps), -1, -1)
    return torch.cat([maps, same])


LENSES["jacobian"] = Recipe(fit_jacobian, tokens=TOKENS, resumes=True, slow=True)
