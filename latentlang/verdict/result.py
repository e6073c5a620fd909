"""``Verdict``: the predictions of the hypotheses beside what a model shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from .hypotheses import HYPOTHESES, Prediction
from .quantities import Quantity
from .rule import AGAINST, EXPECTATIONS, FOR, NOT_MEASURED, UNDECIDED, Measured, judge

_VERDICTS = (FOR, AGAINST, UNDECIDED, NOT_MEASURED)


@dataclass(frozen=True)
class Row:
    """One prediction and what was measured; its texts name the languages.

    ``measured`` is None if the experiment could not be made, and ``reason`` says why.
    """

    prediction: Prediction
    quantity: Quantity
    measured: Measured | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """``"for"``, ``"against"``, ``"undecided"`` or ``"not measured"``."""
        if self.measured is None:
            return NOT_MEASURED
        return judge(self.prediction.expects, self.measured, self.quantity.least)

    @property
    def predicted(self) -> str:
        """What the hypothesis expects, such as ``above 0.01``."""
        return EXPECTATIONS[self.prediction.expects].format(least=self.quantity.least)


@dataclass(frozen=True, repr=False)
class Verdict:
    """What each hypothesis predicts, what the model shows, and which way it speaks.

    ``model``, ``number_format``, ``source``, ``target``, ``pivot``, ``every``, ``seed``: what was
    asked. ``rows``: one per prediction. There is no single score: predictions differ in weight, and
    several rest on one experiment. ``table()`` and ``counts()`` are DataFrames.
    """

    model: str
    number_format: str
    source: str
    target: str
    pivot: str
    every: int
    seed: int
    rows: tuple[Row, ...]

    @property
    def unopposed(self) -> tuple[str, ...]:
        """The hypotheses with a prediction that came out for them, and none against them."""
        counts = self.counts()
        kept = (counts[FOR] > 0) & (counts[AGAINST] == 0)
        return tuple(counts.index[kept])

    def table(self) -> pd.DataFrame:
        """Return one row per hypothesis and prediction.

        Columns: ``hypothesis``; ``prediction``, a sentence; ``experiment``, which gives the number;
        ``quantity``, its short name; ``compares``, what is subtracted from what; ``predicted``;
        ``measured``, with its 95 % interval (bootstrap over concepts) from ``lower`` to ``upper``;
        ``verdict``; ``n``, how many prompts; ``layers``, where it was read; ``reason``, why a
        prediction was not measured.
        """
        rows = []
        for row in self.rows:
            nothing = Measured(math.nan, math.nan, math.nan, 0)
            found = row.measured or nothing
            rows.append(
                {
                    "hypothesis": row.prediction.hypothesis,
                    "prediction": row.prediction.sentence,
                    "experiment": row.quantity.experiment,
                    "quantity": row.prediction.quantity,
                    "compares": row.quantity.compares,
                    "predicted": row.predicted,
                    "measured": found.value,
                    "lower": found.lower,
                    "upper": found.upper,
                    "verdict": row.verdict,
                    "n": found.n,
                    "layers": found.layers,
                    "reason": row.reason,
                }
            )
        return pd.DataFrame(rows)

    def counts(self) -> pd.DataFrame:
        """Return how many predictions of each hypothesis came out which way.

        The index is the hypothesis; the columns are for, against, undecided and not measured.
        """
        verdicts = [(row.prediction.hypothesis, row.verdict) for row in self.rows]
        rows = {
            name: [verdicts.count((name, verdict)) for verdict in _VERDICTS] for name in HYPOTHESES
        }
        table = pd.DataFrame.from_dict(rows, "index", columns=list(_VERDICTS))
        return table.rename_axis("hypothesis")

    def __repr__(self) -> str:
        lines = [
            f"Verdict({self.model}, {self.number_format}: {self.source} → {self.target}, "
            f"pivot {self.pivot}, every={self.every}, seed {self.seed})"
        ]
        for name, sentence in HYPOTHESES.items():
            lines.append(f"{name}: {sentence}")
            ours = [row for row in self.rows if row.prediction.hypothesis == name]
            lines += [
                f"  {row.verdict:<12} {row.prediction.sentence} {_shown(row)}" for row in ours
            ]
        return "\n".join(lines)


def _shown(row: Row) -> str:
    """Return what was predicted and measured, in brackets; ``table()`` has the reasons."""
    found = row.measured
    if found is None:
        return f"[{row.quantity.experiment}]"
    numbers = f"{found.value:.3f} ({found.lower:.3f} to {found.upper:.3f})"
    return f"[predicted {row.predicted}; measured {numbers}, n = {found.n}]"
