"""``fitted``: the lens that a name stands for, fitted once for each model and kept on disk."""

from __future__ import annotations

from ..lens.lens import Lens
from ..lenses.recipes import left_out, recipe
from ..lenses.text import FitText
from ..models.model import Model
from ..progress import Progress
from .cache import Entry
from .experiment import key_of
from .whole import alone, whole_answer


def fitted(model: Model, name: str, progress: Progress) -> Lens:
    """Return the lens that a name stands for, from the cache or fitted now.

    It is fitted on the default text without every fourth concept of the word list.

    Raises:
        TraceError: for an unknown name, or a model that cannot be read.
    """
    how, without = recipe(name), left_out()
    text = FitText.of(model, None, without, 0)
    facts = {"lens": name, "version": how.version, "model": model.identity}
    key = key_of({**facts, "text": text.encoded, "groups": text.groups})

    def fits(lens: Lens, _: slice) -> bool:
        asked = (name, model.name, model.d_model, text.concepts)
        return (lens.name, lens.model, lens.d_model, lens.concepts) == asked

    entry: Entry[Lens] = Entry(key, key, fits, Lens.load, alone)
    return whole_answer(
        model, entry, lambda: how.fit(model, exclude=without, progress=progress), refresh=False
    ).result
