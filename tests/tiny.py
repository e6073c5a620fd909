"""Tiny random models with tiny tokenizers, saved and loaded as real models are."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import (
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
    Phi3Config,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    XGLMConfig,
)

import latentlang as ll
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
_BYTE_LEVEL = (
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


class TinyFactory:
    """Makes a random model of each architecture once and keeps it."""

    def __init__(self, root: Path) -> None:
        self.root, self._models = root, {}

    def __call__(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = ll.load_model(self.folder(name), dtype="float32")
        return self._models[name]

    def folder(self, name: str) -> Path:
        """Return a folder with config, safetensors and tokenizer of a random model."""
        folder = self.root / name
        if not folder.exists():
            tokenizer = byte_level() if name in _BYTE_LEVEL else byte_fallback()
            special = {
                key: getattr(tokenizer, key)
                for key in ("bos_token_id", "eos_token_id", "pad_token_id")
            }
            config = CONFIGS[name](vocab_size=len(tokenizer), **special)
            torch.manual_seed(sorted(CONFIGS).index(name))
            model = AutoModelForCausalLM.from_config(config)
            randomise(model)
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        return folder


def randomise(model: torch.nn.Module) -> None:
    """Give every weight a size that matters, also gains and biases (1 and 0 in a fresh model)."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
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
