"""``decode``: each layer's latent, read with the output layer (paper, section 3.2)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..models.model import Model
from ..progress import Progress, interruptible
from ..prompts.prompt import Prompt, PromptSet
from .batches import interruption
from .decoding import Decoding
from .inputs import Targets
from .lens import Lens
from .run import Run


@interruptible
def decode(
    model: Model,
    prompts: PromptSet | Prompt | str | Sequence[PromptSet | Prompt | str],
    targets: Targets | Sequence[Targets] | None = None,
    *,
    lens: Lens | None = None,
    interventions: Sequence[Any] = (),
    top_k: int = 5,
    follow: bool = False,
    watch: Sequence[int] | None = None,
    positions: str | int = "last",
    keep_latents: bool = False,
    include_embedding: bool = False,
    energy: bool = True,
    batch_size: int | None = None,
    progress: Progress = True,
) -> Run:
    """Read every layer of the model at the position that predicts the answer.

    If a GPU runs out of memory, the batch is halved. If you interrupt it, the prompts that are done
    are returned, a random sample of all, with a warning that names them.

    Args:
        model: what ``load_model`` returns.
        prompts: a ``PromptSet``, a ``Prompt``, a list of either, a text, or a list of texts.
        targets: for texts, ``{language: token ids}`` for each of them; None follows no words. A
            yardstick goes by ``"other:<language>"``.
        lens: what maps each latent before the output layer reads it, such as that of
            ``ll.lenses.fit_linear``. None is the logit lens, which maps nothing. All readings, the
            energy too, are of the mapped latents; ``run.latents`` are the model's own.
        interventions: ``Patch``, ``Steer`` or ``Erase``; each layer is read after all changes.
        top_k: how many of the most probable tokens are kept.
        follow: keep ``run.followed`` as well, the top tokens of all layers as each layer sees them.
        watch: token ids whose log-probabilities are kept for all prompts.
        positions: ``"last"``. For one prompt also ``"all"``, or how many of its last positions.
        keep_latents: keep the latents as well, ``d_model`` numbers per prompt and layer.
        include_embedding: add layer 0.
        energy: read the token energy.
        batch_size: None for about 2,000 tokens per batch; it changes speed, not numbers.
        progress: True for a bar; a function is called with (done, total) after every batch and may
            raise to stop.

    Returns:
        The readings, on the CPU, each ``[n_prompts, n_layers]`` (paper, section 3.2).

    Raises:
        TraceError: for a request that cannot be met, or a lens of another model.
        NotFiniteError: The model overflows in its number format at a layer of a prompt.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)
    >>> run = ll.decode(model, prompts[["sky", "flower"]])
    >>> run
    Run(2 prompts x 18 layers of gemma-3-270m, float32: translation fr → de)
    >>> run.probability["de"].shape
    torch.Size([2, 18])
    """
    reading = Decoding(
        model,
        prompts,
        targets,
        lens=lens,
        interventions=interventions,
        top_k=top_k,
        follow=follow,
        watch=watch,
        positions=positions,
        keep_latents=keep_latents,
        include_embedding=include_embedding,
        energy=energy,
        batch_size=batch_size,
    )
    if lens is not None:
        lens.warn_of_shared(reading.inputs.table["concept"])
    try:
        reading.work(progress)
    except KeyboardInterrupt:
        if not reading.done:
            raise
        warnings.warn(interruption(list(reading.done), reading.inputs.table), stacklevel=3)
    return reading.run()
