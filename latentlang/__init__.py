"""latentlang: see, layer by layer, which language shows inside a large language model.

``import latentlang as ll`` loads nothing heavy. The file ``__init__.pyi`` beside this one lists
every public name and its module, and each name is imported when it is first used.
"""

from importlib.metadata import PackageNotFoundError, version

import lazy_loader

try:
    __version__ = version("latentlang")
except PackageNotFoundError:  # read from a folder without installing it
    __version__ = "0+unknown"

_named, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import a public name. Who interrupts this may find torch half loaded, for good."""
    try:
        return _named(name)
    except KeyboardInterrupt:
        from .progress import Interruption

        raise Interruption(
            "Stopped while packages were loading: restart the kernel, and run the cells from the "
            "first one on."
        ) from None
