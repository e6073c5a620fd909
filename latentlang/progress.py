"""Progress of long computations, by a bar or a function of the caller, and how they are stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from tqdm.auto import tqdm

Progress = bool | Callable[[int, int], None]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_STOPPED = "Stopped: run the cell again to go on. Finished parts of an experiment are kept."


class Interruption(KeyboardInterrupt):
    """The reader has stopped a long computation; a notebook shows one line, and no traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows."""
        return [str(self)]


def interruptible(function: _Function) -> _Function:
    """Let a public function that takes long end in one line when the reader interrupts it."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            raise Interruption(_STOPPED) from None

    return cast("_Function", called)


@contextmanager
def reporting(
    progress: Progress, total: int, unit: str = "prompt"
) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of prompts, or other units, that are done.

    Args:
        progress: True shows a bar and False shows nothing. A function is called with (done, total)
            and may raise to stop the work.
        total: how many there are.
        unit: what is counted.
    """
    if callable(progress):
        yield lambda done: progress(done, total)
        return
    with tqdm(total=total, unit=unit, disable=not progress, leave=False) as bar:
        yield lambda done: bar.update(done - bar.n)
