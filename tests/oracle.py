"""The logit lens the long way: one prompt at a time, forward hooks, every formula written out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch


@dataclass
class Reading:
    """One prompt read by hand, at one position.

    Latents ``[layers, d_model]`` (layer 0 first) and log-probabilities ``[layers, V]``.
    """

    latents: torch.Tensor
    log_probs: torch.Tensor
    own: torch.Tensor  # the model's own log-probabilities there

    def probability(self, ids) -> torch.Tensor:
        return self.log_probs[:, list(ids)].exp().sum(-1)

    def entropy(self) -> torch.Tensor:
        return torch.stack(
            [
                torch.special.entr(layer.double().exp()).sum().float() / math.log(2)
                for layer in self.log_probs
            ]
        )

    def rank(self, ids) -> list[tuple[int, int]]:
        """The best and the worst rank that rounding may give the best token of ``ids``.

        No token ranks behind all of them.
        """
        if not ids:
            return [(self.log_probs.shape[-1] + 1,) * 2] * len(self.log_probs)
        ranks = []
        for layer in self.log_probs:
            best = layer[list(ids)].max()
            above, beside = (
                int(torch.count_nonzero(layer > best + slack)) for slack in (1e-4, -1e-4)
            )
            ranks.append((1 + above, beside))  # the token itself is among those beside it
        return ranks


def read(model, text: str, position: int = -1) -> Reading:
    """Read one prompt of a model of latentlang by hand."""
    return read_ids(model.module, model.tokenizer(text)["input_ids"], position)


def read_ids(m, ids: list[int], position: int = -1) -> Reading:
    """Run one prompt, catch every block's input and output, and apply the output layer by hand.

    ``m`` is a model of transformers.
    """
    kind, blocks = m.config.model_type, blocks_of(m)
    caught: list[torch.Tensor] = []

    def before(_, args, kwargs):
        caught.append((args[0] if args else kwargs["hidden_states"])[0, position])

    def after(_, args, output):
        caught.append((output[0] if isinstance(output, tuple) else output)[0, position])

    hooks = [
        blocks[0].register_forward_pre_hook(before, with_kwargs=True),
        *(b.register_forward_hook(after) for b in blocks),
    ]
    try:
        with torch.no_grad():
            own = m(input_ids=torch.tensor([ids])).logits[0, position].float().log_softmax(-1)
    finally:
        for hook in hooks:
            hook.remove()
    latents = torch.stack(caught)
    with torch.no_grad():
        logits = unembed(m, kind, latents)
    return Reading(latents, logits.float().log_softmax(-1), own)


def plain(model, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Run one prompt alone through the transformers model, with hooks.

    Return its last position: each block's output ``[layers, d_model]`` and the model's own
    log-probabilities ``[V]``.
    """
    caught: list[torch.Tensor] = []

    def after(_, args, output):
        caught.append((output if isinstance(output, torch.Tensor) else output[0])[0, -1])

    hooks = [block.register_forward_hook(after) for block in model.blocks]
    try:
        with torch.no_grad():
            ids = torch.tensor([model.tokenizer(text)["input_ids"]])
            own = model.module(input_ids=ids).logits[0, -1].float().log_softmax(-1)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(caught).clone(), own


# The architectures that end with a LayerNorm, and where it stands.
NORMS = {
    "gpt2": "transformer.ln_f",
    "gpt_neo": "transformer.ln_f",
    "mpt": "transformer.norm_f",
    "gpt_neox": "gpt_neox.final_layer_norm",
    "bloom": "transformer.ln_f",
    "xglm": "model.layer_norm",
}


def final_norm(m, kind: str) -> torch.nn.Module:
    return m.get_submodule(NORMS.get(kind, "model.norm"))


def blocks_of(m) -> torch.nn.ModuleList:
    place = {"mpt": "transformer.blocks", "gpt_neox": "gpt_neox.layers"} | dict.fromkeys(
        ("gpt2", "gpt_neo", "bloom"), "transformer.h"
    )
    return m.get_submodule(place.get(m.config.model_type, "model.layers"))


