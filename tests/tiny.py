"""Tiny random models with tiny tokenizers, saved and loaded as real models are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BloomConfig,
    CohereConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoConfig,
    GPTNeoXConfig,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    MptConfig,
    Olmo2Config,
    OlmoConfig,
    OpenAIGPTConfig,
    OPTConfig,
    Phi3Config,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    RwkvConfig,
    XGLMConfig,
)

import latentlang as ll
from latentlang.lens.lens import Lens
from latentlang.models.model import Model

SENTENCES = (
    'English: "flower" - Français: "fleur"',
    'Deutsch: "Blume" - 中文: "花"',
    'Русский: "книга" - 中文: "书"',
    'Français: "eau" - 中文: "水"',
    "The flower in the water is a lily, and the lily is white.",
    "Das Buch liegt auf dem Tisch, die Blume im Wasser.",
    "La fleur est dans l'eau et l'été revient.",
    "Цветок стоит в воде, а книга лежит на столе.",
    "花在水里，书在桌子上，太阳在天上。",
)
TEXTS = [
    'Français: "fleur" - English: "',
    'Русский: "книга" - 中文: "书"\nDeutsch: "Blume" - 中文: "',
    "The",
    "La fleur est dans l'eau et l'été revient, das Buch liegt auf dem Tisch. 花在水里",
]


def targets_for(model) -> list[dict]:
    """Other token sets for every prompt, of different sizes."""
    V = model.vocab_size
    return [
        {"en": [7 + i, 300 % V, 40], "zh": list(range(50 + i, 50 + 4 * i + 1))}
        for i in range(len(TEXTS))
    ]


_SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}
_HEADS = {"num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": True}
CONFIGS = {
    "llama": lambda **v: LlamaConfig(
        **v, num_key_value_heads=2, tie_word_embeddings=False, **_SHAPE
    ),
    "gemma2": lambda **v: Gemma2Config(
        **v,
        final_logit_softcapping=3.0,
        attn_logit_softcapping=20.0,
        sliding_window=16,
        **_SHAPE | _HEADS,
    ),
    "gemma3": lambda **v: Gemma3TextConfig(
        **v, sliding_window=16, **_SHAPE | _HEADS | {"num_hidden_layers": 6}
    ),
    "qwen2": lambda **v: Qwen2Config(**v, num_key_value_heads=2, **_SHAPE),
    "gpt2": lambda **v: GPT2Config(**v, n_embd=64, n_layer=5, n_head=4, n_positions=256),
    "gpt_neox": lambda **v: GPTNeoXConfig(**v, **_SHAPE),
    "gpt_neo": lambda **v: GPTNeoConfig(
        hidden_size=64,
        num_layers=4,
        num_heads=4,
        attention_types=[[["global", "local"], 2]],
        window_size=16,
        **v,
    ),
    "mpt": lambda **v: MptConfig(d_model=64, n_heads=4, n_layers=4, **v),
    "granite": lambda **v: GraniteConfig(**v, num_key_value_heads=2, logits_scaling=4.0, **_SHAPE),
    "cohere": lambda **v: CohereConfig(**v, num_key_value_heads=2, logit_scale=0.25, **_SHAPE),
    "mistral": lambda **v: MistralConfig(**v, num_key_value_heads=2, sliding_window=16, **_SHAPE),
    "qwen3": lambda **v: Qwen3Config(**v, num_key_value_heads=2, head_dim=16, **_SHAPE),
    "olmo2": lambda **v: Olmo2Config(**v, num_key_value_heads=2, **_SHAPE),
    "phi3": lambda **v: Phi3Config(**v, num_key_value_heads=2, **_SHAPE),
    "bloom": lambda **v: BloomConfig(hidden_size=64, n_layer=4, n_head=4, **v),
    "xglm": lambda **v: XGLMConfig(
        d_model=64, ffn_dim=96, num_layers=4, attention_heads=4, max_position_embeddings=256, **v
    ),
    "olmo": lambda **v: OlmoConfig(**v, num_key_value_heads=2, **_SHAPE),
}
BYTE_LEVEL = (
    "gpt2",
    "gpt_neo",
    "gpt_neox",
    "mpt",
    "qwen2",
    "qwen3",
    "olmo",
    "olmo2",
    "cohere",
    "bloom",
)
_LINEAR = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"] * 2,
}
_MAMBA = {
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_n_groups": 1,
    "mamba_d_state": 16,
    "mamba_chunk_size": 8,
}
_EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2}
_TEXT = {
    "head_dim": 16,
    "global_head_dim": 16,
    "hidden_size_per_layer_input": 16,
    "num_kv_shared_layers": 0,
    "sliding_window": 64,
    "final_logit_softcapping": 3.0,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "patch_size": 4,
    "pooling_kernel_size": 1,
    "position_embedding_size": 64,
}
_MEDIA = ("image_token_id", "boi_token_id", "eoi_token_id", "video_token_id", "audio_token_id")


def _gemma4(vocab_size: int, **special: int) -> PreTrainedConfig:
    """A model of images and text, whose soft cap is in the configuration of its text model."""
    text = {**_SHAPE, **_TEXT, **special, "vocab_size": vocab_size, "pad_token_id": 0}
    ids = {name: vocab_size - 1 - n for n, name in enumerate(_MEDIA)}
    return AutoConfig.for_model("gemma4", text_config=text, vision_config=_VISION, **ids)


def _of(name: str, **values: Any) -> Callable[..., PreTrainedConfig]:
    return lambda **v: AutoConfig.for_model(
        name, **{**_SHAPE, "num_key_value_heads": 4}, **values, **v
    )


_OPT = {
    "hidden_size": 64,
    "word_embed_proj_dim": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "ffn_dim": 96,
    "max_position_embeddings": 256,
}

# Models that carry a state along, or do something unusual around the output layer.
FAMILIES = {
    "qwen3_5": _of("qwen3_5_text", head_dim=16, **_LINEAR),
    "qwen3_next": _of("qwen3_next", head_dim=16, moe_intermediate_size=32, **_LINEAR, **_EXPERTS),
    "bamba": _of("bamba", attn_layer_indices=[1, 3], **_MAMBA),
    "granitemoehybrid": _of(
        "granitemoehybrid",
        layer_types=["mamba", "attention"] * 2,
        shared_intermediate_size=32,
        logits_scaling=4.0,
        **_MAMBA,
        **_EXPERTS,
    ),
    "jamba": _of(
        "jamba",
        attn_layer_period=2,
        attn_layer_offset=1,
        mamba_d_state=8,
        mamba_dt_rank=4,
        use_mamba_kernels=False,
        **_EXPERTS,
    ),
    "lfm2": _of("lfm2", layer_types=["conv", "full_attention"] * 2),
    "zamba2": _of(
        "zamba2",
        layers_block_type=["mamba", "hybrid"] * 2,
        mamba_headdim=16,
        n_mamba_heads=8,
        mamba_ngroups=1,
        mamba_d_state=16,
        chunk_size=8,
        attention_hidden_size=128,
        attention_head_dim=32,
    ),
    "olmo_hybrid": _of("olmo_hybrid", **_LINEAR),
    "nemotron_h": _of(
        "nemotron_h",
        layers_block_type=["mamba", "attention"] * 2,
        mamba_num_heads=8,
        mamba_head_dim=16,
        n_groups=1,
        ssm_state_size=16,
        chunk_size=8,
        head_dim=16,
    ),
    "minimax": _of(
        "minimax",
        layer_types=["linear_attention", "full_attention"] * 2,
        block_size=8,
        head_dim=16,
        **_EXPERTS,
    ),
    "falcon_h1": _of("falcon_h1", mamba_d_ssm=128, lm_head_multiplier=0.5, **_MAMBA),
    "recurrent_gemma": _of(
        "recurrent_gemma",
        lru_width=64,
        attention_window_size=512,
        block_types=["recurrent", "attention"],
        logits_soft_cap=3.0,
    ),
    "rwkv": lambda **v: RwkvConfig(
        hidden_size=64, num_hidden_layers=4, attention_hidden_size=64, context_length=256, **v
    ),
    "hyperclovax": _of("hyperclovax", logits_scaling=0.3),
    "gemma4": _gemma4,
    "openai-gpt": lambda **v: OpenAIGPTConfig(n_embd=64, n_layer=4, n_head=4, n_positions=256, **v),
    "opt": lambda **v: OPTConfig(**_OPT, **v),
    "opt_without_norm": lambda **v: OPTConfig(do_layer_norm_before=False, **_OPT, **v),
}


class TinyFactory:
    """Makes a random model of each architecture once and keeps it."""

    def __init__(self, root: Path) -> None:
        self.root, self._models, self._copies = root, {}, 0

    def __call__(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = ll.load_model(self.folder(name), dtype="float32")
        return self._models[name]

    def fresh(self, name: str) -> Model:
        """Load a copy that a test may change or close."""
        self._copies += 1
        folder = shutil.copytree(self.folder(name), self.root / "copies" / f"{name}-{self._copies}")
        return ll.load_model(folder, dtype="float32")

    def folder(self, name: str) -> Path:
        """Return a folder with config, safetensors and tokenizer of a random model."""
        folder = self.root / name
        if not folder.exists():
            tokenizer = byte_level() if name in BYTE_LEVEL else byte_fallback()
            special = {
                key: getattr(tokenizer, key)
                for key in ("bos_token_id", "eos_token_id", "pad_token_id")
            }
            config = (CONFIGS | FAMILIES)[name](vocab_size=len(tokenizer), **special)
            torch.manual_seed(sorted(CONFIGS).index(name) if name in CONFIGS else 0)
            model = AutoModelForCausalLM.from_config(config)
            randomise(model)
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        return folder


def randomise(model: torch.nn.Module) -> None:
    """Give every weight a size that matters, also gains and biases (1 and 0 in a fresh model)."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("A_log", "dt_bias")):  # sizes and times of a recurrence
                weight.copy_(torch.rand_like(weight))
            elif weight.ndim == 1:
                around = (
                    weight.mean().round() if name.endswith("weight") else 0.0
                )  # Gemma's gains are stored around 0
                weight.copy_(around + 0.4 * torch.randn_like(weight))
            else:
                weight.copy_(1.5 * torch.randn_like(weight) / weight.shape[-1] ** 0.5)


