"""Random models and tokenizers, saved as real ones are and loaded twice: here and by latentlang."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle
from pathlib import Path

import torch
from tiny import BYTE_LEVEL, CONFIGS, byte_fallback, byte_level, randomise
from tokenizers import processors
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

import latentlang as ll

SPECIAL = ("bos", "eos", "pad")
SHAPES = ((16, 1, 1), (32, 2, 1), (48, 4, 2), (64, 4, 4))  # d_model, heads, key-value heads


@dataclass(frozen=True)
class Network:
    """A random model and its tokenizer. ``other`` draws what only some architectures have."""

    architecture: str
    layers: int
    shape: int
    tied: bool
    window: int
    bos: bool
    eos: bool
    pad: str
    side: str
    other: int


def networks(seed: int) -> Iterator[Network]:
    """Yield random models without end, each architecture in turn."""
    draw = random.Random(seed)
    for architecture in cycle(sorted(CONFIGS)):
        yield Network(
            architecture=architecture,
            layers=draw.choice([2, 4, 6]),
            shape=draw.randrange(len(SHAPES)),
            tied=draw.random() < 0.5,
            window=draw.choice([6, 16, 1000]),
            bos=draw.random() < 0.5,
            eos=draw.random() < 0.2,
            pad=draw.choice(["none", "own", "eos"]),
            side=draw.choice(["left", "right"]),
            other=draw.randrange(4),
        )


def tokenizer_of(network: Network) -> PreTrainedTokenizerFast:
    """Return a small tokenizer with the beginning token, padding token and side of a case."""
    tokenizer = byte_level() if network.architecture in BYTE_LEVEL else byte_fallback()
    begin, end = tokenizer.bos_token or tokenizer.eos_token, tokenizer.eos_token
    template = [begin] * network.bos + ["$A"] + [end] * network.eos
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=template,
        special_tokens=[(token, tokenizer.convert_tokens_to_ids(token)) for token in {begin, end}],
    )
    if network.pad == "own":
        tokenizer.add_special_tokens({"pad_token": "<pad>"})
    elif network.pad == "eos":
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = network.side
    return tokenizer


def ids_of(text: str, network: Network, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Return the token ids that a model should see: Gemma's begin with its own, none ends."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    begin = network.bos or network.architecture.startswith("gemma")
    first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    return [first, *ids] if begin else ids


def config_of(network: Network, tokenizer: PreTrainedTokenizerFast):
    """Return the configuration of a random model, under the names that its architecture uses."""
    special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in SPECIAL}
    usual = CONFIGS[network.architecture](vocab_size=len(tokenizer), **special)
    kind, width = type(usual), SHAPES[network.shape]
    flag, large = network.other % 2 == 1, network.other >= 2
    wanted = {
        "num_hidden_layers": network.layers,
        "hidden_size": width[0],
        "num_attention_heads": width[1],
        "num_key_value_heads": width[2],
        "head_dim": width[0] // width[1],
        "intermediate_size": 2 * width[0],
        "ffn_dim": 2 * width[0],
        "tie_word_embeddings": network.tied,
        "sliding_window": network.window,
        "window_size": network.window,
        "use_sliding_window": flag,
        "max_window_layers": 1,
        "attention_types": [[["global", "local"], network.layers // 2]],
        "final_logit_softcapping": 2.0 if flag else None,
        "attn_logit_softcapping": 5.0 if large else None,
        "logits_scaling": 8.0 if flag else 0.5,
        "rms_norm_eps": 1e-3 if large else 1e-6,
        "layer_norm_eps": 1e-3 if large else 1e-5,
        "attention_bias": flag,
        "use_parallel_residual": flag,
        "apply_residual_connection_post_layernorm": flag,
        "use_qk_norm": large,
        "scale_embedding": flag,
        "clip_qkv": 1.0 if large else None,
        "max_position_embeddings": 1024,  # XGLM also keeps a row for the padding token
    }
    if network.architecture == "cohere":  # MPT has the name as well, and no use for it
        wanted["logit_scale"] = 0.5 if flag else 0.0625
    chosen = {name: value for name, value in wanted.items() if hasattr(usual, name)}
    native = {usual.attribute_map.get(name, name): value for name, value in chosen.items()}
    recomputed = ("layer_types", "attention_layers")
    facts = {name: value for name, value in usual.to_dict().items() if name not in recomputed}
    return kind.from_dict(facts | native)


class Pool:
    """Where models are made, the last one of which is kept, and what the cases were about.

    ``plant`` may put a fault into what latentlang loads.
    """

    def __init__(self, root: Path, plant: Callable[[torch.nn.Module], None] | None = None) -> None:
        self.root, self.plant = root, plant
        self.seen: Counter[str] = Counter()
        self.of = lru_cache(1)(self._made)

    def _made(self, network: Network):
        """Return latentlang's model, and model and tokenizer as transformers loads them."""
        folder = self.root / str(len(list(self.root.iterdir())))
        tokenizer = tokenizer_of(network)
        torch.manual_seed(network.other)
        module = AutoModelForCausalLM.from_config(config_of(network, tokenizer))
        randomise(module)
        module.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        model = ll.load_model(folder, dtype="float32", device="cpu")
        if self.plant:
            self.plant(model.module)
        return model, plain, AutoTokenizer.from_pretrained(folder)
