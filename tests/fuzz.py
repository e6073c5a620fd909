"""Random models, tokenizers, words and requests: ``decode`` against single plain forward passes.

``python tests/fuzz.py 3000 7``: 3,000 cases, from seed 7. A failing case is made as small as
possible and printed; ``python tests/fuzz.py "Case(...)"`` tries it alone.

The oracle is ``oracle.py`` on the model as transformers loads it, one prompt at a time, without
padding, cache or batch. Of latentlang only the public functions are used.
"""

from __future__ import annotations

import copy
import math
import random
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import hypothesis
import oracle
import pandas as pd
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from random_networks import Network, Pool, ids_of, networks
from tiny import SENTENCES
from transformers import PreTrainedTokenizerFast

import latentlang as ll
from latentlang.errors import DataError

# Latin with marks that stand alone, right-to-left, syllables of several code points, ideographs.
# The languages only name columns: Hebrew letters stand under Turkish, Thai under Indonesian.
SCRIPTS = {
    "en": "abcdefgh",
    "fr": "abcdéèçœ",
    "vi": "abd\u0323e\u0302\u0301o\u031b",
    "ar": "ابتثجحخ\u064e\u0651",
    "tr": "אבגדה",
    "hi": "कखगघ\u093e\u093f\u094d",
    "id": "กขคง\u0e31\u0e48",
    "ru": "абвгдёй",
    "zh": "花水书天木日月",
    "ja": "はなミズ本\u3099",
    "ko": "가나다라마",
}


EXACT = 1e-5  # by how much a probability may differ


@dataclass(frozen=True)
class Case:
    """A request to ``decode``. ``words`` draws the words, or the texts and token sets."""

    network: Network
    words: int
    task: str
    n_prompts: int
    k: int
    shared_demos: bool
    mode: str | None
    positions: str | int
    batch_size: int | None
    embedding: bool
    watch: int
    top_k: int
    energy: bool


def cases(network: Network) -> st.SearchStrategy[Case]:
    """Return the strategy of requests to a model."""
    return st.builds(
        Case,
        network=st.just(network),
        words=st.integers(0, 2**20),
        task=st.sampled_from(["translation", "repetition", "texts", "one beginning"]),
        n_prompts=st.integers(1, 7),
        k=st.integers(0, 4),
        shared_demos=st.booleans(),
        mode=st.sampled_from([None, "prefix", "first"]),
        positions=st.sampled_from(["last", "last", "all", 1, 2, 5]),
        batch_size=st.sampled_from([None, 1, 2, 3]),
        embedding=st.booleans(),
        watch=st.integers(0, 5),
        top_k=st.integers(1, 5),
        energy=st.booleans(),
    )


def word_table(case: Case) -> pd.DataFrame:
    """Return random words: one letter or several, shared beginnings, one word for two concepts."""
    draw = random.Random(case.words)
    codes = ["en", *draw.sample(sorted(SCRIPTS.keys() - {"en"}), 2)]
    n_concepts = case.n_prompts + case.k + 3
    table: dict[str, list] = {"concept": [f"c{n}" for n in range(n_concepts)]}
    for code in codes:
        letters, words = SCRIPTS[code], []
        while len(words) < n_concepts:
            start = draw.choice(words) if words and draw.random() < 0.3 else ""
            more = "".join(draw.choices(letters, k=draw.choice([0, 1, 1, 2, 5, 9])))
            word = f"{start or draw.choice(letters[:3])}{more}"
            words.append(draw.choice(words) if words and draw.random() < 0.1 else word)
        table[code] = [(word,) for word in words]
    return pd.DataFrame(table).set_index("concept")


def texts_of(case: Case, n_tokens: int) -> tuple[list[str], list[dict[str, list[int]]]]:
    """Return random texts, some with one beginning, and random token sets to follow."""
    draw = random.Random(case.words)
    shared = "\n".join(draw.choices(SENTENCES, k=3)) if case.task == "one beginning" else ""
    texts, targets = [], []
    for _ in range(case.n_prompts):
        parts = draw.choices(SENTENCES, k=draw.choice([1, 1, 3]))
        text = "\n".join(parts)[: draw.choice([1, 3, 20, 200])]
        texts.append(f"{shared}\n{text}" if shared else text)
        targets.append({c: draw.sample(range(n_tokens), draw.choice([0, 1, 2, 9])) for c in "ab"})
    return texts, targets


def prompts_of(case: Case, tokenizer: PreTrainedTokenizerFast):
    """Return the prompts of ``build_prompts``; None if these words leave none."""
    words = word_table(case)
    source, target = words.columns[1:]
    languages = (None if case.task == "repetition" else source, target)
    choices = {"k": case.k, "mode": case.mode, "shared_demos": case.shared_demos}
    try:
        prompts = ll.build_prompts(
            case.task, *languages, tokenizer=tokenizer, words=words, seed=case.words, **choices
        )
    except DataError as refused:
        assert re.search("No usable words|share no word, and this pair has", str(refused)), refused
        return None
    return prompts[: case.n_prompts]


