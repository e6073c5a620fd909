"""Progress of long computations: a bar in the notebook, or a function that the caller passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm

Progress = bool | Callable[[int, int], None]


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
