"""Patchscope: a latent is put into an identity prompt, and the later layers say what it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import nnsight
import torch
from jaxtyping import Shaped
from torch import Tensor

from ..errors import TraceError, near
from ..lens.company import shared_beginning
from ..lens.decoding import Decoding
from ..lens.energy import Gram
from ..lens.inputs import Targets
from ..lens.interventions import Change, Patch, changed
from ..lens.latents import read_latents
from ..lens.prefix import Prefix
from ..lens.reduce import reduce
from ..lens.request import shapes_of
from ..lens.run import Run
from ..models.encoding import encode
from ..models.model import Model
from ..models.view import block_output
from ..progress import Progress, interruptible
from ..prompts.prompt import Prompt, PromptSet
from .recipes import LENSES, Recipe

NAME = "patchscope"
# Prompts that ask for their last token again. The first two are published, the others are ours.
IDENTITY = {
    "patchscopes": "cat -> cat\n1135 -> 1135\nhello -> hello\n?",  # Ghandeharioun et al. 2024
    "dumas": "king king\n1135 1135\nhello hello\n?",  # Dumas et al. 2411.08745
    "fr": "chat -> chat\n1135 -> 1135\nbonjour -> bonjour\n?",
    "ru": "кот -> кот\n1135 -> 1135\nпривет -> привет\n?",
    "zh": "猫 -> 猫\n1135 -> 1135\n你好 -> 你好\n?",
}


@interruptible
def patchscope(
    model: Model,
    prompts: PromptSet | Prompt | str | Sequence[PromptSet | Prompt | str],
    targets: Targets | Sequence[Targets] | None = None,
    *,
    identity: str = "patchscopes",
    top_k: int = 5,
    follow: bool = False,
    watch: Sequence[int] | None = None,
    batch_size: int | None = None,
    progress: Progress = True,
) -> Run:
    """Let the later layers say what a latent is (Ghandeharioun et al. 2024, 2401.06102).

    The latent of a prompt's last token after a layer replaces that of the last token of an identity
    prompt, after the same layer. The layers above then run on the identity prompt, and its next
    token is read. No map is fitted. At the last layer nothing runs on top, so that it reads as the
    logit lens does. Words of the identity prompt itself are more probable: leave prompts about them
    out.

    Args:
        model: what ``load_model`` returns.
        prompts, targets, top_k, follow, watch, batch_size, progress: as ``decode`` takes them.
        identity: the identity prompt: ``"patchscopes"`` or ``"dumas"``, as published;
            ``"fr"``, ``"ru"`` or ``"zh"``, with words of that language; or a text of your own of
            two tokens or more, whose last token is replaced.

    Returns:
        A run whose ``lens`` is ``"patchscope"``, without energy.

    Raises:
        TraceError: for an identity prompt that cannot be used, and as ``decode`` does.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)
    >>> ll.lenses.patchscope(model, prompts[["sky", "flower"]])
    Run(2 prompts x 18 layers of gemma-3-270m, float32, patchscope lens: translation fr → de)
    """
    options = {"top_k": top_k, "follow": follow, "watch": watch, "batch_size": batch_size}
    reading = Patchscope(model, prompts, targets, identity=identity, energy=False, **options)
    reading.work(progress)
    return reading.run()


class Patchscope(Decoding):
    """One call of ``patchscope``: each prompt and layer is one row behind the identity prompt."""

    def __init__(
        self, model: Model, prompts: Any, targets: Any = None, *, identity: str, **options: Any
    ) -> None:
        super().__init__(model, prompts, targets, **options)
        self.lens_name = NAME
        text = IDENTITY.get(identity, identity) if isinstance(identity, str) else ""
        self.identity: list[int] = encode(model, text) if text else []
        if len(self.identity) < 2:
            raise TraceError(
                f"identity={identity!r} is not a prompt of two tokens or more."
                f"{near(str(identity), IDENTITY)} Use one of {', '.join(IDENTITY)}, or a text."
            )

    def work(self, progress: Progress) -> None:
        """Read the latents of all prompts, then put them into the identity prompt."""
        self.latents = read_latents(self.model, self.encoded)
        self.beginning = shared_beginning(self.model, [self.identity] * 2, 1)
        super().work(progress)

    def trace(
        self, rows: list[int], prefix: Prefix, table: Gram | None
    ) -> dict[str, Shaped[Tensor, "batch position layer ..."]]:
        """Read one batch; return ``{name: [batch, position, layer, ...]}`` on the CPU."""
        model, lm, transform = self.model, self.model.traced, self.model.logit_transform
        n_rows, n_layers = len(rows), model.n_layers
        count = n_rows * n_layers
        inputs = self.beginning.continued_by([self.identity] * count, model)
        request = self.request(rows, table)
        patch = Patch(self.latents[rows])
        own = torch.arange(n_rows).repeat_interleave(n_layers)
        layers = torch.eye(n_layers, dtype=torch.bool).repeat(n_rows, 1)
        changes = [Change(patch, own, torch.full((count,), -1), layers)]
        expected = {"readings": shapes_of(request, (n_rows, 1, n_layers), model)}
        with model.trace(**inputs, expected=expected) as tracer:
            for number, block in enumerate(lm.layers, 1):
                output = changed(block.output, number, changes)
                block.output = output
            h = block_output(output)[:, -1].to(lm.lm_head.weight.device)
            h = h.unflatten(0, (n_rows, n_layers))[:, None]
            readings = nnsight.save(reduce(h, lm.final_norm, lm.lm_head, transform, request))
            tracer.stop()
        return self.checked(rows, readings)


LENSES[NAME] = Recipe(reading=partial(Patchscope, identity="patchscopes"))
