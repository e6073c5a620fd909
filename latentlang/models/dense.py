"""Make the quantized weights of a GGUF file dense, one block of the model after the other.

The numbers are those that transformers gets when it loads the file. It does so more slowly, and
with the whole model in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..files import make_readable
from .gguf_file import GgufFile, StoredTensor

if TYPE_CHECKING:
    from transformers import PretrainedConfig

# llama.cpp multiplies by a norm's gain; Gemma's own code by 1 + gain, so the file holds 1 + gain.
_GAIN_PLUS_ONE = ("gemma3",)
_AS_STORED = ("qwen2",)
_ROWS = 4 << 20  # numbers that are made dense at once
_LARGE = 64 << 20  # bytes from which on a tensor waits in a file


def save_dense(file: GgufFile, config: PretrainedConfig, target: Path) -> None:
    """Write the weights as safetensors, one file per block and one for the rest, and an index.

    Args:
        file: the quantized weights.
        config: of the model; its ``dtype`` is the number format that is written.
        target: a folder.

    Raises:
        ValueError: for an architecture whose weights are stored in a way that is not known here,
            and for a tensor that the file does not have.
        OSError: the folder cannot hold them.
    """
    from safetensors.torch import save_file

    dtype = getattr(torch, str(config.dtype).removeprefix("torch."))
    places: dict[str, str] = {}
    for shard, names in _shards(config).items():
        path = target / f"model-{shard}.safetensors"
        tensors = {
            name: _dense(stored, shifted, dtype, target / f"{name}.scratch")
            for name, (stored, shifted) in _stored(file, config, names).items()
        }
        save_file(tensors, path, metadata={"format": "pt"})
        make_readable(path)
        places |= dict.fromkeys(names, path.name)
        del tensors
        for scratch in target.glob("*.scratch"):
            scratch.unlink()
    index = {"metadata": {}, "weight_map": places}
    (target / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def _shards(config: PretrainedConfig) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return the names and shapes of a model's parameters, block by block."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(config)
    shards: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, weight in module.named_parameters():
        tail = name.partition(".layers.")[2]
        shard = f"layer-{int(tail.partition('.')[0]):03d}" if tail else "rest"
        shards.setdefault(shard, {})[name] = tuple(weight.shape)
    return shards


def _stored(
    file: GgufFile, config: PretrainedConfig, names: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[StoredTensor, bool]]:
    """Return each parameter's tensor in the file, and whether 1 was added to it."""
    import gguf

    kind = file.metadata["general.architecture"]
    if kind not in (*_GAIN_PLUS_ONE, *_AS_STORED):
        raise ValueError(f"GGUF files of {kind} are not read here")
    architecture = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == kind)
    known = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    stored = {}
    for name, shape in names.items():
        tensor = file.tensors.get(known.get_name(name, try_suffixes=(".weight", ".bias")) or "")
        if tensor is None or tensor.shape != shape:
            raise ValueError(f"the file has no {name} of shape {list(shape)}")
        stored[name] = tensor, kind in _GAIN_PLUS_ONE and name.endswith("norm.weight")
    return stored


def _dense(stored: StoredTensor, shifted: bool, dtype: torch.dtype, scratch: Path) -> torch.Tensor:
    """Return a tensor in its number format; a large one lies in its scratch file, not in memory."""
    numbers = _empty(stored.shape, dtype, scratch)
    for start, end in _pieces(stored.shape):
        # Rows that are stored as they are lie in a file; torch wants memory that may be written.
        rows = np.require(stored.rows(start, end), requirements="W")
        numbers[start:end] = torch.from_numpy(rows - 1 if shifted else rows)
    return numbers


def _pieces(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the rows to make dense at once: first and last but one."""
    if len(shape) == 1:
        yield 0, shape[0]
        return
    step = max(1, _ROWS // shape[-1])
    for start in range(0, shape[0], step):
        yield start, min(start + step, shape[0])


def _empty(shape: tuple[int, ...], dtype: torch.dtype, scratch: Path) -> torch.Tensor:
    """Return a tensor to fill: in memory, or in a file that has all its space already.

    A mapped file that runs out of space would end the process, so the space is taken first.
    """
    size = int(np.prod(shape)) * dtype.itemsize
    if size < _LARGE:
        return torch.empty(shape, dtype=dtype)
    with scratch.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            for _ in range(-(-size // (1 << 20))):
                file.write(bytes(1 << 20))
    n = int(np.prod(shape))
    return torch.from_file(str(scratch), shared=True, size=n, dtype=dtype).reshape(shape)
