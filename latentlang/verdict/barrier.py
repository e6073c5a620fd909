"""``barrier``: is the right word there in the middle, in any language, and lost at the end?"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from ..analysis.intervals import mean_ci
from ..errors import DataError
from ..lens.require import require_means
from ..lens.run import Run
from ..prompts.sets import WordSets
from ..prompts.tokens import Starts
from ..prompts.words import language, load_words
from ..prompts.words import languages as all_languages

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def barrier(
    runs: Mapping[str, Run],
    tokenizer: PreTrainedTokenizerBase,
    languages: Iterable[str] | None = None,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how often a model solves a translation in the middle and loses it at the end.

    A prompt is solved if, in a layer before the last one, the most probable token begins the right
    word in any language, and not also the word that a translation shows: it may be a copy. It is
    lost if it is solved and the last layer's most probable token does not begin the target word
    (the translation barrier of Bafna et al., arXiv 2506.22724). A repetition shows the target word
    itself, and there a copy does count.

    Many languages and many layers hit some word by chance. So each prompt is also held against the
    words of another concept of the run, drawn at random, without the tokens that begin its own
    words too: this is the share of false alarms.

    Args:
        runs: ``{name: run}``, such as one per target language, of one source or a pool.
        tokenizer: the model's, ``model.tokenizer``.
        languages: in which a prompt counts as solved; None for all of latentlang.
        seed: draws the other concepts.

    Returns:
        One row per run (the index): ``n``; ``right``, the share of prompts that the last layer
        answers right; ``solved`` and ``false_alarms``, shares of all prompts; ``by_pivot``, the
        share of all prompts that is solved in the pivot's language, also where ``languages`` lacks
        it; ``beyond``, solved − false alarms, with its 95 % interval from ``lower`` to ``upper``
        (bootstrap over concepts);
        ``lost``, the share of all prompts that are solved and not right, with ``lost_lower`` and
        ``lost_upper``; ``lost_of_solved``, their share of the solved ones (NaN if there are none).

    Raises:
        DataError: for no run, a run of one concept or layer, no language, or an unknown concept or
            language.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> run = ll.run_experiment(model, "translation", "fr", "de", every=100, progress=False)
    >>> row = ll.barrier({"de": run}, model.tokenizer).loc["de"]
    >>> bool(row["lost"] <= row["solved"])
    True
    """
    if not isinstance(runs, Mapping) or not runs:
        raise DataError("A barrier needs at least one run with its name: pass {name: run, …}.")
    chosen: Any = all_languages().index if languages is None else languages
    several = isinstance(chosen, Iterable) and not isinstance(chosen, str)
    named = list(chosen) if several else [chosen]
    for code in named:
        language(code)
    codes = list(dict.fromkeys(named))
    if not codes:
        raise DataError(
            "A barrier needs at least one language: pass ['en', 'zh'], for example, or leave "
            "languages out."
        )
    table, starts = load_words(), Starts(tokenizer)
    words = {code: WordSets(table[code], starts) for code in table}
    rows = {name: _row(require_means(run), words, codes, seed) for name, run in runs.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")


def _row(run: Run, words: Mapping[str, WordSets], codes: list[str], seed: int) -> dict[str, float]:
    """Return the row of one run."""
    concepts = list(run.prompts["concept"])
    names = list(dict.fromkeys(concepts))
    if len(names) < 2 or len(run.layers) < 2 or not set(names) <= set(load_words().index):
        raise DataError(
            "A barrier needs at least two concepts of the word list and two layers: take a run of "
            "ll.run_experiment with a smaller every."
        )
    best = run.top_ids[:, :, 0]
    order = random.Random(seed).sample(names, len(names))
    other = dict(zip(order, [*order[1:], order[0]]))  # a concept never stands for itself
    own, pivots, wrong = [], [], []
    for concept, source in zip(concepts, run.prompts["source"]):
        shown = frozenset() if source == run.target else words[source].of(concept)
        ours = frozenset().union(*(words[code].of(concept) for code in codes))
        theirs = frozenset().union(*(words[code].of(other[concept]) for code in codes))
        own.append(ours - shown)
        pivots.append(words[run.pivot].of(concept) - shown)
        wrong.append(theirs - ours - shown)
    solved, by_pivot, alarms = (_hits(best[:, :-1], sets) for sets in (own, pivots, wrong))
    right = run.rank[run.target][:, -1] == 1
    lost = solved & ~right
    beyond, lower, upper = mean_ci(
        solved.float() - alarms.float(), "bootstrap", clusters=run.clusters
    )
    share, least, most = mean_ci(lost.float(), "bootstrap", clusters=run.clusters)
    count = int(solved.sum())
    return {
        "n": len(run),
        "right": right.float().mean().item(),
        "solved": solved.float().mean().item(),
        "by_pivot": by_pivot.float().mean().item(),
        "false_alarms": alarms.float().mean().item(),
        "beyond": beyond.item(),
        "lower": lower.item(),
        "upper": upper.item(),
        "lost": share.item(),
        "lost_lower": least.item(),
        "lost_upper": most.item(),
        "lost_of_solved": int(lost.sum()) / count if count else float("nan"),
    }


def _hits(best: Tensor, sets: list[frozenset[int]]) -> Bool[Tensor, " prompt"]:
    """Return whether the best token of any layer is in each prompt's set."""
    return torch.tensor([not ids.isdisjoint(row) for row, ids in zip(best.tolist(), sets)])
