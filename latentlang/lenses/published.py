"""Jacobian lenses as files in the layout in which they are published."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import torch

from ..errors import DataError
from ..files import path_of
from ..lens.lens import Lens, require_lens
from ..models.model import Model, require_model
from .jacobian import N_TEXTS

_KEYS = ("J", "n_prompts", "source_layers", "d_model")


def load_jacobian(path: str | Path, model: Model) -> Lens:
    """Read a Jacobian lens from a ``.pt`` file in the layout of Gurnee et al. 2026.

    The file holds a dictionary: ``J``, a matrix ``[d_model, d_model]`` per block; ``n_prompts``;
    ``source_layers``, the numbers of the blocks; and ``d_model``. It counts blocks from 0: its
    block k is layer k + 1 here. It is read without running code that it may hold. The file does
    not name its model, so check yourself that the lens was fitted on this one.

    If the layer below the last one has no matrix, the lens was fitted for that layer as its target:
    that layer is read as it is, as after ``fit_jacobian(target="last but one")``.

    Args:
        path: the file.
        model: what the lens belongs to.

    Raises:
        DataError: It is not such a file, or its matrices do not fit the model.

    >>> import latentlang as ll, tempfile, pathlib
    >>> model = ll.load_model()
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lens.pt"
    >>> blocks = range(model.n_layers - 1)
    >>> matrices = {k: torch.eye(model.d_model) for k in blocks}
    >>> facts = {"n_prompts": 10, "source_layers": [*blocks], "d_model": model.d_model}
    >>> torch.save({"J": matrices, **facts}, path)
    >>> ll.lenses.load_jacobian(path, model)
    Lens(jacobian: layers 1–17 of gemma-3-270m, 640 x 640)
    """
    require_model(model)
    kept = _dictionary(path)

    def refuse(problem: str) -> NoReturn:
        raise DataError(
            f"{path} is not a Jacobian lens for {model.name} ({problem}): choose the file of this "
            "model, or fit one with ll.lenses.fit_jacobian(model)."
        )

    lacking = [key for key in _KEYS if key not in kept]
    if lacking:
        refuse(f"it lacks {', '.join(lacking)}")
    matrices, blocks, width = kept["J"], kept["source_layers"], kept["d_model"]
    if width != model.d_model:
        refuse(f"its d_model is {width!r}, and the model's is {model.d_model}")
    if not isinstance(blocks, list | tuple) or not all(type(block) is int for block in blocks):
        refuse("its source_layers are not a list of numbers")
    if not isinstance(matrices, dict) or not blocks or {*matrices} != {*blocks}:
        refuse("its J does not have one matrix for each of its source_layers")
    if not {*blocks} <= {*range(model.n_layers)}:
        refuse(f"its blocks are not among the model's 0 to {model.n_layers - 1}")
    maps = {block + 1: matrices[block] for block in sorted(blocks)}
    for layer, matrix in maps.items():
        if not isinstance(matrix, torch.Tensor) or tuple(matrix.shape) != (width, width):
            refuse(f"J[{layer - 1}] is not a matrix of {width} x {width}")
        if not matrix.float().isfinite().all():
            refuse(f"J[{layer - 1}] has numbers that are not finite")
    n_prompts = kept["n_prompts"]
    if type(n_prompts) is not int or n_prompts < 1:
        refuse(f"its n_prompts is {n_prompts!r}, and not a number of texts")
    maps.setdefault(model.n_layers - 1, torch.eye(width))
    layers = tuple(sorted(maps))
    table = pd.DataFrame({N_TEXTS: n_prompts}, index=pd.Index(layers, name="layer"))
    stacked = torch.stack([maps[layer].float() for layer in layers])
    return Lens("jacobian", model.name, layers, stacked, quality=table)


def save_jacobian(lens: Lens, path: str | Path) -> Path:
    """Write a Jacobian lens to a ``.pt`` file that other programs read; return its path.

    The layout is that of ``load_jacobian``, in float32. ``Lens.save`` keeps more: the name of the
    model, the concepts of the text and the whole table ``quality``.

    Args:
        lens: of ``fit_jacobian`` or ``load_jacobian``.
        path: where to write it.

    Raises:
        DataError: for a lens of another kind, and where the file cannot be written.
    """
    require_lens(lens)
    place = path_of(path)
    if lens.quality is None or N_TEXTS not in lens.quality:
        raise DataError(
            f"The lens '{lens.name}' does not say over how many texts it was averaged, as this "
            "layout must: pass one of ll.lenses.fit_jacobian(model), or use Lens.save."
        )
    blocks = [layer - 1 for layer in lens.layers]
    kept = {
        "J": {block: matrix.clone() for block, matrix in zip(blocks, lens.matrices)},
        "n_prompts": int(lens.quality[N_TEXTS].iloc[0]),
        "source_layers": blocks,
        "d_model": lens.d_model,
    }
    try:
        torch.save(kept, place)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path} cannot be written ({error}): choose another place.") from error
    return place


def _dictionary(path: str | Path) -> dict[str, Any]:
    """Return the dictionary of a file, whose code is not run."""
    if path_of(path).is_dir():
        raise DataError(f"{path} is a folder, and not the file of a Jacobian lens: check the path.")
    if not path_of(path).is_file():
        raise DataError(f"The file {path} does not exist: check the path.")
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, LookupError, pickle.PickleError) as error:
        raise DataError(
            f"{path} cannot be read as a .pt file of tensors and numbers: it is damaged, or it "
            "holds code, which latentlang does not run; choose another file."
        ) from error
    if not isinstance(kept, dict):
        raise DataError(
            f"{path} holds a {type(kept).__name__}, and a Jacobian lens is a dictionary with "
            f"{', '.join(_KEYS)}: choose another file."
        )
    return kept
