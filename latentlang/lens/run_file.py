"""A run as one safetensors file, whose metadata holds everything that is not a tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from ..prompts.setting import Setting
from .readings import READINGS
from .tensors import all_tensors, unflattened

_FORMAT = 2
_AS_THEY_ARE = (
    "model",
    "revision",
    "number_format",
    "lens",
    "layers",
    "watch",
    "position_tokens",
)


def save_run(fields: Mapping[str, Any], path: str | Path) -> Path:
    """Write the fields of a run to one safetensors file and return its path."""
    from safetensors.torch import save_file

    facts = {
        "format": _FORMAT,
        **{name: fields[name] for name in _AS_THEY_ARE},
        "setting": asdict(fields["setting"]),
        "readings": {name: READINGS[name].version for name in fields["readings"]},
        "prompts": fields["prompts"].to_dict("list"),
        "columns": fields["prompts"].dtypes.astype(str).to_dict(),
    }
    tensors = {name: tensor.contiguous() for name, tensor in all_tensors(fields).items()}
    save_file(tensors, path, metadata={"latentlang": json.dumps(facts, ensure_ascii=False)})
    return Path(path)


def load_run(path: str | Path) -> dict:
    """Return the fields of the run in a file. Raises ``DataError`` for any other file."""
    from safetensors import SafetensorError, safe_open

    if Path(path).is_dir():
        raise DataError(f"{path} is a folder, and not a file that Run.save wrote: check the path.")
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["latentlang"])
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
        if facts["format"] != _FORMAT:
            raise DataError(
                f"{path} has format {facts['format']} and this version reads {_FORMAT}: "
                "decode again."
            )
        for name, version in facts["readings"].items():
            if name in READINGS and READINGS[name].version != version:
                raise DataError(
                    f"{path} has version {version} of the reading '{name}', and this is version "
                    f"{READINGS[name].version}: decode again."
                )
        sources = tuple(facts["setting"].pop("sources"))
        return {
            "model": facts["model"],
            "revision": facts["revision"],
            "number_format": facts["number_format"],
            "lens": facts["lens"],
            "setting": Setting(sources=sources, **facts["setting"]),
            "layers": tuple(facts["layers"]),
            "watch": tuple(facts["watch"]),
            "position_tokens": tuple(facts["position_tokens"]),
            "prompts": pd.DataFrame(facts["prompts"]).astype(facts["columns"]),
            **unflattened(tensors, facts["readings"]),
        }
    except FileNotFoundError:
        raise DataError(f"There is no file {path}: check the path.") from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not a file that Run.save wrote, or it is damaged: decode again."
        ) from error
