"""A lab machine on the first morning: eight kernels start at once on one empty cache."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.more

KERNELS = 8
CELL = """
import latentlang as ll

model = ll.load_model(dtype="float32")
run = ll.run_experiment(model, "repetition", target="zh", every=60, progress=False)
print("answer", len(run), run.probability["zh"].double().sum().item())
"""


def run_cell(environment: dict[str, str]) -> str:
    """Run the cell in a kernel of its own and return what it printed, errors included."""
    manager, client = start_new_kernel(kernel_name="python3", env=environment, startup_timeout=120)
    said: list[str] = []
    try:
        client.execute_interactive(
            CELL,
            timeout=800,
            output_hook=lambda m: said.append(
                m["content"].get("text") or "\n".join(m["content"].get("traceback", []))
            ),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(said)


@pytest.mark.timeout(1200)
def test_eight_kernels_share_one_conversion_and_one_result(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "CPU_LIMIT": "1"}
    with ThreadPoolExecutor(KERNELS) as pool:
        printed = list(pool.map(run_cell, [environment] * KERNELS))
    answers = {line for text in printed for line in text.splitlines() if line.startswith("answer")}
    assert len(answers) == 1 and all("answer" in text for text in printed), "\n".join(printed)
    # One of them converts, and the others wait for it.
    assert sum("Preparing gemma-3-270m" in text for text in printed) == 1
    shards = [path.name for path in tmp_path.rglob("model*.safetensors")]
    results = list((tmp_path / "latentlang" / "results").glob("*.safetensors"))
    assert len(shards) == len(set(shards)) == 19 and len(results) == 1
    assert not list(tmp_path.rglob("*-converting-*")) and not list(tmp_path.rglob("*.tmp"))
