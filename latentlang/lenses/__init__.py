"""Lenses: what a latent passes before the output layer reads it.

``decode(model, prompts, lens=lens)`` reads through one. ``Lens.save`` and ``Lens.load`` keep it;
``save_jacobian`` and ``load_jacobian`` use the published layout of Jacobian lenses. ``rotated`` is
a control. ``jacobian_directions`` fits what some tokens need of a Jacobian lens. ``patchscope`` has
no map: the later layers of the model read the latent.
"""

from ..lens.lens import Lens
from .controls import rotated
from .directions import jacobian_directions
from .jacobian import fit_jacobian
from .linear import fit_linear
from .patchscope import patchscope
from .published import load_jacobian, save_jacobian
from .tuned import fit_tuned

__all__ = [
    "Lens",
    "fit_jacobian",
    "fit_linear",
    "fit_tuned",
    "jacobian_directions",
    "load_jacobian",
    "patchscope",
    "rotated",
    "save_jacobian",
]
