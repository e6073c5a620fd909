"""Lenses by name: a row of ``LENSES`` for each recipe, and what is in no text of theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import TraceError, near
from ..lens.decoding import Decoding
from ..lens.lens import Lens
from ..prompts.words import load_words
from .text import TOKENS

_LEFT_OUT = 4  # the concepts that experiments with every=4 ask about are in no sentence of the fit


@dataclass(frozen=True)
class Recipe:
    """How a lens is fitted, or how it reads without a fit.

    ``fit`` takes ``(model, texts=None, *, exclude, seed, progress)``; None: the lens has no map.
    ``reading``: what reads prompts through it; it takes what ``Decoding`` takes. ``version``: raise
    it when the same text or prompts give other numbers. ``tokens``: of the text that ``fit`` takes
    by default. ``resumes``: whether ``fit`` takes a file as ``resume``, from which an interrupted
    fit goes on. ``slow``: the fit takes minutes or more, so that the menus of explorers offer the
    lens only where it is kept on disk.
    """

    fit: Callable[..., Lens] | None = None
    reading: Callable[..., Decoding] = Decoding
    version: int = 1
    tokens: int = TOKENS
    resumes: bool = False
    slow: bool = False


LENSES: dict[str, Recipe] = {}


def recipe(name: str) -> Recipe:
    """Return the recipe of a name. Raises ``TraceError`` for an unknown one."""
    if name not in LENSES:
        raise TraceError(
            f"Unknown lens '{name}'.{near(str(name), LENSES)} Use one of "
            f"{', '.join(LENSES)}, a lens that you have fitted, or None for the logit lens."
        )
    return LENSES[name]


def left_out() -> list[str]:
    """Return the concepts in no sentence that a lens by name is fitted on: every fourth one."""
    return list(load_words().index[::_LEFT_OUT])