def check(case: Case, pool: Pool) -> None:
    """Compare every number of one case with its oracle."""
    model, plain, tokenizer = pool.of(case.network)
    from_words = case.task in ("translation", "repetition")
    prompts = prompts_of(case, model.tokenizer) if from_words else None
    if prompts is None:
        texts, targets = texts_of(case, len(tokenizer))
        asked: tuple = (texts, targets)
    else:
        texts, targets = ([getattr(p, name) for p in prompts] for name in ("text", "token_ids"))
        asked = (prompts,)
    n_read = {"last": 1, "all": 10**6}.get(case.positions, case.positions)
    if n_read != 1:
        asked, texts, targets = tuple(part[:1] for part in asked), texts[:1], targets[:1]
    watch = random.Random(case.words).sample(range(len(tokenizer)), case.watch)
    run = ll.decode(
        model,
        *asked,
        watch=watch,
        positions=case.positions if n_read != 1 else "last",
        batch_size=case.batch_size,
        include_embedding=case.embedding,
        top_k=case.top_k,
        energy=case.energy,
        keep_latents=True,
        progress=False,
    )
    pool.seen.update(["cases", case.network.architecture, "texts" if prompts is None else "words"])
    pool.seen["prompts"] += len(texts)
    for row, (text, sets) in enumerate(zip(texts, targets)):
        ids = ids_of(text, case.network, tokenizer)
        if n_read == 1:
            compare_up_to_rounding(run[row], 0, plain, ids, -1, sets, watch)
            continue
        last = ids[-n_read:]
        assert run.position_tokens == tuple(last)
        for place in range(len(last)):
            position = place - len(last)
            compare_up_to_rounding(run[row], (0, place), plain, ids, position, sets, watch)


def compare_up_to_rounding(run: ll.Run, at, plain, ids: list[int], position: int, *rest) -> None:
    """Compare to 1e-5, or to twice the error of the plain pass where that is larger.

    Its error is its distance from the same pass in double precision. Random networks with large
    scales round by more than 1e-5.
    """
    reading = oracle.read_ids(plain, ids, position)
    try:
        compare(run, at, reading, plain, *rest)
    except AssertionError:
        exact = oracle.read_ids(copy.deepcopy(plain).double(), ids, position)
        error = (reading.log_probs.exp() - exact.log_probs.exp()).abs().max().item()
        if 2 * error < EXACT:
            raise
        compare(run, at, reading, plain, *rest, atol=2 * error)


def compare(
    run: ll.Run,
    at,
    reading: oracle.Reading,
    plain,
    sets: dict,
    watch: list[int],
    atol: float = EXACT,
) -> None:
    """Compare the readings of one prompt at one position, layer by layer."""
    first = 0 if run.layers[0] == 0 else 1
    latents, log_probs = reading.latents[first:], reading.log_probs[first:]

    def same(name: str, got: torch.Tensor, right: torch.Tensor, **tolerance: float) -> None:
        torch.testing.assert_close(got, right, **tolerance, msg=lambda text: f"{name}: {text}")

    scale = latents.norm(dim=-1, keepdim=True)
    # Rounding grows from layer to layer; a latent is compared in units of its length.
    same("latents", run.latents[at] / scale, latents / scale, atol=1e-4, rtol=0)
    for code, ids in sets.items():
        right = reading.probability(ids)[first:]
        same(f"P({code})", run.probability[code][at], right, atol=atol, rtol=0)
        ranks = reading.rank(ids)[first:]
        for got, (low, high) in zip(run.rank[code][at].tolist(), ranks, strict=True):
            assert low <= got <= high, f"rank of {code}: {got}, not {low} to {high}"
    same("entropy", run.entropy[at], reading.entropy()[first:], atol=1e-4, rtol=0)
    top = log_probs.exp().topk(run.top_ids.shape[-1]).values
    same("top_probs", run.top_probs[at], top, atol=atol, rtol=0)
    of_ids = log_probs.exp().gather(-1, run.top_ids[at].long())
    same("top_ids", of_ids, top, atol=atol, rtol=0)
    if watch:
        same("watched", run.watched[at], log_probs[:, watch], atol=1e-4, rtol=0)
    if run.energy is not None:
        right = oracle.energy(plain, latents).float()
        same("energy", run.energy[at], right, atol=1e-5, rtol=1e-4)


def fuzz(pool: Pool, n_cases: int, seed: int, per_network: int = 20) -> None:
    """Try random cases. The first that fails is made small and printed as Python reads it.

    Raises:
        AssertionError: latentlang and the oracle differ; its notes hold the case.
    """
    for number, network in enumerate(islice(networks(seed), math.ceil(n_cases / per_network))):

        @hypothesis.seed(f"{seed} {number}")
        @settings(
            max_examples=per_network,
            deadline=None,
            database=None,
            derandomize=False,  # where CI is set, Hypothesis would take a seed of its own
            print_blob=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @hypothesis.given(cases(network))
        def every(case: Case) -> None:
            check(case, pool)

        every()


def main(argv: list[str]) -> None:
    """Try one case, or as many as the first number says, from the seed that the second says."""
    with tempfile.TemporaryDirectory() as folder:
        pool = Pool(Path(folder))
        if argv and argv[0].startswith("Case("):
            check(eval(argv[0]), pool)
            print("No difference.")
            return
        n_cases, seed = (*map(int, argv), *(3000, 0)[len(argv) :])
        start = time.perf_counter()
        fuzz(pool, n_cases, seed)
        minutes = (time.perf_counter() - start) / 60
        print(f"{n_cases} cases from seed {seed} in {minutes:.1f} minutes, no difference.")
        print(", ".join(f"{name} {n}" for name, n in pool.seen.most_common()))


if __name__ == "__main__":
    main(sys.argv[1:])
