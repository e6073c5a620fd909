"""What a lens by name stands for: a lens that is fitted once and kept on disk, or a reading."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import DataError, TraceError
from ..files import data_file, user_cache
from ..lens.decoding import Decoding
from ..lens.lens import Lens, require_lens
from ..lenses.low_rank import load_small
from ..lenses.recipes import left_out, recipe
from ..lenses.text import FitText
from ..models.model import Model
from ..models.store import folder_name
from ..progress import Progress
from .cache import Entry, holds
from .experiment import key_of
from .whole import alone, whole_answer


@dataclass(frozen=True)
class Through:
    """What prompts are read through.

    ``name``: of the lens, as a run has it. ``key``: what an entry of the cache is named by.
    ``reading``: takes what ``Decoding`` takes, but for the lens. ``lens``: None if it has no map.
    """

    name: str = "logit"
    key: str = "logit"
    reading: Callable[..., Decoding] = Decoding
    lens: Lens | None = None


LOGIT = Through()


def through(model: Model, lens: Lens | str | None, progress: Progress) -> Through:
    """Return what stands behind the ``lens`` of ``run_experiment``.

    Raises:
        TraceError: for an unknown name, a lens of another model, or one that cannot be read.
    """
    if lens is None:
        return LOGIT
    if isinstance(lens, str) and (how := recipe(lens)).fit is None:
        return Through(lens, f"{lens}-{how.version}", how.reading)
    chosen = lens_of(model, lens, progress)
    return Through(chosen.name, chosen.key, partial(Decoding, lens=chosen), chosen)


def lens_of(model: Model, lens: Lens | str, progress: Progress) -> Lens:
    """Return a lens, given as such or by its name, with a map for all layers of a model.

    Raises:
        TraceError: for an unknown name, or a lens that does not belong to the model.
    """
    chosen = fitted(model, lens, progress) if isinstance(lens, str) else require_lens(lens)
    chosen.maps(model, range(1, model.n_layers + 1))
    return chosen


def shipped_file(model: Model, name: str) -> str:
    """Return the name of the file of a lens that ships: of this model, text and recipe."""
    key = _key(model, name, _text(model, name))
    return f"{folder_name(model.name)}-{name}-{key[:8]}.safetensors"


def _text(model: Model, name: str) -> FitText:
    """Return the default text of a recipe, without the concepts that are left out."""
    return FitText.of(model, None, left_out(), 0, recipe(name).tokens)


def _key(model: Model, name: str, text: FitText) -> str:
    """Return the key of a fit: whatever changes its numbers is in it."""
    facts = {"lens": name, "version": recipe(name).version, "model": model.identity}
    return key_of({**facts, "text": text.encoded, "groups": text.groups})


def fitted(model: Model, name: str, progress: Progress) -> Lens:
    """Return the lens that a name stands for, from the cache or fitted now.

    It is fitted on the default text without every fourth concept of the word list.

    Raises:
        TraceError: for an unknown name, or a model that cannot be read.
    """
    how, without = recipe(name), left_out()
    if (fit := how.fit) is None:
        raise TraceError(
            f"The lens '{name}' fits no map, and this needs one: use 'linear' or 'tuned', a lens "
            "that you have fitted, or None for the logit lens."
        )
    entry, shipped = _entry(model, name), _shipped(model, name)

    def compute() -> Lens:
        if not how.resumes or model.session.changed or not os.access(user_cache(), os.W_OK):
            return fit(model, exclude=without, progress=progress)
        sums = user_cache() / f"{entry.name}.sums.safetensors"
        lens = fit(model, exclude=without, progress=progress, resume=sums)
        sums.unlink(missing_ok=True)
        return lens

    if not model.session.changed and shipped.exists():
        lens = load_small(shipped)
        if entry.fits(lens, slice(None)):
            return lens
    return whole_answer(model, entry, compute, refresh=False).result


def is_kept(model: Model, name: str) -> bool:
    """Return whether ``fitted`` has the lens of a name on disk."""
    try:
        here = holds(_entry(model, name)) or _shipped(model, name).exists()
    except DataError:  # its tokenizer leaves too little of the text, so nobody can fit it
        return False
    return here and not model.session.changed


def _shipped(model: Model, name: str) -> Path:
    return data_file("lenses") / shipped_file(model, name)


def _entry(model: Model, name: str) -> Entry[Lens]:
    """Return the place of the lens that a name stands for."""
    text = _text(model, name)
    key = _key(model, name, text)

    def fits(lens: Lens, _: slice) -> bool:
        asked = (name, model.name, model.d_model, text.concepts)
        return (lens.name, lens.model, lens.d_model, lens.concepts) == asked

    return Entry(key, key, fits, Lens.load, alone)
