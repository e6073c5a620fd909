"""Mean curves that papers publish: ``data/published/`` has their numbers and where they are from.

``<name>.csv`` has one row per model and layer. ``<name>.toml`` says where it is from, which prompts
stand behind it, and what its columns are.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, near
from ..files import data_file
from ..lens.curves import MeanCurves
from ..prompts.setting import Setting


def published(name: str) -> MeanCurves:
    """Return the mean curves that a paper publishes for a model.

    The prompts behind them are not published. ``summarize``, ``find_phases``, ``headlines`` and the
    figures of curves take them like a run and leave out what needs prompts: intervals, medians,
    and how often the model is right. ``data/README.md`` says where the numbers come from.

    The authors' code averages the entropy, in bits, and the energy E over prompts, as ``summarize``
    does.

    Args:
        name: of the model: ``"llama-2-7b"``, ``"llama-2-13b"`` or ``"llama-2-70b"``.

    Raises:
        DataError: for another name.

    >>> curves = published("llama-2-70b")
    >>> curves.setting.title, len(curves), curves.reference
    ('translation de+fr+ru → zh · overlap: paper', 353, 'Wendler et al. 2024')
    >>> english = curves.probability["en"]
    >>> round(english.max().item(), 2), curves.layers[int(english.argmax())]
    (0.75, 53)
    """
    tables = {path: pd.read_csv(path) for path in sorted(data_file("published").glob("*.csv"))}
    files = {model: path for path, table in tables.items() for model in table["model"].unique()}
    if name not in [*files]:
        raise DataError(
            f"No curves are published for '{name}'.{near(name, files)} "
            f"There are some for {', '.join(files)}."
        )
    path = files[name]
    rows = tables[path][tables[path]["model"] == name]
    about = tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
    return MeanCurves(
        model=name,
        setting=Setting(**about["setting"] | {"sources": tuple(about["setting"]["sources"])}),
        layers=tuple(rows["layer"].tolist()),
        readings=_readings(rows, about["columns"]),
        n=about["n"],
        chance={"entropy": math.log2(about["vocab_size"])},
        number_format=about["number_format"],
        reference=about["reference"],
        origin=about["origin"],
    )


def _readings(
    rows: pd.DataFrame, columns: Mapping[str, str | Mapping[str, str]]
) -> dict[str, Float[Tensor, " layer"] | dict[str, Float[Tensor, " layer"]]]:
    """Return the readings of a table's columns: one of a reading, or one of each language."""

    def curve(column: str) -> Float[Tensor, " layer"]:
        return torch.tensor(rows[column].to_numpy(), dtype=torch.double)

    return {
        name: curve(of) if isinstance(of, str) else {code: curve(of[code]) for code in of}
        for name, of in columns.items()
    }
