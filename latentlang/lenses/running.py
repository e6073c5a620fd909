"""Running sums over texts, which a later call can continue."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, TraceError
from ..files import make_readable, path_of
from ..lens.tensor_file import read_tensors, write_tensors
from ..models.model import Model
from ..progress import Progress, reporting
from .gradients import mean_gradients
from .text import HALVES, FitText

_KIND, _FORMAT = "RunningSums", 1


@dataclass
class RunningSums:
    """The sums over the texts that are done, of each half of the fit.

    ``question``: a hash of all that the sums depend on. ``done``: how many texts are in them.
    ``values`` ``[half, layer, row, d_model]``.
    """

    question: str
    done: int
    values: Float[Tensor, "half layer row d_model"]

    def save(self, path: Path) -> None:
        """Write the sums so that the file appears whole or not at all."""
        scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        facts = {"kind": _KIND, "format": _FORMAT, "question": self.question, "done": self.done}
        write_tensors(facts, {"values": self.values}, scratch)
        make_readable(scratch)
        os.replace(scratch, path)

    def continued(self, path: Path) -> RunningSums:
        """Return what a file holds of the same sums.

        Raises:
            DataError: It is another file, or it holds the sums of another question.
        """
        advice = "give resume another path, or delete the file"
        try:
            facts, tensors = read_tensors(path, _KIND, _FORMAT)
            kept = RunningSums(str(facts["question"]), int(facts["done"]), tensors["values"])
        except (DataError, LookupError, TypeError, ValueError) as error:
            raise DataError(
                f"{path} is not what a fit of a Jacobian lens keeps, or it is damaged: {advice}."
            ) from error
        if kept.question != self.question or kept.values.shape != self.values.shape:
            raise DataError(
                f"{path} belongs to a fit of another model, of other texts or tokens, or for "
                f"another target: {advice}."
            )
        return kept


def means(
    model: Model,
    text: FitText,
    rows: Float[Tensor, "row d_model"],
    target: int,
    resume: str | Path | None,
    progress: Progress,
) -> Float[Tensor, "part layer row d_model"]:
    """Return the mean of ``mean_gradients`` over all texts, then those over each half.

    Args:
        model: whose weights are in this process.
        text: texts in groups; those that are held out are left out.
        rows: as ``mean_gradients`` takes them.
        target: the number of the target layer.
        resume: the file that is written after each text, and read if it is there; None for none.
        progress: is told how many texts are done.

    Raises:
        DataError: The file belongs to another fit, or cannot be written.
        TraceError: The model has changed, so that a file would not be about it.
    """
    places = [(ids, HALVES.index(name)) for ids, name in zip(text.encoded, text.groups)]
    counts = torch.tensor([[half for _, half in places].count(half) for half in range(2)])
    asked = json.dumps([_FORMAT, sorted(model.identity.items()), places, target]).encode()
    question = hashlib.sha256(asked + rows.numpy().tobytes()).hexdigest()
    sums = RunningSums(question, 0, torch.zeros(2, target - 1, *rows.shape))
    path = None if resume is None else path_of(resume)
    if path is not None and model.session.changed:
        raise TraceError(
            f"The weights of {model.name} have changed since it was loaded, so a file cannot say "
            "which fit it belongs to: leave resume out, or load the model again."
        )
    if path is not None and path.exists():
        sums = sums.continued(path)
    with reporting(progress, len(places)) as report:
        report(sums.done)
        for ids, half in places[sums.done :]:
            sums.values[half] += mean_gradients(model, ids, rows, target)
            sums.done += 1
            if path is not None:
                sums.save(path)
            report(sums.done)
    both = sums.values.sum(0) / counts.sum()
    return torch.stack([both, *(total / count for total, count in zip(sums.values, counts))])
