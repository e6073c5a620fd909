"""The tuned lens: affine maps trained towards the model's own output (Belrose et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..lens.lens import Lens
from ..lens.memory import one_sentence
from ..models.model import Model, require_model
from ..numbers import seed_number
from ..progress import Progress, interruptible, reporting
from .descent import Batch, descend, maps_of, mean_divergences, top_tokens
from .linear import least_squares
from .quality import judged, with_quality
from .reading import at_the_output, token_latents
from .recipes import LENSES, Recipe
from .sample import TOP, Sample
from .text import HALVES, HELD_OUT, Exclude, FitText

# Chosen by the divergence on held-out text of the default model, at layers 2, 8 and 14. At layer 8,
# Adam comes from 4.31 to 2.46 nats in as many steps, and at rates from 3e-4 to 1e-3 to within 0.02
# of that. Nesterov's momentum, which the authors use, comes to 2.57 at its best rates, and to 2.96
# at three times the larger one. The rate falls to 0 in a line.
STEPS = 240
RATE = 5e-4
BATCH = 64  # tokens of a step
CHECK = 40  # steps between two looks at held-out text
CHECKED = 1024  # held-out tokens of a look


@interruptible
def fit_tuned(
    model: Model,
    texts: Sequence[str] | None = None,
    *,
    exclude: Exclude = (),
    seed: int = 0,
    progress: Progress = True,
) -> Lens:
    """Fit a lens that says at each layer what the model says at the end, as closely as it can.

    Its maps are affine, and are trained to minimise KL(output ‖ lens) (Belrose et al. 2023,
    2303.08112). They start from those of ``fit_linear``. Of each layer, the map with the smallest
    divergence on held-out text is kept, which may be the one that it started from. The training
    and the choice compare some thousand tokens of the vocabulary. For the default model it takes
    about seven minutes on two busy cores.

    ``lens.quality`` is a table by layer, as that of ``fit_linear``, over the whole vocabulary:
    ``linear lens`` is the lens that the training started from, and ``step`` the one whose map was
    kept, from 0 to 240. The held-out text that chooses the step also judges, so the table favours
    this lens a little over the linear one. A bar of the texts and one of the steps are followed by
    the table.

    Args:
        model: what ``load_model`` returns.
        texts, exclude: as ``fit_linear`` takes them.
        seed: draws the concepts (or texts) of each group, the batches, the compared tokens, and the
            tokens that are judged.
        progress: True for bars and the table; a function is called with (done, total) texts, then
            with (done, total) steps.

    Returns:
        A lens with a map for each layer but the last, which is read as it is.

    Raises:
        DataError: for texts that are none, too few texts, an unknown concept, or a wrong seed.
        TraceError: The model cannot be read, or the training does not fit in the GPU.
    """
    require_model(model)
    seed = seed_number(seed)
    text = FitText.of(model, texts, exclude, seed)
    groups = text.grouped(token_latents(model, text.encoded, progress))
    layers = tuple(range(1, model.n_layers))
    fits, _ = least_squares(groups, layers)
    parts = [torch.cat(groups.pop(name)) for name in (*HALVES, HELD_OUT)]
    middle, end = len(parts[0]), len(parts[0]) + len(parts[1])
    h = torch.cat(parts)
    del parts  # as large as h
    with one_sentence("The training of a lens does", model):
        starts = torch.cat([fits, torch.zeros(*fits.shape[:-1], 1)], -1)
        tuned, steps = trained(model, starts, h, (middle, end), seed, progress)
    start = Lens("linear", model.name, layers, fits[0])
    lens, *halves = (
        Lens("tuned", model.name, layers, maps.matrices, maps.offsets, text.concepts)
        for maps in map(maps_of, tuned)
    )
    table = judged(model, h[end:], {"linear lens": start, "this lens": lens}, halves, seed)
    table["step"] = steps
    return with_quality(lens, table, progress)


def trained(
    model: Model,
    starts: Float[Tensor, "3 mapped d_model d_model_and_1"],
    h: Float[Tensor, "token layer d_model"],
    ends: tuple[int, int],
    seed: int,
    progress: Progress,
) -> tuple[Float[Tensor, "3 mapped d_model d_model_and_1"], list[int]]:
    """Train the maps of the whole text and of its halves; return them, and the step of each layer.

    A step for a half sees half as many tokens. Its maps are kept at the steps that held-out text
    has chosen for the whole.

    Args:
        model: whose output layer reads.
        starts: the maps of the whole and of each half, each with its offset as one more column.
        h: latents of the first half, the second half and held-out text.
        ends: how many tokens the first half has, and both halves together.
        seed: draws batches and candidates.
        progress: of the steps.
    """
    middle, end = ends
    sample = Sample(
        h, _tops(model, h[:, -1]), model.vocab_size, torch.Generator().manual_seed(seed)
    )
    checks = sample[end:].some(CHECKED, BATCH)
    results = starts.clone()
    steps = torch.zeros(starts.shape[1], dtype=torch.long)
    least = _on_held_out(model, starts[0], checks)
    with reporting(progress, 3 * STEPS, "step") as report:
        for step, affine in _descent(model, starts[0], sample[:end], BATCH):
            kl = _on_held_out(model, affine, checks)
            better = kl < least
            results[0, better], steps[better], least = affine[better], step, least.minimum(kl)
            report(step)
        for number, rows in enumerate((slice(middle), slice(middle, end)), 1):
            for step, affine in _descent(model, starts[number], sample[rows], BATCH // 2):
                results[number, steps == step] = affine[steps == step]
                report(number * STEPS + step)
    return results, steps.tolist()


def _descent(
    model: Model, start: Float[Tensor, "mapped d_model d_model_and_1"], sample: Sample, size: int
) -> Iterator[tuple[int, Float[Tensor, "mapped d_model d_model_and_1"]]]:
    """Yield the number of steps and the maps, after every ``CHECK`` steps."""
    # A few dimensions of a residual stream are hundreds of times larger than the others, so a step
    # of a weight is in proportion to what it makes, and to one over what it multiplies.
    size_of = sample.latents.float().square().mean(0).sqrt().clamp_min(1e-9)
    inputs, outputs = size_of[: len(start), None], size_of[-1, :, None]
    units = torch.cat([outputs / inputs, outputs.expand(len(start), -1, 1)], -1)
    state = torch.stack([start, torch.zeros_like(start), torch.zeros_like(start)])
    batches = sample.batches(size)
    for done in range(0, STEPS, CHECK):
        rates = [RATE * (1 - step / STEPS) for step in range(done, done + CHECK)]
        some = list(islice(batches, CHECK))
        shape = tuple(state.shape)
        state = at_the_output(model, shape, descend, state, units, some, rates, done)
        yield done + CHECK, state[0]


def _on_held_out(
    model: Model, affine: Float[Tensor, "mapped d_model d_model_and_1"], checks: Sequence[Batch]
) -> Float[Tensor, " mapped"]:
    kl = at_the_output(model, (len(affine),), mean_divergences, affine, checks)
    return kl.nan_to_num(nan=torch.inf, posinf=torch.inf)  # maps that overflow are never the best


def _tops(model: Model, h: Float[Tensor, "token d_model"]) -> Int[Tensor, "token top"]:
    """Return the likely tokens of the outputs."""
    n = min(TOP, model.vocab_size)
    some = h.split(BATCH)
    return torch.cat([at_the_output(model, (len(x), n), top_tokens, x, n) for x in some])


LENSES["tuned"] = Recipe(fit_tuned, slow=True)
