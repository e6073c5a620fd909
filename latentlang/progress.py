"""Progress of long computations: a bar in the notebook, or a function of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm

Progress = bool | Callable[[int, int], None]


@contextmanager
def reporting(progress: Progress, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function to be told how many of ``total`` prompts are done.

    ``progress``: True shows a bar, False nothing; a function is called with (done, total), and may raise to stop the work.
    """
    if callable(progress):
        yield lambda done: progress(done, total)
        return
    with tqdm(total=total, unit="prompt", disable=not progress, leave=False) as bar:
        yield lambda done: bar.update(done - bar.n)