def unembed(m, kind: str, h: torch.Tensor) -> torch.Tensor:
    """Return the logits of latents, by the formulas of each architecture's paper."""
    if kind in NORMS:
        return layer_norm(h, final_norm(m, kind)) @ m.get_output_embeddings().weight.T
    W = m.lm_head.weight.T
    if kind == "olmo":
        centred = h - h.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() @ W
    if kind == "cohere":
        centred = h - h.mean(-1, keepdim=True)
        return (
            centred
            / (centred.square().mean(-1, keepdim=True) + m.config.layer_norm_eps).sqrt()
            * m.model.norm.weight
            @ W
            * m.config.logit_scale
        )
    rms = h / (h.square().mean(-1, keepdim=True) + m.config.rms_norm_eps).sqrt()
    if kind.startswith("gemma"):
        logits = rms * (1 + m.model.norm.weight) @ W
        cap = m.config.final_logit_softcapping
        return cap * torch.tanh(logits / cap) if cap else logits
    logits = rms * m.model.norm.weight @ W
    return logits / m.config.logits_scaling if kind == "granite" else logits


def layer_norm(h: torch.Tensor, norm: torch.nn.LayerNorm) -> torch.Tensor:
    centred = h - h.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight
    return scaled if norm.bias is None else scaled + norm.bias


def energy(m, h: torch.Tensor) -> torch.Tensor:
    """Return E of latents ``[..., d_model]``: the formula token by token, in double precision."""
    kind = m.config.model_type
    gain = getattr(final_norm(m, kind), "weight", torch.ones(1))  # OLMo's norm has none
    gain = 1 + gain if kind.startswith("gemma") else gain
    W = m.get_output_embeddings().weight
    rows = (W * gain).double()
    if kind in (*NORMS, "olmo", "cohere"):  # what the norm takes from h, the rows do not see
        rows -= rows.mean(-1, keepdim=True)
    U = torch.nn.functional.normalize(rows, dim=-1)
    unit = torch.nn.functional.normalize(h.double(), dim=-1)
    return ((unit @ U.T).square().mean(-1) / (U @ U.T).square().mean()).sqrt()


def changed(model, text: str, act, layers, position: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
    """Run one prompt with one latent changed after some layers, by plain forward hooks.

    ``act``: ``(latent [d_model], layer) -> [d_model]``. ``layers``: numbers, 1 is the first block.
    Returns the latents ``[layers, d_model]`` of the last position, read after the change, and the
    model's own log-probabilities ``[V]`` there.
    """
    return changed_ids(model, model.tokenizer(text)["input_ids"], act, layers, position)


def changed_ids(
    model, ids: list[int], act, layers, position: int = -1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do what ``changed`` does, for token ids."""
    kept, hooks = {}, []

    def hook(layer: int):
        def after(_, __, output):
            h = (output if isinstance(output, torch.Tensor) else output[0]).clone()
            if layer in layers:
                h[0, position] = act(h[0, position].clone(), layer)
            kept[layer] = h[0, -1].float()
            return h if isinstance(output, torch.Tensor) else (h, *output[1:])

        return after

    try:
        for layer, block in enumerate(model.blocks, 1):
            hooks.append(block.register_forward_hook(hook(layer)))
        with torch.no_grad():
            logits = model.module(input_ids=torch.tensor([ids]), use_cache=False).logits
    finally:
        for each in hooks:
            each.remove()
    latents = torch.stack([kept[layer] for layer in sorted(kept)])
    return latents, logits[0, -1].float().log_softmax(-1)


def through_lens(model, text: str, lens) -> torch.Tensor:
    """Read one prompt through a lens: hooks, each layer's map written out, then the output layer.

    Returns log-probabilities ``[layers, V]``; a layer without a map is read as it is.
    """
    latents, _ = plain(model, text)
    rows = []
    for layer, h in enumerate(latents.float(), 1):
        if layer in lens.layers:
            place = lens.layers.index(layer)
            h = (lens.matrices[place] * h).sum(1)
            h = h if lens.offsets is None else h + lens.offsets[place]
        rows.append(h)
    with torch.no_grad():
        logits = unembed(model.module, model.module.config.model_type, torch.stack(rows))
    return logits.float().log_softmax(-1)
