"""Transformers with hand-set weights that are a pivot, a hub, a copier, or fool the lens.

A model reads translation prompts and answers them right. Its residual stream has a constant, a mark
of each language, and blocks of coordinates in which a meaning can stand: one block that all
languages share, and one block for each language. The word of a concept in a language has the
concept's coordinates in the shared block and in the language's block; so has its row of the
unembedding. What differs between the kinds is where the middle layers put the meaning.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from planted_pivot import word_level
from torch.nn.functional import normalize
from transformers import LlamaConfig, LlamaForCausalLM

import latentlang as ll
from latentlang.models.model import Model

CODES = ("en", "de", "zh", "fr", "ja", "es", "ru")
SIZE = 24  # coordinates of a meaning
CONSTANT = 8.0  # so large that all tokens have nearly the same length
PREFERRED = 1.6  # how much longer the English rows of the unembedding are in the artefact
_NEAR = 40.0  # how much attention prefers near tokens
_TURN = 0.05  # radians per token, of the pair of dimensions that knows how near a token is
KINDS: dict[str, Mapping[str, float]] = {
    "pivot": {"en": 1.0},
    "hub": {"shared": 1.0},
    "copy": {"own": 1.0},
    "artefact": {"shared": 1.0},
}
MIXTURES: dict[str, Mapping[str, float]] = {
    "pivot and copy": {"en": 0.7, "own": 0.7},
    "pivot and hub": {"en": 0.35, "shared": 0.9},
    "hub and copy": {"shared": 0.9, "own": 0.35},
    "all three": {"en": 0.5, "shared": 0.6, "own": 0.5},
    "two pivots": {"en": 0.7, "ja": 0.7},
}


@dataclass(frozen=True)
class Draw:
    """``strength``: of the answer. ``noise``: of every weight that is set. ``idle``: how many idle
    layers stand before the language, before the concept, and before the answer.
    """

    strength: float
    noise: float
    idle: tuple[int, int, int]

    @classmethod
    def of(cls, seed: int) -> Draw:
        """Return the draw of a seed."""
        draw = random.Random(seed)
        idle = (draw.randint(0, 1), draw.randint(0, 2), draw.randint(1, 3))
        return cls(draw.uniform(0.9, 1.3), draw.uniform(0.0, 0.05), idle)


def planted_hypothesis(
    folder: Path, kind: str, draw: Draw, *, seed: int = 0, every: int = 2
) -> Model:
    """Return a model of one kind of ``KINDS`` or ``MIXTURES`` that knows every n-th concept.

    One layer writes the language that the prompt asks for, a later one the meaning of the queried
    word, and a later one the answer's word: the coordinates of the meaning, in the block of the
    language whose mark is there. Attention prefers near tokens, by the slow turn of one pair of
    rotary dimensions.
    """
    route = (KINDS | MIXTURES)[kind]
    table = ll.load_words().iloc[::every]
    words = {
        (code, n): cell[0]
        for code in CODES
        for n, cell in enumerate(table[code])
        if cell and cell[0].isalpha()
    }
    seen = list(words.values())
    words = {key: word for key, word in words.items() if seen.count(word) == 1}
    endonyms = ll.languages()["endonym"][list(CODES)]
    tokenizer = word_level([*words.values(), *endonyms])
    ids = tokenizer.get_vocab()
    block = {name: 16 + SIZE * k for k, name in enumerate(("shared", *CODES))}
    mark = {code: 1 + k for k, code in enumerate(CODES)}
    width = 16 + SIZE * (1 + len(CODES))
    at_language, at_meaning, at_answer = _places(draw)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(ids),
            hidden_size=width,
            intermediate_size=SIZE * (len(CODES) + 1),
            num_hidden_layers=at_answer + 1,
            num_attention_heads=1,
            num_key_value_heads=1,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    generator = torch.Generator().manual_seed(seed)
    meaning = normalize(torch.randn(len(table), SIZE, generator=generator), dim=-1)
    layers, unembedding = model.model.layers, model.lm_head.weight
    embedding = model.model.embed_tokens.weight
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        embedding[:, 0] = CONSTANT
        unembedding.copy_(1e-3 * torch.randn(unembedding.shape, generator=generator))
        for (code, n), word in words.items():
            scale = draw.strength * (PREFERRED if (kind, code) == ("artefact", "en") else 1.0)
            own = slice(block[code], block[code] + SIZE)
            embedding[ids[word], own] = meaning[n]
            unembedding[ids[word], own] = 2.0 * scale * meaning[n]
            shared = slice(block["shared"], block["shared"] + SIZE)
            unembedding[ids[word], shared] = 1.2 * scale * meaning[n]
        for code, endonym in endonyms.items():
            embedding[ids[endonym], mark[code]] = 1.0
        for place in (at_language, at_meaning):
            _look_near(layers[place].self_attn)
        _write_language(layers[at_language].self_attn, mark)
        _write_meaning(layers[at_meaning].self_attn, block, route)
        _write_answer(layers[at_answer].mlp, block, mark, route)
        if kind == "artefact":
            _take_back(layers[at_answer].mlp, block, mark)
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight *= 1 + draw.noise * torch.randn(weight.shape, generator=generator)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ll.load_model(folder, dtype="float32")


def _places(draw: Draw) -> tuple[int, int, int]:
    """Return the layers, counted from 0, that write the language, the meaning and the answer."""
    before, between, after = draw.idle
    at_language = before
    at_meaning = at_language + 1 + between
    return at_language, at_meaning, at_meaning + 1 + after


def _look_near(attention: torch.nn.Module) -> None:
    """Let attention prefer near tokens: the score falls with the cosine of the distance."""
    width = attention.q_proj.weight.shape[0]
    pair = round(width / 2 * math.log(1 / _TURN) / math.log(10_000))
    size = math.sqrt(_NEAR / math.sqrt(width))
    attention.q_proj.weight[pair, 0] = size
    attention.k_proj.weight[pair, 0] = size


def _write_language(attention: torch.nn.Module, mark: Mapping[str, int]) -> None:
    """Write the mark of the language whose name is nearest: about 2 at the last token."""
    for place in mark.values():
        attention.v_proj.weight[place, place] = 1.0
        attention.o_proj.weight[place, place] = 5.4


def _write_meaning(
    attention: torch.nn.Module, block: Mapping[str, int], route: Mapping[str, float]
) -> None:
    """Write the meaning of the nearest word into the blocks of the route: about 4 in length."""
    for code in CODES:
        for k in range(SIZE):
            read = block[code] + k
            attention.v_proj.weight[read, read] = 1.0
            for name, weight in route.items():
                written = block[code if name == "own" else name] + k
                attention.o_proj.weight[written, read] += 30.0 * weight


def _write_answer(
    mlp: torch.nn.Module,
    block: Mapping[str, int],
    mark: Mapping[str, int],
    route: Mapping[str, float],
) -> None:
    """Copy the meaning from the blocks of the route into that of the marked language."""
    length = sum(weight**2 for weight in route.values())
    for n, code in enumerate(CODES):
        for k in range(SIZE):
            neuron = n * SIZE + k
            mlp.gate_proj.weight[neuron, mark[code]] = 3.0
            mlp.gate_proj.weight[neuron, 0] = -3.0 / CONSTANT
            for name, weight in route.items():
                for each in CODES if name == "own" else [name]:
                    mlp.up_proj.weight[neuron, block[each] + k] += weight / length
            mlp.down_proj.weight[block[code] + k, neuron] = 1.0


def _take_back(mlp: torch.nn.Module, block: Mapping[str, int], mark: Mapping[str, int]) -> None:
    """Write against the English rows, unless the prompt asks for English."""
    for k in range(SIZE):
        neuron = len(CODES) * SIZE + k
        mlp.gate_proj.weight[neuron, 0] = 3.0 / CONSTANT
        mlp.gate_proj.weight[neuron, mark["en"]] = -3.0
        mlp.up_proj.weight[neuron, block["shared"] + k] = 1.0
        mlp.down_proj.weight[block["en"] + k, neuron] = -0.1
