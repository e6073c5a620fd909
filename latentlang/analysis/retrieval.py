"""Retrieval: does a layer tell the concept of its prompt, by words of any language?

P(language) mixes what a layer knows with what the output layer prefers: frequent words, and the
language of most training text. Retrieval compares each word with itself in other prompts, so that
both cancel. It is chance where a layer knows nothing, in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, near
from ..lens.require import require_finite, require_means
from ..lens.run import Run
from ..prompts.setting import Setting
from .intervals import mean_ci, simultaneous_ci

Tokens = Mapping[str, Sequence[Iterable[int]]]
_TIE = 1e-9  # nats: scores that differ by less are alike


@dataclass(frozen=True, repr=False, eq=False)
class Retrieval:
    """How often each layer tells the concept of its prompt, by the words of each language.

    ``retrieved[language]`` ``[n_prompts, n_layers]``: 1 where the prompt's own concept scores
    highest of all candidates, 1/m where m of them share the highest score, else 0.
    ``probability[language]`` ``[n_prompts, n_layers]``: P(language) of the same words.
    ``ceiling[language]`` ``[n, n_layers]``: what ``retrieved`` is where the prompt shows the word
    itself, in the language's repetition task; empty if it was not measured.
    ``concepts``: of each prompt. ``chance``: one in as many as there are candidates.
    """

    model: str
    setting: Setting
    layers: tuple[int, ...]
    concepts: tuple[str, ...]
    retrieved: Mapping[str, Float[Tensor, "prompt layer"]]
    probability: Mapping[str, Float[Tensor, "prompt layer"]]
    ceiling: Mapping[str, Float[Tensor, "other layer"]] = field(default_factory=dict)
    number_format: str = ""
    lens: str = "logit"

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which the concept was looked for."""
        return tuple(self.retrieved)

    @property
    def chance(self) -> float:
        """How often the own concept scores highest where nothing is known."""
        return 1 / len(set(self.concepts))

    def __len__(self) -> int:
        return len(self.concepts)

    def __repr__(self) -> str:
        lens = "" if self.lens == "logit" else f", {self.lens} lens"
        return (
            f"Retrieval({len(self)} prompts x {len(self.layers)} layers of {self.model}, "
            f"{self.number_format}{lens}: {self.setting.title}; {', '.join(self.languages)})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return means by layer and language, with 95 % intervals clustered by concept.

        Columns: ``layer``, ``language``, ``retrieval`` with ``lower`` and ``upper`` (bootstrap),
        ``probability``, ``ceiling`` (NaN if it was not measured), ``chance`` and ``n``.
        """
        rows = []
        for code, values in self.retrieved.items():
            curves = list(mean_ci(values, "bootstrap", clusters=self.concepts))
            curves.append(self.probability[code].mean(0))
            above = self.ceiling.get(code)
            curves.append(torch.full_like(curves[0], torch.nan) if above is None else above.mean(0))
            for layer, *numbers in zip(self.layers, *(curve.tolist() for curve in curves)):
                rows.append((layer, code, *numbers, self.chance, len(self)))
        names = ["retrieval", "lower", "upper", "probability", "ceiling", "chance", "n"]
        return pd.DataFrame(rows, columns=["layer", "language", *names])

    def difference(self, a: str, b: str) -> pd.DataFrame:
        """Return retrieval in ``a`` minus retrieval in ``b``, by layer, inside each prompt.

        Columns: ``difference``, and ``lower`` and ``upper`` of a 95 % band that holds at all layers
        at once (``simultaneous_ci``, clustered by concept).

        Raises:
            DataError: for a language that was not looked for.
        """
        for code in (a, b):
            if code not in self.retrieved:
                raise DataError(
                    f"Nothing was retrieved in '{code}'.{near(code, self.languages)} "
                    f"There are {', '.join(self.languages)}."
                )
        gap = self.retrieved[a] - self.retrieved[b]
        mean, lower, upper = simultaneous_ci(gap, clusters=self.concepts)
        columns = {"difference": mean, "lower": lower, "upper": upper}
        table = {name: values.tolist() for name, values in columns.items()}
        return pd.DataFrame(table, index=pd.Index(self.layers, name="layer"))


def retrieval(run: Run, tokens: Tokens | None = None) -> Retrieval:
    """Return how often each layer tells the concept of its prompt, by the words of each language.

    For a language and a layer: log P(word of candidate concept c) in a prompt, minus its mean over
    the other prompts. The prompt's own concept is retrieved when it scores highest of all concepts
    that the prompts are about. Frequency and the preferences of the output layer cancel.

    Args:
        run: readings at one position, decoded with ``watch=`` the tokens of all words.
        tokens: ``{language: [token ids of each prompt's word]}``, in the order of the prompts; two
            prompts about one concept have the same ids. None: the words that the prompts follow
            (``run.token_ids``).

    Raises:
        DataError: for a run without concepts or of one concept only, a token that was not watched,
            a word without a token, or numbers that are not finite.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=model.tokenizer)[:4]
    >>> watch = set().union(*(ids for prompt in prompts for ids in prompt.token_ids.values()))
    >>> run = ll.decode(model, prompts, watch=sorted(watch), progress=False)
    >>> found = ll.retrieval(run)
    >>> found.chance, found.retrieved["de"].shape
    (0.25, torch.Size([4, 18]))
    """
    run = require_means(run)
    concepts = tuple(run.prompts["concept"])
    if not all(concepts) or len(set(concepts)) < 2:
        raise DataError(
            "Retrieval needs prompts about at least two concepts: decode several prompts of "
            "ll.build_prompts."
        )
    if tokens is None:
        tokens = {code: [row[code] for row in run.token_ids] for code in run.languages}
    candidates = list(dict.fromkeys(concepts))
    first, own = (
        torch.tensor([concepts.index(concept) for concept in candidates]),
        torch.tensor([candidates.index(concept) for concept in concepts]),
    )
    retrieved, probability = {}, {}
    for code, sets in tokens.items():
        if len(sets) != len(run):
            raise DataError(
                f"There are tokens of {len(sets)} words in '{code}', and {len(run)} prompts: give "
                "one set of ids for each prompt."
            )
        words = _log_probs(run, code, [sets[row] for row in first.tolist()])
        words = require_finite(words, f"the log-probabilities of words in '{code}'")
        others = (words.sum(0) - words) / (len(words) - 1)
        scores = words - others
        best = scores >= scores.amax(-1, keepdim=True) - _TIE
        mine = best.gather(-1, own[:, None, None].expand(-1, len(run.layers), 1))[..., 0]
        retrieved[code] = mine.float() / best.sum(-1)
        mine = words.gather(-1, own[:, None, None].expand(-1, len(run.layers), 1))[..., 0]
        probability[code] = mine.exp().float()
    return Retrieval(
        model=run.model,
        setting=run.setting,
        layers=run.layers,
        concepts=concepts,
        retrieved=retrieved,
        probability=probability,
        number_format=run.number_format,
        lens=run.lens,
    )


def _log_probs(
    run: Run, code: str, sets: Sequence[Iterable[int]]
) -> Float[Tensor, "prompt layer candidate"]:
    """Return log P(word) of each candidate's word in each prompt, in double precision."""
    places = {token_id: place for place, token_id in enumerate(run.watch)}
    columns = []
    for ids in map(list, sets):
        lacking = [token_id for token_id in ids if token_id not in places]
        if lacking or run.watched is None:
            raise DataError(
                f"Tokens of words in '{code}' were not watched, such as {(lacking or ids)[:3]}: "
                "decode with watch= the tokens of all words."
            )
        if not ids:
            raise DataError(f"A word in '{code}' has no token: leave its prompt out.")
        columns.append(run.watched[..., [places[i] for i in ids]].double().logsumexp(-1))
    return torch.stack(columns, -1)