def byte_level() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 420 entries, as GPT-2's: no beginning and no padding token."""
    core = Tokenizer(BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<|endoftext|>"],
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|endoftext|>")


def byte_fallback() -> PreTrainedTokenizerFast:
    """A SentencePiece-like tokenizer with byte fallback, as Llama's: a beginning token, ``▁``."""
    core = Tokenizer(BPE())
    core.normalizer = normalizers.Replace(" ", "▁")
    core.train_from_iterator(
        (s for s in SENTENCES if "天" not in s),
        trainers.BpeTrainer(vocab_size=260, show_progress=False),
    )
    learned = {entry: i for entry, i in sorted(core.get_vocab().items(), key=lambda pair: pair[1])}
    entries = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), *learned]
    merges = [tuple(pair) for pair in json.loads(core.to_str())["model"]["merges"]]
    return sentencepiece_like(
        BPE(
            {e: i for i, e in enumerate(entries)},
            merges,
            byte_fallback=True,
            unk_token="<unk>",
            fuse_unk=True,
        )
    )


def sentencepiece_like(bpe: BPE) -> PreTrainedTokenizerFast:
    """Wrap a BPE model the way Llama-2's tokenizer.json does."""
    core = Tokenizer(bpe)
    core.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    core.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    core.add_special_tokens(["<unk>", "<s>", "</s>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


def without_fallback() -> PreTrainedTokenizerFast:
    """A SentencePiece-like tokenizer of few pieces: any other letter is unknown, as in XGLM."""
    pieces = ["▁", '"', "书", "包", "▁fle", "fle", "ur", ":", "水"]
    core = Tokenizer(Unigram([("<unk>", 0.0), *((piece, -3.0) for piece in pieces)], unk_id=0))
    core.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")


def some_lens(model, seed: int = 0, **changed) -> Lens:
    """A lens of random maps for all layers of a model but the last."""
    generator = torch.Generator().manual_seed(seed)
    n, d = model.n_layers - 1, model.d_model
    fields = {
        "name": "some",
        "model": model.name,
        "layers": tuple(range(1, n + 1)),
        "matrices": torch.randn(n, d, d, generator=generator) / d**0.5,
        "offsets": torch.randn(n, d, generator=generator),
    }
    return Lens(**{**fields, **changed})
