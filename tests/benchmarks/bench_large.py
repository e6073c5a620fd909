"""Qwen2.5-Coder 1.5B Instruct: its conversion, loading, memory, and decode against the least work.

It runs where `make qwen` has set the model up.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

import pytest
import torch
from conftest import limit
from ways import by_layer, floor, swept

import latentlang as ll
from latentlang.models import packaged
from tools import ROOT

NAME = "qwen2.5-coder-1.5b-instruct"
N_BATCH, ROUNDS = 8, 5

LOADING = """
import time
start = time.perf_counter()
import latentlang as ll
ll.load_model(NAME)
print(time.perf_counter() - start)
"""
DECODING = """
import resource
import latentlang as ll
model = ll.load_model(NAME)
ll.run_experiment(model, "translation", "fr", "zh", every=4, refresh=True, progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def said(code: str) -> float:
    """Return the number that a process of its own prints last."""
    code = code.replace("NAME", repr(NAME))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


@pytest.fixture(autouse=True)
def weights() -> None:
    assert packaged.is_here(NAME), "run `make qwen` first"


def test_conversion(tmp_path):
    start = time.perf_counter()
    command = [sys.executable, "-m", "latentlang", "prefetch", NAME, "--to", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    limit("Qwen: conversion, seconds", time.perf_counter() - start, "<=", 90)


def test_second_load():
    said(LOADING)
    limit("Qwen: second load, seconds", said(LOADING), "<=", 15)


def test_memory():
    limit("Qwen: fr to zh, every 4th concept, peak GB", said(DECODING), "<=", 6)


def test_decode_against_its_own_trunk_and_heads():
    """Batches of like length, as decode makes them: a trunk and one head per layer, and no more."""
    model = ll.load_model(NAME)
    ll.decode(model, ["warm up"], progress=False)  # the Gram matrix is built once
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    prompts = prompts.about(ll.load_words().index[::4])[:24]
    texts = sorted((p.text for p in prompts), key=lambda t: -len(model.tokenizer(t)["input_ids"]))

    def bare() -> None:
        for start in range(0, len(texts), N_BATCH):
            floor(model, texts[start : start + N_BATCH])

    def ours() -> None:
        ll.decode(model, prompts, progress=False)

    seconds = {}
    for work in (bare, ours) * ROUNDS:
        start = time.perf_counter()
        with torch.no_grad():
            work()
        seconds.setdefault(work, []).append(time.perf_counter() - start)
    ratio = median(seconds[ours]) / median(seconds[bare])
    limit("Qwen: decode / floor in batches", ratio, "<=", 1.15)


@pytest.mark.timeout(1800)
def test_a_sweep_against_one_forward_per_layer():
    """Three of the layers stand for all: a forward takes as long whichever layer it patches."""
    model, some = ll.load_model(NAME), ll.load_words().index[::4]
    french, german = (
        ll.build_prompts("translation", *pair, tokenizer=model.tokenizer).about(some)
        for pair in (("fr", "en"), ("de", "zh"))
    )
    pairs, layers = ll.pairs(french[:40], german[:40], model=model, n=N_BATCH), (1, 7, 14, 21)
    start = time.perf_counter()
    sweep = swept(model, pairs)
    ours = time.perf_counter() - start
    way = by_layer(model, pairs, layers)
    plain = {layers[0]: next(way)}  # it also reads the sources, which is not counted
    start = time.perf_counter()
    plain |= dict(zip(layers[1:], way))
    plainly = (time.perf_counter() - start) / len(layers[1:]) * model.n_layers
    for label, sets in pairs.targets.items():
        for layer, probs in plain.items():
            expected = torch.stack([row[sorted(ids)].sum() for row, ids in zip(probs, sets)])
            moved = (sweep.probability[label][:, layer - 1] - expected).abs().max()
            assert moved < 0.02, f"bfloat16 moves {label} at layer {layer} by {moved:.3f}"
    limit("Qwen: one forward per layer / a sweep, 8 pairs", plainly / ours, ">=", 9)
