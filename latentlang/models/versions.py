"""Whether weights are still those that were loaded: torch counts the changes of each."""

from __future__ import annotations

import torch

_PER_AXIS = 8  # of each axis of a weight about so many places are looked at


def versions(*modules: torch.nn.Module) -> tuple:
    """Return what differs as soon as a weight of ``modules`` is changed or replaced.

    Torch counts the changes of a tensor, but not those through ``weight.data``; a sample of its
    numbers shows these if they reach far enough. Weights that a library moves in and out of this
    device have no numbers here and are passed over. The switch to training changes what a module
    computes as well. A hook that a reader registers is not seen.

    >>> layer = torch.nn.Linear(2, 2)
    >>> before = versions(layer)
    >>> with torch.no_grad():
    ...     _ = layer.weight.mul_(2)
    >>> versions(layer) == before, versions(layer) == versions(layer)
    (False, True)
    """
    weights = tuple(
        (name, id(weight), _count(weight), _sample(weight))
        for module in modules
        for name, weight in module.named_parameters()
        if weight.device.type != "meta"
    )
    switches = tuple(part.training for module in modules for part in module.modules())
    return weights, switches


def _count(weight: torch.Tensor) -> int:
    """Return how often a weight was changed; torch does not count in its inference mode."""
    return 0 if weight.is_inference() else weight._version


def _sample(weight: torch.Tensor) -> str:
    """Return the sum of some numbers of a weight, as text: not a number equals itself there."""
    places = tuple(slice(None, None, max(1, size // _PER_AXIS)) for size in weight.shape)
    return str(weight.detach()[places].float().sum().item())
