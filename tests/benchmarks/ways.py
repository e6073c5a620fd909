"""Other ways to the same readings, in plain PyTorch, and a clock for the trunk.

One way is the least work there is; the other ways are what others do.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import torch

import latentlang as ll
from latentlang.lens.pairs import Pairs
from latentlang.models.model import Model
from latentlang.models.view import block_output


def floor(model: Model, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Do the least work that any lens needs.

    That is one pass of the trunk over the padded batch, one product of all kept positions with the
    head, and one log-softmax over it.

    Returns the latents ``[n_prompts, n_layers, d_model]`` and the log-probabilities
    ``[n_prompts, n_layers, V]``.
    """
    latents = trunk(model, texts)
    with torch.no_grad():
        logits = model.logit_transform(model.lm_head(model.final_norm(latents)).float())
        return latents, torch.log_softmax(logits, -1)


def trunk(model: Model, texts: list[str]) -> torch.Tensor:
    """Run the blocks alone over one padded batch and keep the last position of each.

    The shape is ``[n_prompts, n_layers, d_model]``.
    """
    batch = model.tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")
    positions = (batch["attention_mask"].cumsum(-1) - 1).clamp_min(0)
    kept = []
    hooks = [
        block.register_forward_hook(lambda _, __, out: kept.append(block_output(out)[:, -1]))
        for block in model.blocks
    ]
    try:
        with torch.no_grad():
            model.module.base_model(**batch, position_ids=positions, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(kept, 1)


def published(model: Model, texts: list[str]) -> torch.Tensor:
    """Read prompt by prompt, as the paper's repository does.

    The latents of all layers at ALL positions go through the head, and the softmax is taken of the
    last position. Returns probabilities ``[n_prompts, n_layers, V]``.
    """
    found = []
    for text in texts:
        kept = []
        hooks = [
            block.register_forward_hook(
                lambda _, __, out, kept=kept: kept.append(block_output(out))
            )
            for block in model.blocks
        ]
        try:
            with torch.no_grad():
                model.module(**model.tokenizer(text, return_tensors="pt"))
                logits = model.logit_transform(
                    model.lm_head(model.final_norm(torch.cat(kept))).float()
                )
                found.append(logits[:, -1].softmax(-1))
        finally:
            for hook in hooks:
                hook.remove()
    return torch.stack(found)


def hidden_states(model: Model, texts: list[str]) -> torch.Tensor:
    """Read one padded batch with transformers' ``output_hidden_states``.

    Put every layer's last position through the head.

    The last hidden state is normalised already, the others are not.
    Returns log-probabilities ``[n_prompts, n_layers, V]``.
    """
    batch = model.tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")
    positions = (batch["attention_mask"].cumsum(-1) - 1).clamp_min(0)
    with torch.no_grad():
        out = model.module(
            **batch, position_ids=positions, output_hidden_states=True, logits_to_keep=1
        )
        normed = [model.final_norm(h[:, -1]) for h in out.hidden_states[1:-1]] + [
            out.hidden_states[-1][:, -1]
        ]
        return torch.stack(
            [model.logit_transform(model.lm_head(h).float()).log_softmax(-1) for h in normed], 1
        )


class TrunkClock:
    """Measures the time from the first block's input to the end of the last block.

    It does so in every forward pass while it is on.
    """

    def __init__(self, model: Model) -> None:
        self._model, self._started, self._seconds = model, None, []

    def __enter__(self) -> TrunkClock:
        def start(*_) -> None:
            self._started = time.perf_counter()

        def stop(*_) -> None:
            if self._started is not None:  # the norm is called again for every chunk of rows
                self._seconds.append(time.perf_counter() - self._started)
                self._started = None

        # A trace that stops after the last block never returns from it.
        # So the end is where the norm begins.
        self._hooks = [
            self._model.blocks[0].register_forward_pre_hook(start),
            self._model.final_norm.register_forward_pre_hook(stop),
        ]
        return self

    def __exit__(self, *_) -> None:
        for hook in self._hooks:
            hook.remove()

    def passes(self, rounds: int) -> list[float]:
        """Return the seconds of each of ``rounds`` equal rounds."""
        each = len(self._seconds) // rounds
        assert each and each * rounds == len(self._seconds), (
            f"{len(self._seconds)} forward passes in {rounds} rounds"
        )
        return [sum(self._seconds[n * each : (n + 1) * each]) for n in range(rounds)]


def swept(model: Model, pairs: Pairs) -> ll.Sweep:
    """Read the sources, and patch all layers of the others."""
    patch = ll.Patch(ll.latents_at(model, pairs.source))
    return ll.sweep(model, pairs.into, patch, targets=pairs.targets, progress=False)


def by_layer(
    model: Model, pairs: Pairs, layers: Iterable[int] | None = None
) -> Iterator[torch.Tensor]:
    """Patch the plain way: hooks, one padded batch per layer, one kept logit.

    Yields probabilities ``[n_pairs, V]``, of each layer or of some.
    """
    latents = ll.latents_at(model, pairs.source).values
    texts = [prompt.text for prompt in pairs.into]
    batch = model.tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")
    positions = (batch["attention_mask"].cumsum(-1) - 1).clamp_min(0)
    for layer in layers or range(1, model.n_layers + 1):

        def put(_, __, output, layer=layer):
            block_output(output)[:, -1] = latents[:, layer - 1]

        hook = model.blocks[layer - 1].register_forward_hook(put)
        with torch.no_grad():
            logits = model.module(
                **batch, position_ids=positions, logits_to_keep=1, use_cache=False
            ).logits
        hook.remove()
        yield logits[:, -1].float().softmax(-1)
