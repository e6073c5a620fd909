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
        return sum(self.log_probs[:, i].exp() for i in ids)

    def entropy(self) -> torch.Tensor:
        return torch.stack(
            [
                torch.special.entr(layer.double().exp()).sum().float() / math.log(2)
                for layer in self.log_probs
            ]
        )

    def rank(self, ids) -> list[tuple[int, int]]:
        """The best and the worst rank that rounding may give the best token of ``ids``."""
        ranks = []
        for layer in self.log_probs:
            best = layer[list(ids)].max()
            above, beside = (
                int(torch.count_nonzero(layer > best + slack)) for slack in (1e-4, -1e-4)
            )
            ranks.append((1 + above, beside))  # the token itself is among those beside it
        return ranks


def read(model, text: str, position: int = -1) -> Reading:
    """Run one prompt, catch every block's input and output, and apply the output layer by hand."""
    m, kind = model.module, model.module.config.model_type
    place = {"mpt": "transformer.blocks", "gpt_neox": "gpt_neox.layers"} | dict.fromkeys(
        ("gpt2", "gpt_neo", "bloom"), "transformer.h"
    )
    blocks = m.get_submodule(place.get(kind, "model.layers"))
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
            ids = torch.tensor([model.tokenizer(text)["input_ids"]])
            own = m(input_ids=ids).logits[0, position].float().log_softmax(-1)
    finally:
        for hook in hooks:
            hook.remove()
    latents = torch.stack(caught)
    with torch.no_grad():
        logits = unembed(m, kind, latents)
    return Reading(latents, logits.log_softmax(-1), own)


def unembed(m, kind: str, h: torch.Tensor) -> torch.Tensor:
    """Return the logits of latents, by the formulas of each architecture's paper."""
    norms = {
        "gpt2": "transformer.ln_f",
        "gpt_neo": "transformer.ln_f",
        "mpt": "transformer.norm_f",
        "gpt_neox": "gpt_neox.final_layer_norm",
        "bloom": "transformer.ln_f",
        "xglm": "model.layer_norm",
    }
    if kind in norms:
        return layer_norm(h, m.get_submodule(norms[kind])) @ m.get_output_embeddings().weight.T
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
            * 0.25
        )
    rms = h / (h.square().mean(-1, keepdim=True) + m.config.rms_norm_eps).sqrt()
    if kind.startswith("gemma"):
        logits = rms * (1 + m.model.norm.weight) @ W
        return 3 * torch.tanh(logits / 3) if kind == "gemma2" else logits
    logits = rms * m.model.norm.weight @ W
    return logits / 4 if kind == "granite" else logits


def layer_norm(h: torch.Tensor, norm: torch.nn.LayerNorm) -> torch.Tensor:
    centred = h - h.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight
    return scaled if norm.bias is None else scaled + norm.bias
