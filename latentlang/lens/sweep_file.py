"""A sweep as one safetensors file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..prompts.setting import Setting
from .tensor_file import one_error, read_tensors, write_tensors

_FORMAT = 1
_AS_THEY_ARE = ("model", "revision", "number_format", "intervention", "origin", "at", "onward")


def save_sweep(fields: Mapping[str, Any], path: str | Path) -> Path:
    """Write the fields of a sweep to one safetensors file and return its path."""
    facts = {"kind": "Sweep", "format": _FORMAT, **facts_of_sweep(fields)}
    return write_tensors(facts, tensors_of_sweep(fields), path)


def load_sweep(path: str | Path) -> dict[str, Any]:
    """Return the fields of the sweep in a file. Raises ``DataError`` for any other file."""
    facts, tensors = read_tensors(path, "Sweep", _FORMAT)
    with one_error(path, "Sweep"):
        return fields_of_sweep(facts, tensors)


def facts_of_sweep(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything of a sweep that is not a tensor, as JSON can hold it."""
    return {
        **{name: fields[name] for name in (*_AS_THEY_ARE, "layers", "continuations")},
        "setting": asdict(fields["setting"]),
        "prompts": fields["prompts"].to_dict("list"),
        "columns": fields["prompts"].dtypes.astype(str).to_dict(),
        "labels": list(fields["probability"]),
        "controls": list(fields["controls"]),
    }


def tensors_of_sweep(fields: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the numbers of a sweep in few tensors, each with an axis of labels in front."""
    curves = [fields["probability"], *fields["controls"].values()]
    tensors = {
        name: torch.stack(list(_in_order(values, fields["probability"])))
        for name, values in zip(_names(len(curves) - 1), curves)
    }
    baseline = _in_order(fields["baseline"], fields["probability"])
    return tensors | {"baseline": torch.stack(list(baseline))}


def fields_of_sweep(facts: dict[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the fields of a sweep from its facts and tensors.

    Facts and tensors of another kind raise the errors of Python.
    """
    labels, names = facts["labels"], _names(len(facts["controls"]))
    sources = tuple(facts["setting"].pop("sources"))
    return {
        **{name: facts[name] for name in _AS_THEY_ARE},
        "layers": tuple(facts["layers"]),
        "continuations": tuple(map(tuple, facts["continuations"])),
        "setting": Setting(sources=sources, **facts["setting"]),
        "prompts": pd.DataFrame(facts["prompts"]).astype(facts["columns"]),
        "probability": _by_label(labels, tensors[names[0]]),
        "baseline": _by_label(labels, tensors["baseline"]),
        "controls": {
            control: _by_label(labels, tensors[name])
            for control, name in zip(facts["controls"], names[1:])
        },
    }


def _names(controls: int) -> list[str]:
    """Return the names in a file: a control may be called anything."""
    return ["probability", *(f"control.{n}" for n in range(controls))]


def _by_label(
    labels: list[str], values: Float[Tensor, "label prompt *rest"]
) -> dict[str, Float[Tensor, " prompt *rest"]]:
    return dict(zip(labels, values, strict=True))


def _in_order(values: Mapping[str, Tensor], labels: Iterable[str]) -> Iterator[Tensor]:
    return (values[label] for label in labels)
