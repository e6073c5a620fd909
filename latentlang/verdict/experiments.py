"""The five experiments behind a verdict, each run or looked up through the public functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from ..analysis.retrieval_result import Retrieval
from ..errors import DataError, LatentLangError
from ..lens.run import Run
from ..lens.sweep_result import Sweep
from ..models.model import Model
from ..models.whole_inquiry import PivotInquiry
from ..progress import Progress
from ..prompts.setting import PIVOT
from ..runs.experiments import run_experiment
from ..runs.pivot_experiment import other_languages
from ..runs.pivot_result import PivotTest
from ..runs.pivot_tests import pivot_test
from ..runs.retrieval import run_retrieval
from ..runs.sweeps import run_sweep

LENS = "linear"
_THIRD = ("fr", "es", "de")  # languages that small models know; the first free one is patched in
Result = TypeVar("Result", Run, Retrieval, Sweep, PivotTest)


@dataclass
class Experiments:
    """The experiments about one model and one pair; each is made when it is first asked for.

    A property raises ``LatentLangError`` if its experiment cannot be made: a stored model may lack
    the answer, and a pair may leave too few concepts.
    """

    model: Model
    inquiry: PivotInquiry
    progress: Progress
    _failed: dict[str, LatentLangError] = field(default_factory=dict)

    @property
    def languages(self) -> dict[str, list[str]]:
        """The codes of the languages by their part: pivot, source, target, third and others."""
        source, target = self.inquiry.source, self.inquiry.target
        third = next(code for code in _THIRD if code not in (source, target))
        return {
            "pivot": [PIVOT],
            "source": [source],
            "target": [target],
            "third": [third],
            "others": other_languages(self.inquiry, PIVOT),
        }

    @cached_property
    def readings(self) -> Run:
        """The translation prompts through the logit lens, without near cognates."""
        return self._run("readings", None)

    @cached_property
    def lenses(self) -> Run:
        """The same prompts through the linear lens."""
        return self._run("lenses", LENS)

    @cached_property
    def retrieval(self) -> Retrieval:
        """Retrieval in pivot, source and other languages."""
        asked, codes = self.inquiry, self.languages
        looked_for = [PIVOT, asked.source, *codes["others"]]
        return self._made(
            "retrieval",
            lambda: run_retrieval(
                self.model,
                "translation",
                asked.source,
                asked.target,
                looked_for,
                every=asked.every,
                progress=self.progress,
            ),
        )

    @cached_property
    def patching(self) -> Sweep:
        """Prompts that ask for a third language, patched into those that ask for the target."""
        asked, (third,) = self.inquiry, self.languages["third"]
        return self._made(
            "patching",
            lambda: run_sweep(
                self.model,
                "patch",
                (asked.source, third),
                (asked.source, asked.target),
                every=asked.every,
                seed=asked.seed,
                progress=self.progress,
            ),
        )

    @cached_property
    def erasing(self) -> PivotTest:
        """The pivot's own test."""
        asked = self.inquiry
        return self._made(
            "erasing",
            lambda: pivot_test(
                self.model,
                asked.source,
                asked.target,
                every=asked.every,
                seed=asked.seed,
                progress=self.progress,
            ),
        )

    def _run(self, name: str, lens: str | None) -> Run:
        asked = self.inquiry

        def make() -> Run:
            run = run_experiment(
                self.model,
                "translation",
                asked.source,
                asked.target,
                every=asked.every,
                seed=asked.seed,
                lens=lens,
                progress=self.progress,
            ).without_cognates()
            if not len(run):
                raise DataError("All prompts are near cognates: take a smaller every.")
            return run

        return self._made(name, make)

    def _made(self, name: str, make: Callable[[], Result]) -> Result:
        """Return the result of an experiment. One that failed is not tried a second time."""
        if name in self._failed:
            raise self._failed[name]
        try:
            return make()
        except LatentLangError as error:
            self._failed[name] = error
            raise
