"""What every set of readings has in common, and ``MeanCurves``: means without their prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from jaxtyping import Shaped
from torch import Tensor

from ..errors import DataError
from ..prompts.setting import HasSetting, Setting
from .layers import places_between
from .readings import READINGS
from .tensors import (
    Values,
    check_readings,
    check_shapes,
    flattened,
    is_language,
    labels_of,
    unflattened,
)


class HasReadings(HasSetting):
    """Readings by layer: a run has them of every prompt, and mean curves have one mean of each."""

    layers: tuple[int, ...]
    readings: Mapping[str, Values]

    def __getattr__(self, name: str) -> Any:  # Values | None: READINGS says which
        if name not in READINGS:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return self.readings.get(name, {} if READINGS[name].per == "language" else None)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *READINGS]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose words were followed: pivot, target, source, then any others."""
        codes = set(filter(is_language, labels_of(self.readings)))
        first = (self.pivot, self.target, *self.setting.sources)
        return tuple(code for code in dict.fromkeys((*first, *sorted(codes))) if code in codes)

    @property
    def pair(self) -> tuple[str, str]:
        """The pivot and the target language, both of them followed.

        They are the same language if the prompts ask for the pivot. Raises ``DataError`` for a run
        that has no such pair.
        """
        for name, code in (("pivot", self.pivot), ("target", self.target)):
            if not code or code not in self.languages:
                raise DataError(
                    f"This run follows no {name} language: decode prompts of ll.build_prompts, "
                    "or pass targets with English and one other language."
                )
        return self.pivot, self.target

    def curves(self) -> list[tuple[str, str, Shaped[Tensor, "*row layer"]]]:
        """Return ``(reading, language, [..., n_layers])``, without yardsticks."""
        curves = []
        for name in (name for name in READINGS if name in self.readings):
            values = self.readings[name]
            if isinstance(values, Mapping):
                curves += [(name, code, values[code]) for code in self.languages if code in values]
            else:
                curves.append((name, "", values))
        return curves


@dataclass(frozen=True, repr=False, eq=False)
class MeanCurves(HasReadings):
    """Means over ``n`` prompts that are not here: all that a paper publishes of a run.

    As in a ``Run``, every row of ``READINGS`` is an attribute: ``curves.probability["zh"]`` and
    ``curves.entropy``, each ``[n_layers]``. Statistics and figures of curves take it like a run.
    What needs single prompts refuses it: there is no interval and no median.

    ``reference``: who published the means. ``origin``: where they can be read.
    ``chance``: as in a ``Run``.
    """

    model: str
    setting: Setting
    layers: tuple[int, ...]
    readings: Mapping[str, Values]
    n: int
    number_format: str
    reference: str
    origin: str
    lens: str = "logit"
    chance: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse tensors that do not belong together."""
        check_readings(self.readings)
        check_shapes(flattened(self.readings), (len(self.layers),))

    @property
    def clusters(self) -> list:
        """Nothing: what each prompt asked about is not published."""
        return []

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, item: Any) -> NoReturn:
        raise no_prompts()

    def between(self, first: int, last: int) -> MeanCurves:
        """Return the means of the layers from ``first`` to ``last``, both included."""
        places = places_between(self.layers, first, last)
        tensors = {name: tensor[places] for name, tensor in flattened(self.readings).items()}
        readings = unflattened(tensors, self.readings)["readings"]
        return replace(self, layers=tuple(self.layers[n] for n in places), readings=readings)

    def without_cognates(self) -> NoReturn:
        """Raise ``DataError``: the means are over all words, and no word can be left out."""
        raise no_prompts()

    def __repr__(self) -> str:
        return (
            f"MeanCurves({len(self.layers)} layers of {self.model}, {self.number_format}: "
            f"{self.setting.title}; n = {self.n}, published, {self.reference})"
        )


def no_prompts() -> DataError:
    """Return the error of everything that needs the prompts behind published means."""
    return DataError(
        "Only the means of these curves are published, and this needs single prompts: pass a run, "
        "what ll.decode or ll.run_experiment returns."
    )
