"""How near ``decode`` comes to the least work there is, and how far it is from the published way.

    make bench

Each way first has to give the same numbers; then it is timed. Times are the median of three rounds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from conftest import N_BATCH, N_FEW, limit
from ways import TrunkClock, floor, hidden_states, published

import latentlang as ll
from latentlang.runs.fitted import fitted

ROUNDS = 3
SECONDS: dict[str, float] = {}


def texts(prompts) -> list[str]:
    return [p.text for p in prompts]


def timed(benchmark, name: str, work, *arguments, rounds: int = ROUNDS, **options):
    """Time a piece of work, remember its median round, and return what it found."""
    found = benchmark.pedantic(
        work, arguments, options, rounds=rounds, warmup_rounds=1 if rounds > 1 else 0
    )
    SECONDS[name] = benchmark.stats.stats.median
    return found


def probabilities(log_probs: torch.Tensor, prompts, code: str) -> torch.Tensor:
    """Return P(language) of every prompt and layer from whole distributions."""
    return torch.stack(
        [row[:, sorted(p.token_ids[code])].exp().sum(-1) for row, p in zip(log_probs, prompts)]
    )


@pytest.mark.benchmark(group="118 prompts, float32")
def test_floor(benchmark, model, prompts):
    """All prompts as one batch: 2.2 GB of logits."""
    timed(benchmark, "floor", floor, model, texts(prompts))


@pytest.mark.benchmark(group="118 prompts, float32")
def test_floor_in_batches(benchmark, model, prompts):
    """The same in batches of like length, which spares padding and memory: the stricter floor."""
    in_order = sorted(texts(prompts), key=lambda text: -len(model.tokenizer(text)["input_ids"]))

    def work() -> None:
        for start in range(0, len(in_order), N_BATCH):
            floor(model, in_order[start : start + N_BATCH])

    timed(benchmark, "floor in batches", work)


@pytest.mark.benchmark(group="118 prompts, float32")
def test_decode(benchmark, model, prompts):
    found = timed(benchmark, "decode", ll.decode, model, prompts, progress=False)
    few = floor(model, texts(prompts[:N_FEW]))[1]
    assert torch.allclose(
        found.probability["zh"][:N_FEW], probabilities(few, prompts[:N_FEW], "zh"), atol=1e-4
    )
    limit("decode / floor", SECONDS["decode"] / SECONDS["floor"], "<=", 1.20)
    limit("decode / floor in batches", SECONDS["decode"] / SECONDS["floor in batches"], "<=", 1.15)


BESIDE = {  # what is asked of decode in addition
    "that follows the ten best tokens of each layer": lambda model: {"follow": True},
    "through the linear lens": lambda model: {"lens": fitted(model, "linear", False)},
}


@pytest.mark.benchmark(group="29 prompts, float32")
@pytest.mark.parametrize("way", BESIDE)
def test_decode_with_more_to_do(benchmark, model, prompts, way):
    """Beside a plain decode of the same minute: the machine's load must not be the difference."""
    plain, batch, asked = [], prompts[:N_BATCH], {"top_k": 10, "progress": False}

    def beside() -> tuple:
        start = time.perf_counter()
        ll.decode(model, batch, **asked)
        plain.append(time.perf_counter() - start)
        return (), {}

    more = BESIDE[way](model)
    work = partial(ll.decode, model, batch, **asked, **more)
    found = benchmark.pedantic(work, setup=beside, rounds=5, warmup_rounds=1)
    assert (found.followed is not None) == ("follow" in more)
    assert found.lens == ("linear" if "lens" in more else "logit")
    ratio = benchmark.stats.stats.median / statistics.median(plain[1:])
    limit(f"decode {way} / decode", ratio, "<=", 1.15)


@pytest.mark.benchmark(group="118 prompts with shared demonstrations, float32")
def test_decode_of_shared_demonstrations(benchmark, model, shared):
    with TrunkClock(model) as clock:
        found = timed(benchmark, "shared", ll.decode, model, shared, progress=False)
    SECONDS["shared trunk"] = min(clock.passes(ROUNDS + 1))
    alone = torch.cat(
        [ll.decode(model, shared[i : i + 1], progress=False).probability["zh"] for i in range(3)]
    )
    assert torch.allclose(found.probability["zh"][:3], alone, atol=1e-4)


