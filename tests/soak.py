"""Use explorers and experiments for long in one process: ``python tests/soak.py [REQUESTS]``.

It sends that many requests (default: 300) to explorers of a tiny random model, which are closed and
opened again on the way, and runs one experiment after every tenth. It prints the memory after
warm-up and at the end, and the threads. The exit status is 1 if the memory has grown by more than
50 MB, or if a thread is left.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from itertools import product
from pathlib import Path

import ipywidgets as widgets
from explorers import find, settled
from tiny import TinyFactory

import latentlang as ll
from latentlang.models.hardware import give_memory_back
from latentlang.models.model import Model

ROOMY = 50.0  # MB by which memory may grow
WARM = 60  # requests until caches and arenas are full
PER_EXPLORER = 20  # requests until an explorer is closed
# Into another script than English, whose letters would begin both words in this small vocabulary.
PAIRS = [
    pair for pair in product(("de", "fr", "ja", "ru", "zh"), ("ja", "ru", "zh")) if len({*pair}) > 1
]


def memory() -> float:
    """Return the memory of this process in MB, without what is only waiting to be collected."""
    gc.collect()
    give_memory_back()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def ask(root: widgets.VBox, number: int) -> None:
    """Change what an explorer shows, wait, and insist that it shows it."""
    source, target = PAIRS[number % len(PAIRS)]
    find(root, "From").value = source
    find(root, "To").value = target
    said = settled(root)
    assert "⚠" not in said, said


def explorer(model: Model, number: int) -> widgets.VBox:
    """Open an explorer: of a prompt, of a pair, or of the sphere, in turn."""
    source, target = PAIRS[number % len(PAIRS)]
    kinds = (ll.explore.prompt, ll.explore.pair, ll.explore.sphere)
    return kinds[number // PER_EXPLORER % len(kinds)](model, source=source, target=target)


def experiment(model: Model, number: int) -> None:
    """Run an experiment that no cache holds."""
    source, target = PAIRS[number % len(PAIRS)]
    run = ll.run_experiment(
        model, "translation", source, target, seed=1 + number, every=16, progress=False
    )
    assert len(run) > 0


def main(requests: int) -> int:
    """Run the requests and return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        os.environ.pop("LATENTLANG_CACHE", None)
        model = TinyFactory(Path(folder) / "models")("llama")
        root, warm, threads = None, 0.0, set()
        for number in range(requests):
            if number % PER_EXPLORER == 0:
                if root is not None:
                    root.close()
                root = explorer(model, number)
            ask(root, number)
            if number % 10 == 9:
                experiment(model, number)
            if number + 1 == min(WARM, requests // 2):
                warm, threads = memory(), set(threading.enumerate())
                print(f"After {number + 1} requests: {warm:.0f} MB, {len(threads)} threads.")
        root.close()
        end, left = memory(), set(threading.enumerate()) - threads
    print(f"After {requests} requests: {end:.0f} MB ({end - warm:+.0f}).")
    print(f"Threads since then: {', '.join(thread.name for thread in left) or 'none'}.")
    return int(end - warm > ROOMY or bool(left))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
