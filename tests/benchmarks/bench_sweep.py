"""How fast a sweep over all layers is, and how much memory it takes.

    make bench

The numbers are compared with the plain way first; then both are timed.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import torch
from conftest import limit
from ways import by_layer, swept

import latentlang as ll

N_PAIRS, ROUNDS = 40, 3


@pytest.fixture(scope="module")
def pairs(model):
    french = ll.build_prompts("translation", "fr", "en", tokenizer=model.tokenizer)
    german = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)
    return ll.pairs(french[:240], german[:240], model=model, n=N_PAIRS)


def seconds(work, rounds: int = ROUNDS) -> float:
    """Return the median time of some rounds, after one to warm up."""
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[rounds // 2]


@pytest.mark.timeout(1800)
def test_a_sweep_against_a_decode_and_the_plain_way(model, pairs):
    sweep, plain = swept(model, pairs), list(by_layer(model, pairs))
    for label, sets in pairs.targets.items():
        for layer, probs in enumerate(plain):
            expected = torch.stack([row[sorted(ids)].sum() for row, ids in zip(probs, sets)])
            assert torch.allclose(sweep.probability[label][:, layer], expected, atol=1e-4)
    del plain

    def decoded() -> None:
        for prompts in (pairs.source, pairs.into):
            ll.decode(model, prompts, energy=False, progress=False)

    ours, decode = seconds(lambda: swept(model, pairs)), seconds(decoded)
    plainly = seconds(lambda: [None for _ in by_layer(model, pairs)], rounds=1)
    limit("a sweep of 40 pairs / a decode of the same prompts", ours / decode, "<=", 1.6)
    limit("one forward per layer / a sweep, 40 pairs", plainly / ours, ">=", 5)


MEMORY = """
import sys
import latentlang as ll

def peak():
    most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(most.split()[1]) * 1024 / 1e6

model = ll.load_model("gemma-3-270m", dtype="float32")
french = ll.build_prompts("translation", "fr", "en", tokenizer=model.tokenizer)
n = int(sys.argv[1])
open("/proc/self/clear_refs", "w").write("5")  # the peak counts from here
before = peak()
patch = ll.Patch(ll.latents_at(model, french[:n]))
ll.sweep(model, french[:n], patch, progress=False)
print(peak() - before)
"""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("n", [40, 200])
def test_peak_memory_above_the_model(n):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(n)], capture_output=True, text=True, check=True
    )
    limit(f"peak memory of a sweep above the loaded model, {n} (MB)", float(done.stdout), "<=", 900)
