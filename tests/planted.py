"""Runs with curves that a test chooses, and a model of which it is known what its layers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import latentlang as ll
from latentlang.analysis.chance import chance_paths
from latentlang.analysis.retrieval_result import Retrieval
from latentlang.analysis.sphere import SpherePath
from latentlang.geometry import sphere_axes, sphere_coordinates
from latentlang.models.model import Model
from latentlang.prompts.setting import Setting

WORDS = {
    "flower": ("fleur", "花"),
    "book": ("livre", "书"),
    "sea": ("mer", "海"),
    "sun": ("soleil", "太阳"),
    "hand": ("main", "手"),
    "door": ("porte", "门"),
    "heart": ("cœur", "心"),
    "water": ("eau", "水"),
    "eagle": ("aigle", "鹰"),
    "tree": ("arbre", "树"),
}


def planted(
    curves: Mapping[str, Sequence[float]],
    *,
    source: str | None = "fr",
    target: str = "zh",
    spread: float = 0.1,
    n: int = 10,
    control: str | None = None,
    model: str = "planted",
) -> ll.Run:
    """Return a run of ``n`` prompts whose mean P(language) by layer are about these curves.

    Each prompt has its own factor per layer, ``1 ± spread``; every other reading is made up. A
    yardstick goes by ``"other:<code>"``.
    """
    n_layers = len(next(iter(curves.values())))
    generator = torch.Generator().manual_seed(0)
    probability = {}
    for code, curve in curves.items():
        factor = 1 + spread * torch.randn(n, n_layers, generator=generator)
        probability[code] = (torch.tensor(curve) * factor).clamp(0, 1)
    words = list(WORDS)[:n]
    columns = {"concept": words, "source": source or target, "target": target, "pivot": "en"}
    answers = {"answer_en": words, "answer_fr": [WORDS[w][0] for w in words]}
    answers["answer_zh"] = [WORDS[w][1] for w in words]
    task = "translation" if source else "repetition"
    languages = [code for code in probability if ":" not in code]
    line = torch.linspace(0, 1, n_layers).expand(n, -1)
    noise = torch.rand(n, n_layers, generator=generator)
    return ll.Run(
        model=model,
        setting=Setting(task, (source or target,), target, "en", control=control),
        layers=tuple(range(1, n_layers + 1)),
        prompts=pd.DataFrame(columns | answers | {"cognate": "no", "text": "planted"}),
        readings={
            "probability": probability,
            "rank": {code: (1 / (probability[code] + 1e-3)).int() for code in languages},
            "entropy": 15 - 10 * line + noise,
            "energy": 0.1 + 0.1 * line + 0.01 * noise,
        },
        top_ids=torch.zeros(n, n_layers, 2, dtype=torch.int),
        top_probs=torch.rand(n, n_layers, 2, generator=generator) / 2,
        number_format="float32",
    )


def bump(at: int, height: float, n_layers: int = 18, wide: float = 2.0) -> list[float]:
    """Return a curve that rises to ``height`` at a layer and falls again."""
    layers = torch.arange(1, n_layers + 1)
    return (height * torch.exp(-(((layers - at) / wide) ** 2))).tolist()


def rise(at: float, height: float, n_layers: int = 18) -> list[float]:
    """Return a curve that rises to ``height`` around a layer, and stays."""
    return (height * torch.sigmoid((torch.arange(1, n_layers + 1) - at) / 0.4)).tolist()


def flat(height: float, n_layers: int = 18) -> list[float]:
    """Return a curve of one height."""
    return [height] * n_layers


RUNS = {
    "pivot": {"en": bump(13, 0.6), "zh": rise(16.5, 0.7), "fr": flat(1e-5)},
    "faint": {"en": bump(15, 0.09), "zh": rise(16.5, 0.5), "fr": flat(1e-5)},
    "copy": {"en": bump(15, 0.15), "zh": rise(16.5, 0.5), "fr": bump(11, 0.6)},
    "nothing": {"en": flat(2e-3), "zh": rise(12, 0.7), "fr": flat(1e-5)},
}
OTHER = {"other:en": flat(4e-3), "other:zh": flat(1e-3), "other:fr": flat(1e-4)}


def planted_sweep(
    name: str, *, controls: bool = False, spread: float = 0.1, n: int = 10, **fields: object
) -> ll.Sweep:
    """Return a sweep of ``n`` pairs whose mean probabilities by layer are about those of SWEEPS.

    Each pair has its own factor per layer, ``1 ± spread``. ``fields``: others than planted ones.
    """
    curves, baseline, target = SWEEPS[name]
    run = planted(curves, spread=spread, n=n)
    generator = torch.Generator().manual_seed(1)

    def around(values: Sequence[float] | float) -> torch.Tensor:
        mean = torch.tensor(values)
        return (mean * (1 + spread * torch.randn(n, *mean.shape, generator=generator))).clamp(0, 1)

    words = list(WORDS)
    usual = dict(
        model="planted",
        setting=Setting("translation", ("de",), target, "en"),
        layers=run.layers,
        prompts=run.prompts.assign(source="de", source_concept=[*words[1:], words[0]][:n]),
        probability=dict(run.probability),
        baseline={label: around(value) for label, value in baseline.items()},
        intervention="Patch",
        controls={
            name: {label: around(curve) for label, curve in each.items()}
            for name, each in (CONTROLS if controls else {}).items()
        },
        origin="translation fr → en",
        number_format="float32",
    )
    return ll.Sweep(**usual | fields)


# From layer 15 on the quotation mark is not closed.
CONTINUATIONS = (tuple('花" -' if layer < 15 else "花花" for layer in range(1, 19)),) * 10


def fall(at: float, height: float, n_layers: int = 18) -> list[float]:
    """Return a curve of one height that falls to 0 around a layer, and stays."""
    return [height - value for value in rise(at, height, n_layers)]


# The language changes from layer 8, the concept from layer 13: SCIENCE, section 2.
LANGUAGE_FIRST = {
    "A in en": rise(12.6, 0.66),
    "A in zh": flat(2e-3),
    "B in zh": fall(7.6, 0.58),
    "B in en": [min(pair) for pair in zip(rise(7.6, 0.6), fall(12.6, 0.6))],
}
UNCHANGED = {"A in en": 1e-4, "A in zh": 1e-4, "B in zh": 0.58, "B in en": 2e-3}
CONTROLS = {
    "self": {label: flat(value) for label, value in UNCHANGED.items()},
    "another concept": {label: flat(0.01) for label in UNCHANGED},
    "random": {label: flat(0.002) for label in UNCHANGED},
    "third language (es)": {label: flat(0.05) for label in UNCHANGED},
}
# Curves, the answers without a change, and the language that the prompts ask for.
SWEEPS = {
    "language first": (LANGUAGE_FIRST, UNCHANGED, "zh"),
    "nothing": ({label: flat(value) for label, value in UNCHANGED.items()}, UNCHANGED, "zh"),
    "steered": (
        {"zh": rise(8, 0.57), "fr": fall(9, 0.5), "other:zh": flat(3e-3)},
        {"zh": 1e-4, "fr": 0.5, "other:zh": 1e-4},
        "fr",
    ),
    "erased": (
        {"zh": [0.6 - value for value in bump(14, 0.25)], "en": flat(1e-3)},
        {"zh": 0.6, "en": 0.01},
        "zh",
    ),
    "own labels": (
        {"right": rise(8, 0.6), "<b>wrong</b>": fall(8, 0.5)},
        {"right": 0.01, "<b>wrong</b>": 0.5},
        "zh",
    ),
}


# How much of P(zh) = 0.4 is left when each condition is erased.
PIVOT_TESTS = {
    "hub": {"en word": 0.2, "en word orthogonal": 0.4, "de word": 0.2, "ja word": 0.21},
    "pivot": {"en word": 0.1, "en word orthogonal": 0.15, "de word": 0.38, "ja word": 0.37},
    "seen": {"en word": 0.399, "en word orthogonal": 0.4, "de word": 0.39, "ja word": 0.4},
}
SAME = {"another en word": 0.38, "random": 0.39, "random, same length": 0.38, "en language": 0.1}


def planted_pivot_test(name: str, n: int = 10, **fields: object) -> ll.PivotTest:
    """Return a test of ``n`` prompts with about these means; each prompt has its own factor."""
    run = planted(RUNS["pivot"], n=n)
    factor = 1 + 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(2))
    factor = factor / factor.mean()
    left = PIVOT_TESTS[name] | SAME | {"zh word": 0.02}
    usual = dict(
        model="planted",
        setting=Setting("translation", ("de",), "zh", "en"),
        layers=(13, 14),
        leads=True,
        chosen_on=("stone", "moon"),
        prompts=run.prompts.assign(source="de"),
        baseline=0.4 * factor,
        erased={condition: value * factor for condition, value in left.items()},
        cosine={condition: torch.full((n,), 0.5) for condition in left},
        moved={condition: torch.full((n,), 0.01) for condition in left},
        number_format="float32",
    )
    return ll.PivotTest(**usual | fields)


def through_lenses(name: str) -> list[ll.Run]:
    """Return runs of the same prompts, each through its lens."""
    return [
        replace(planted(curves | OTHER, spread=spread), lens=lens)
        for lens, (curves, spread) in LENSES[name].items()
    ]


# Curves through each lens, and how much the prompts differ.
LENSES = {
    "apart": {
        "logit": (RUNS["copy"], 0.1),
        "linear": (RUNS["copy"] | {"en": bump(13, 0.1), "zh": rise(13.4, 0.6)}, 0.1),
    },
    "alike": {"logit": (RUNS["copy"], 0.1), "linear": (RUNS["copy"], 0.1)},
    "overlapping": {
        "logit": (RUNS["copy"] | {"en": bump(13, 0.2), "zh": rise(14.3, 0.45)}, 0.7),
        "linear": (RUNS["copy"] | {"en": bump(13, 0.1), "zh": rise(14.35, 0.45)}, 0.7),
    },
    "never": {
        "logit": (RUNS["copy"] | {"zh": flat(1e-3)}, 0.1),
        "linear": (RUNS["copy"], 0.1),
        "patchscope": (RUNS["copy"], 0.1),
    },
}


# How often the concept is retrieved by layer, and its ceiling.
RETRIEVALS = {
    "source best": {"en": rise(8, 0.6), "zh": rise(8, 0.55), "de": rise(5, 0.95)},
    "pivot ahead": {"en": [a + b for a, b in zip(bump(12, 0.5), rise(8, 0.4))], "zh": rise(8, 0.4)},
    "alike": {"en": rise(8, 0.5), "zh": rise(8, 0.5)},
    "several": {
        code: rise(8, height)
        for code, height in zip(
            ("en", "zh", "de", "fr", "es", "ja", "ko"), (0.6, 0.55, 0.62, 0.4, 0.45, 0.5, 0.3)
        )
    },
    "one": {"zh": rise(8, 0.5)},
    "nothing": {"en": flat(0.025), "zh": flat(0.025)},
}


def planted_retrieval(name: str, n: int = 40, **fields: object) -> Retrieval:
    """Return a retrieval of ``n`` concepts with about these means, drawn word by word.

    The same words are hard in every language.
    """
    generator = torch.Generator().manual_seed(3)
    hard = torch.rand(n, 1, generator=generator)
    retrieved = {}
    for code, curve in RETRIEVALS[name].items():
        luck = 0.7 * hard + 0.3 * torch.rand(n, len(curve), generator=generator)
        order = luck.argsort(0).argsort(0) / n
        retrieved[code] = (order < torch.tensor(curve)).float()
    usual = dict(
        model="planted",
        setting=Setting("translation", ("de",), "zh", "en"),
        layers=tuple(range(1, 19)),
        concepts=tuple(f"concept {row}" for row in range(n)),
        retrieved=retrieved,
        probability={code: 0.1 * values for code, values in retrieved.items()},
        ceiling={code: torch.full_like(values, 0.9) for code, values in retrieved.items()},
        number_format="float32",
    )
    return Retrieval(**usual | fields)


def planted_path(
    concept: dict[int, float], language: dict[int, float], n: int = 40, d: int = 160, seed: int = 0
) -> SpherePath:
    """Return a path of ten layers: one common direction per layer, noise, and what is given.

    ``concept``, ``language``: how much of the word, and of target minus pivot, layer by layer.
    """
    g = torch.Generator().manual_seed(seed)
    words, apart = torch.randn(n, d, generator=g), torch.randn(d, generator=g)
    own = 0.7 * torch.randn(2, n, d, generator=g)
    target, pivot = words + apart + own[0], words - apart + own[1]
    latents = 2 * torch.randn(1, 10, d, generator=g)
    latents = latents + 0.5 * torch.randn(n, 10, d, generator=g)
    for amounts, direction in ((concept, words), (language, apart)):
        for layer, amount in amounts.items():
            latents[:, layer - 1] += amount * direction
    axes = sphere_axes(target, pivot)
    names = [f"c{k}" for k in range(n)]
    return SpherePath(
        coordinates=sphere_coordinates(latents, axes),
        chance=chance_paths(latents, (target, pivot), axes, torch.arange(n)),
        words={
            code: sphere_coordinates(rows[:, None], axes)[:, 0]
            for code, rows in (("en", pivot), ("zh", target))
        },
        layers=tuple(range(1, 11)),
        prompts=pd.DataFrame(
            {"concept": names, "source": "fr", "word_en": names, "word_zh": names}
        ),
        model="m",
        setting=Setting("translation", ("fr",), "zh", "en"),
    )


LANGUAGES, CONCEPTS = ("xx", "yy", "zz"), ("ant", "bee", "cat", "dog")
LANGUAGE_LAYER, CONCEPT_LAYER = 2, 3


def planted_model(folder: Path) -> Model:
    """Return a model of four layers in which it is known where language and concept are written.

    It reads texts such as ``"<s> xx bee :"`` and answers ``xx-bee``. Attention looks at all tokens
    alike. In layer 2 it carries the language to the last token, in layer 3 the concept; layers 1
    and 4 do nothing.
    """
    words = ["<s>", ":", *LANGUAGES, *CONCEPTS]
    answers = [f"{code}-{concept}" for code in LANGUAGES for concept in CONCEPTS]
    vocabulary = {word: n for n, word in enumerate([*words, *answers])}
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=8,
        num_hidden_layers=4,
        num_attention_heads=1,
        num_key_value_heads=1,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = LlamaForCausalLM(config)
    # Two directions of no meaning, then where a language and a concept are read and written.
    read = {word: 2 + n for n, word in enumerate([*LANGUAGES, *CONCEPTS])}
    write = {word: place + len(read) for word, place in read.items()}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        for word, n in vocabulary.items():
            if word in words:
                model.model.embed_tokens.weight[n, read.get(word, n)] = 1.0
            else:
                for part in word.split("-"):
                    model.lm_head.weight[n, write[part]] = 5.0
        for layer, names in ((LANGUAGE_LAYER, LANGUAGES), (CONCEPT_LAYER, CONCEPTS)):
            attention = model.model.layers[layer - 1].self_attn
            for name in names:
                attention.v_proj.weight[read[name], read[name]] = 1.0
                attention.o_proj.weight[write[name], read[name]] = 1.0
    core = Tokenizer(WordLevel(vocabulary, unk_token="<s>"))
    core.pre_tokenizer = WhitespaceSplit()
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>").save_pretrained(folder)
    return ll.load_model(folder, dtype="float32")
