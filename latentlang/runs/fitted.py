"""What a lens by name stands for: a lens that is fitted once and kept on disk, or a reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..errors import TraceError
from ..files import data_file, user_cache
from ..lens.decoding import Decoding
from ..lens.lens import Lens, require_lens
from ..lenses.low_rank import load_small
from ..lenses.recipes import left_out, recipe
from ..lenses.text import FitText
from ..models.model import Model
from ..models.store import folder_name
from ..progress import Progress
from .cache import Entry
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
    if isinstance(lens, str):
        how = recipe(lens)
        if how.fit is None:
            return Through(lens, f"{lens}-{how.version}", how.reading)
        lens = fitted(model, lens, progress)
    require_lens(lens).maps(model, range(1, model.n_layers + 1))
    return Through(lens.name, lens.key, partial(Decoding, lens=lens), lens)


def shipped_file(model: Model, name: str) -> str:
    """Return the name of the file of a lens that ships: of this model, text and recipe."""
    key = _key(model, name, FitText.of(model, None, left_out(), 0))
    return f"{folder_name(model.name)}-{name}-{key[:8]}.safetensors"


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
    text = FitText.of(model, None, without, 0)
    key = _key(model, name, text)

    def fits(lens: Lens, _: slice) -> bool:
        asked = (name, model.name, model.d_model, text.concepts)
        return (lens.name, lens.model, lens.d_model, lens.concepts) == asked

    def compute() -> Lens:
        if not how.resumes or model.session.changed:
            return fit(model, exclude=without, progress=progress)
        sums = user_cache() / f"{key}.sums.safetensors"
        lens = fit(model, exclude=without, progress=progress, resume=sums)
        sums.unlink(missing_ok=True)
        return lens

    shipped = data_file("lenses") / shipped_file(model, name)
    if not model.session.changed and shipped.exists():
        lens = load_small(shipped)
        if fits(lens, slice(None)):
            return lens
    entry: Entry[Lens] = Entry(key, key, fits, Lens.load, alone)
    return whole_answer(model, entry, compute, refresh=False).result
