"""The five experiments behind a verdict, each run or looked up through the public functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

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


def languages_of(inquiry: PivotInquiry) -> dict[str, list[str]]:
    """Return the codes of the languages by their part: pivot, source, target, third and others.

    >>> languages_of(PivotInquiry("fr", "de"))["third"]
    ['es']
    """
    source, target = inquiry.source, inquiry.target
    third = next(code for code in _THIRD if code not in (source, target))
    return {
        "pivot": [PIVOT],
        "source": [source],
        "target": [target],
        "third": [third],
        "others": other_languages(inquiry, PIVOT),
    }


def arguments_of(inquiry: PivotInquiry) -> dict[str, dict[str, Any]]:
    """Return the arguments of the five experiments of a verdict, by the names of ``Experiments``.

    They are those of ``run_experiment`` (readings and lenses), ``run_retrieval`` (retrieval),
    ``run_sweep`` (patching) and ``pivot_test`` (erasing), beside the model and the progress.

    >>> arguments_of(PivotInquiry("fr", "de", every=4))["patching"]["source"]
    ('fr', 'es')
    """
    source, target, codes = inquiry.source, inquiry.target, languages_of(inquiry)
    pair = {"source": source, "target": target, "every": inquiry.every}
    run = {"task": "translation", **pair, "seed": inquiry.seed}
    looked_for = [*codes["pivot"], source, *codes["others"]]
    (third,) = codes["third"]
    return {
        "readings": {**run, "lens": None},
        "lenses": {**run, "lens": LENS},
        "retrieval": {"task": "translation", **pair, "languages": looked_for},
        "patching": {
            "protocol": "patch",
            "source": (source, third),
            "into": (source, target),
            "every": inquiry.every,
            "seed": inquiry.seed,
        },
        "erasing": {**pair, "seed": inquiry.seed},
    }


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
        """The codes of the languages by their part, as ``languages_of`` has them."""
        return languages_of(self.inquiry)

    @cached_property
    def readings(self) -> Run:
        """The translation prompts through the logit lens, without near cognates."""
        return self._made("readings", self._run)

    @cached_property
    def lenses(self) -> Run:
        """The same prompts through the linear lens."""
        return self._made("lenses", self._run)

    @cached_property
    def retrieval(self) -> Retrieval:
        """Retrieval in pivot, source and other languages."""
        return self._made("retrieval", partial(run_retrieval, self.model))

    @cached_property
    def patching(self) -> Sweep:
        """Prompts that ask for a third language, patched into those that ask for the target."""
        return self._made("patching", partial(run_sweep, self.model))

    @cached_property
    def erasing(self) -> PivotTest:
        """The pivot's own test."""
        return self._made("erasing", partial(pivot_test, self.model))

    def _run(self, **arguments: Any) -> Run:
        run = run_experiment(self.model, **arguments).without_cognates()
        if not len(run):
            raise DataError("All prompts are near cognates: take a smaller every.")
        return run

    def _made(self, name: str, make: Callable[..., Result]) -> Result:
        """Return the result of an experiment. One that failed is not tried a second time."""
        if name in self._failed:
            raise self._failed[name]
        try:
            return make(**arguments_of(self.inquiry)[name], progress=self.progress)
        except LatentLangError as error:
            self._failed[name] = error
            raise
