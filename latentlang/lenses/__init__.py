"""Lenses: what a latent passes before the output layer reads it.

``decode(model, prompts, lens=lens)`` reads through one. ``Lens.save`` and ``Lens.load`` keep it.
``rotated`` is a control. ``patchscope`` has no map: the later layers of the model read the latent.
"""

from ..lens.lens import Lens
from .controls import rotated
from .linear import fit_linear
from .patchscope import patchscope
from .tuned import fit_tuned

__all__ = ["Lens", "fit_linear", "fit_tuned", "patchscope", "rotated"]
