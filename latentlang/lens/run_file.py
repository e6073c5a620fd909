"""A run as one safetensors file, whose metadata holds everything that is not a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ..errors import DataError
from ..prompts.setting import Setting
from ..prompts.token_texts import TokenTexts, arrays_of, texts_of
from ..prompts.vocabulary import token_name
from .readings import READINGS
from .reduce import NO_TOKEN
from .tensor_file import one_error, read_tensors, write_tensors
from .tensors import all_tensors, unflattened

_FORMAT = 3
_AS_THEY_ARE = (
    "model",
    "revision",
    "number_format",
    "lens",
    "chance",
    "layers",
    "watch",
    "position_tokens",
)


def save_run(fields: Mapping[str, Any], path: str | Path) -> Path:
    """Write the fields of a run to one safetensors file and return its path."""
    arrays, special = _texts(fields)
    facts = {"format": _FORMAT, **facts_of(fields), **special}
    return write_tensors(facts, {**all_tensors(fields), **arrays}, path)


def load_run(path: str | Path) -> dict:
    """Return the fields of the run in a file. Raises ``DataError`` for any other file."""
    facts, tensors = read_tensors(path, "Run", _FORMAT)
    with one_error(path, "Run"):
        return {**fields_of(facts, tensors, path), "tokenizer": _tokenizer(tensors, facts)}


def facts_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything of a run that is not a tensor, as JSON can hold it."""
    return {
        **{name: fields[name] for name in _AS_THEY_ARE},
        "interventions": fields["interventions"],
        "setting": asdict(fields["setting"]),
        "token_ids": [
            {code: list(ids) for code, ids in row.items()} for row in fields["token_ids"]
        ],
        "readings": {name: READINGS[name].version for name in fields["readings"]},
        "prompts": fields["prompts"].to_dict("list"),
        "columns": fields["prompts"].dtypes.astype(str).to_dict(),
    }


def fields_of(
    facts: dict[str, Any], tensors: Mapping[str, Tensor], path: str | Path
) -> dict[str, Any]:
    """Return the fields of the run in a file, from ``facts_of`` and its tensors by flat names.

    Facts of another kind raise the errors of Python.

    Raises:
        DataError: A reading is of another version.
    """
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
        "chance": facts.get("chance", {}),  # older files do not say
        "interventions": tuple(facts.get("interventions", ())),  # older files have none
        "setting": Setting(sources=sources, **facts["setting"]),
        "layers": tuple(facts["layers"]),
        "token_ids": tuple(
            {code: tuple(map(int, ids)) for code, ids in row.items()}
            for row in facts.get("token_ids", ())
        ),
        "watch": tuple(facts["watch"]),
        "position_tokens": tuple(facts["position_tokens"]),
        "prompts": pd.DataFrame(facts["prompts"]).astype(facts["columns"]),
        **unflattened(tensors, facts["readings"]),
    }


def _texts(fields: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what the tokens of a run stand for, as tensors and facts; nothing if not known."""
    tokenizer = fields["tokenizer"]
    if tokenizer is None:
        return {}, {}
    ids = {*fields["watch"], *fields["position_tokens"], *fields["top_ids"].unique().tolist()}
    if fields["followed"] is not None:  # of layers that are left out there are tokens as well
        ids |= {*fields["followed"].ids.unique().tolist()} - {NO_TOKEN}
    arrays, special = arrays_of({token_id: token_name(token_id, tokenizer) for token_id in ids})
    tensors = {
        name: torch.from_numpy(array.astype(np.int32 if array.itemsize > 1 else np.uint8))
        for name, array in arrays.items()
    }
    return tensors, special


def _tokenizer(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> TokenTexts | None:
    """Return what names the tokens of the run in a file, or None if nothing does."""
    if "special" not in facts:
        return None
    texts = texts_of({name: tensor.numpy() for name, tensor in tensors.items()}, facts)
    advice = "decode again where its tokenizer is"
    return TokenTexts(facts["model"], advice, [lambda: texts])