@pytest.mark.benchmark(group="118 prompts with shared demonstrations, float32")
def test_decode_of_the_same_without_sharing(benchmark, model, shared, prompts):
    """One prompt with demonstrations of its own among them, and nothing can be shared."""
    with TrunkClock(model) as clock:
        asked = [*shared[1:], prompts[0]]
        targets = [prompt.token_ids for prompt in asked]
        timed(benchmark, "unshared", ll.decode, model, texts(asked), targets, progress=False)
    SECONDS["unshared trunk"] = min(clock.passes(ROUNDS + 1))
    limit(
        "shared demonstrations, trunk: without sharing / with",
        SECONDS["unshared trunk"] / SECONDS["shared trunk"],
        ">=",
        3,
    )
    limit(
        "shared demonstrations, whole: without sharing / with",
        SECONDS["unshared"] / SECONDS["shared"],
        ">=",
        1.6,
    )


@pytest.mark.benchmark(group="12 prompts, float32")
def test_decode_of_few(benchmark, model, prompts):
    timed(benchmark, "few", ll.decode, model, prompts[:N_FEW], progress=False)


@pytest.mark.benchmark(group="12 prompts, float32")
def test_hidden_states_of_few(benchmark, model, prompts):
    timed(benchmark, "hidden states", hidden_states, model, texts(prompts[:N_FEW]))


@pytest.mark.benchmark(group="12 prompts, float32")
def test_published_way_of_few(benchmark, model, prompts):
    found = timed(benchmark, "published", published, model, texts(prompts[:N_FEW]), rounds=1)
    ours = ll.decode(model, prompts[:N_FEW], progress=False).probability["zh"]
    assert torch.allclose(ours, probabilities(found.log(), prompts[:N_FEW], "zh"), atol=1e-4)
    limit("the published way / decode, float32", SECONDS["published"] / SECONDS["few"], ">=", 16)


@pytest.mark.benchmark(group="12 prompts, other number formats")
def test_decode_in_the_format_chosen_here(benchmark, prompts):
    """``load_model`` picks bfloat16 where the CPU has AMX, and float32 elsewhere."""
    picked = ll.load_model("gemma-3-270m")
    timed(benchmark, "picked", ll.decode, picked, prompts[:N_FEW], progress=False)
    bound = 35 if picked.dtype == torch.bfloat16 else 16
    limit(
        f"the published way / decode, {picked.dtype}, as picked here",
        SECONDS["published"] / SECONDS["picked"],
        ">=",
        bound,
    )


@pytest.mark.benchmark(group="12 prompts, other number formats")
def test_decode_in_bfloat16(benchmark, prompts):
    """Asked for by name, on any CPU: no bound, because without AMX it may be slower."""
    half = ll.load_model("gemma-3-270m", dtype="bfloat16")
    found = timed(benchmark, "bfloat16", ll.decode, half, prompts[:N_FEW], progress=False)
    assert found.probability["zh"].isfinite().all()
    limit(
        "the published way / decode, bfloat16 by name",
        SECONDS["published"] / SECONDS["bfloat16"],
        ">=",
        1,
    )


MEMORY = """
import sys
import latentlang as ll

def peak():
    most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(most.split()[1]) * 1024 / 1e6

model = ll.load_model("gemma-3-270m", dtype="float32")
prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
for code in ("de", "ru"):
    prompts += ll.build_prompts("translation", code, "zh", tokenizer=model.tokenizer)
prompts = prompts[: int(sys.argv[1])]
assert len(prompts) == int(sys.argv[1])
open("/proc/self/clear_refs", "w").write("5")  # the peak counts from here
before = peak()
ll.decode(model, prompts, progress=False)
print(peak() - before)
"""


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("n", [100, 1000])
def test_peak_memory_above_the_model(n):
    """Linux says how much memory a process had at most since it was asked to forget.

    The code runs in its own process, so that nothing else counts.
    """
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(n)], capture_output=True, text=True, check=True
    )
    limit(f"peak memory above the loaded model, {n} prompts (MB)", float(done.stdout), "<=", 700)
