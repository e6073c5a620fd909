"""What a lens grid shows of one run: its columns, their numbers, and the roles of tokens."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import DataError
from ..lens.reduce import NO_TOKEN
from ..lens.require import require_finite, require_run
from ..lens.run import Run
from .naming import curve_name, described_model
from .text import token_text, visible

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST_COLUMNS = 64
_CONTEXT = 24  # characters of the text before a column that are read out
ROLES = ("pivot", "target", "source", "other")


@dataclass(frozen=True)
class GridData:
    """What a grid shows of one run: its columns are positions of one prompt, or prompts.

    ``run``: with all of its columns. ``labels``: the name of each
    column. ``after``: the end of the text that each column has read. ``rows``: the number of each
    column's prompt in ``run.prompts``. ``places``: its number among all positions, or prompts.
    """

    run: Run
    labels: tuple[str, ...]
    after: tuple[str, ...]
    rows: tuple[int, ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, run: Run, positions: int | Sequence[int] | None) -> GridData:
        """Return the columns of a run; ``positions`` as ``ll.plots.grid`` takes it."""
        run = require_run(run)
        if not len(run):
            raise DataError("This run has no prompt to show: choose fewer filters.")
        if run.tokenizer is None:
            raise DataError(
                "This run does not know the texts of its tokens, because an older version kept it: "
                "decode again."
            )
        if run.position_tokens and len(run) > 1:
            raise DataError(
                f"A grid of several positions shows one prompt, and this run has {len(run)}: "
                "take run[0]."
            )
        n_columns = len(run.position_tokens) or len(run)
        places = _places(positions, n_columns)
        if len(places) > MOST_COLUMNS:
            what = "positions=40" if run.position_tokens else "run[:40]"
            raise DataError(
                f"A grid shows at most {MOST_COLUMNS} columns, and these are {len(places)}: "
                f"take {what}."
            )
        if run.position_tokens:
            tokenizer = cast("PreTrainedTokenizerBase", run.tokenizer)
            tokens = [token_text(token, tokenizer) for token in run.position_tokens]
            labels = [tokens[n] for n in places]
            after = [_end(tokens[: n + 1]) for n in places]
            rows = [0] * len(places)
        else:
            concepts, texts = run.prompts["concept"].tolist(), run.prompts["text"].tolist()
            labels = [visible(str(concepts[n])) or f"prompt {n + 1}" for n in places]
            after = [visible(str(texts[n])[-_CONTEXT:]) for n in places]
            rows = list(places)
        data = cls(run, tuple(labels), tuple(after), tuple(rows), places)
        require_finite(data.chances, "top_probs")
        return data

    def by_column(self, values: Tensor) -> Tensor:
        """Return values of the run with one axis of columns instead of prompts and positions."""
        return (values[0] if self.run.position_tokens else values)[list(self.places)]

    def text(self, token: int) -> str:
        """Return a token as visible text."""
        return token_text(token, cast("PreTrainedTokenizerBase", self.run.tokenizer))

    @property
    def ids(self) -> Int[Tensor, "column layer k"]:
        """The ids of the most probable tokens."""
        return self.by_column(self.run.top_ids).long()

    @property
    def chances(self) -> Float[Tensor, "column layer k"]:
        """The probabilities of ``ids``."""
        return self.by_column(self.run.top_probs).float()

    @cached_property
    def words(self) -> dict[str, list[set[int]]]:
        """The tokens that begin the words of each column's prompt, by language.

        A stored answer of an older version holds no sets. There a token counts if it is at some
        layer the best one of its language: then its place among the candidates is the rank of the
        language.
        """
        run = self.run
        if run.token_ids:
            return {
                code: [set(run.token_ids[row].get(code, ())) for row in self.rows]
                for code in run.languages
            }
        words = {}
        for code in run.languages:
            rank = self.by_column(run.rank[code]).long()
            n_candidates = self.ids.shape[-1]
            best = self.ids.gather(-1, (rank.clamp(max=n_candidates) - 1)[..., None])[..., 0]
            words[code] = [
                set(tokens[places <= n_candidates].tolist()) for tokens, places in zip(best, rank)
            ]
        return words

    def language_of(self, token: int, column: int) -> str:
        """Return the language whose word a token begins; empty for none, or for several."""
        codes = [code for code, sets in self.words.items() if token in sets[column]]
        return codes[0] if len(codes) == 1 else ""

    def role(self, code: str) -> str:
        """Return the role of a language: a name of ``ROLES``."""
        if code == self.run.pivot:
            return "pivot"
        if code == self.run.target:
            return "target"
        return "source" if code in self.run.setting.sources else "other"

    @cached_property
    def traces(self) -> tuple[Int[Tensor, "column width"], Float[Tensor, "column layer width"]]:
        """The tokens that can be followed, and their natural log-probabilities.

        Those of ``watch`` come first, then those of ``run.followed``; ``NO_TOKEN`` fills the rest.
        """
        run, n_columns = self.run, len(self.labels)
        ids = torch.tensor(run.watch).expand(n_columns, -1).long()
        log_probs = torch.zeros(n_columns, len(run.layers), 0)
        if run.watched is not None:
            log_probs = self.by_column(run.watched).float()
        if run.followed is not None:
            more = self.by_column(run.followed.ids)
            twice = (more[..., None] == ids[:, None]).any(-1)
            ids = torch.cat([ids, more.masked_fill(twice, NO_TOKEN)], -1)
            log_probs = torch.cat([log_probs, self.by_column(run.followed.log_probs)], -1)
        return ids, log_probs

    @property
    def tokens(self) -> list[int]:
        """Every token that the grid names, in ascending order."""
        ids, _ = self.traces
        named = torch.cat([self.ids.flatten(), ids.flatten()]).unique()
        return [token for token in named.tolist() if token != NO_TOKEN]

    @property
    def name(self) -> str:
        """The model and the setting, as plain text."""
        return html.unescape(f"{described_model(self.run)} · {self.run.setting.title}")

    def language_name(self, code: str) -> str:
        """Return the name of a language as plain text."""
        return html.unescape(curve_name(self.run, code, short=True))


def _end(tokens: Sequence[str]) -> str:
    """Return the last tokens of a text, each of them whole: an isolate ends where it began."""
    first = len(tokens) - 1
    while first and sum(map(len, tokens[first - 1 :])) <= _CONTEXT:
        first -= 1
    return "".join(tokens[first:])


def _places(positions: int | Sequence[int] | None, n_columns: int) -> tuple[int, ...]:
    """Return the numbers of the columns to show, from the left, counted from 0."""
    if positions is None:
        return tuple(range(n_columns))
    if isinstance(positions, int) and not isinstance(positions, bool) and positions > 0:
        return tuple(range(n_columns))[-positions:]
    if isinstance(positions, Iterable) and not isinstance(positions, str):
        places = list(positions)
        if places and all(isinstance(n, int) and -n_columns <= n < n_columns for n in places):
            return tuple(dict.fromkeys(n % n_columns for n in places))
    raise DataError(
        f"positions={positions!r} names no columns of this run, which has {n_columns}: pass how "
        f"many of the last ones to show, or a list of numbers from 0 to {n_columns - 1}."
    )
