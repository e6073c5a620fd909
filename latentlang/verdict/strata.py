"""``strata``: does a finding rest on some kind of words?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from ..analysis.intervals import mean_ci
from ..errors import DataError
from ..lens.require import require_means
from ..lens.run import Run
from ..prompts.cognates import GRADES
from ..prompts.tokens import Starts
from ..prompts.words import load_words
from .frequency import frequency
from .measures import at_peak

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_ZIPF = (4.0, 5.0)  # once in 100,000 words, and once in 10,000
_BANDS = ("rarer than 1 in 100,000", "between", "1 in 10,000 or more")
_MOST = 3  # tokens of a word, from which on words are taken together
_UNKNOWN = "unknown"
Split = tuple[str, list[str], tuple[str, ...]]


def strata(run: Run, tokenizer: PreTrainedTokenizerBase | None = None) -> pd.DataFrame:
    """Return how far the pivot leads the target for each kind of words.

    A finding about all words may be about some of them: cognates, words that are several words in
    the source language, long words, or rare ones. The layer is that of the pivot's peak, chosen on
    the other half of the concepts. It is the same for all kinds, so that they can be compared.

    Args:
        run: of a translation task with one source, with its cognates.
        tokenizer: the model's, ``model.tokenizer``; without it the tokens are not counted.

    Returns:
        One row per split and kind. Splits: ``cognate`` (how alike the nearest two words are);
        ``source word`` (whether the word shown stands for one concept of the list, or several);
        ``target word`` (how many tokens its first spelling takes); ``frequency`` (of the target
        word, in running text; see ``frequency``). Columns: ``split``, ``kind``, ``n``; ``pivot``
        and ``target``, the mean probabilities at that layer; ``lead``, P(pivot) − P(target) there,
        with its 95 % interval from ``lower`` to ``upper`` (bootstrap over concepts; NaN for a
        single concept); ``target_last``, the mean P(target) at the last layer.

    Raises:
        DataError: for a run without a pair of languages and concepts, or fewer than two concepts.

    >>> import latentlang as ll
    >>> from latentlang.models.stored import stored_model
    >>> qwen = stored_model("qwen2.5-coder-1.5b-instruct")
    >>> run = ll.run_experiment(qwen, "translation", "fr", "de", every=4)
    >>> table = ll.strata(run)
    >>> table.loc[table["split"] == "cognate", "kind"].tolist()
    ['identical', 'near', 'no']
    """
    run = require_means(run)
    concepts = list(run.prompts["concept"])
    words = load_words()
    if run.task != "translation" or len(run.setting.sources) != 1:
        raise DataError("Strata are those of translations from one source: pass such a run.")
    if unknown := sorted(set(concepts) - set(words.index)):
        raise DataError(f"'{unknown[0]}' is not in the word list: pass a run about its concepts.")
    curve, last = run.probability[run.pivot], run.probability[run.target][:, -1]
    pivot, target = (
        at_peak(curve, run.probability[code], run.layers, run.clusters)[0] for code in run.pair
    )
    rows = []
    for split, kinds, order in _splits(run, concepts, words, tokenizer):
        for kind in order:
            places = [row for row, each in enumerate(kinds) if each == kind]
            if not places:
                continue
            gap = pivot[places] - target[places]
            names = [concepts[row] for row in places]
            lead, lower, upper = mean_ci(gap, "bootstrap", clusters=names)
            rows.append(
                {
                    "split": split,
                    "kind": kind,
                    "n": len(places),
                    "pivot": pivot[places].mean().item(),
                    "target": target[places].mean().item(),
                    "lead": lead.item(),
                    "lower": lower.item(),
                    "upper": upper.item(),
                    "target_last": last[places].mean().item(),
                }
            )
    return pd.DataFrame(rows)


def _splits(
    run: Run,
    concepts: list[str],
    words: pd.DataFrame,
    tokenizer: PreTrainedTokenizerBase | None,
) -> Iterator[Split]:
    """Yield the name of each split, the kind of each prompt, and the kinds in their order."""
    yield "cognate", list(run.prompts["cognate"]), GRADES
    uses = Counter(spelling for cell in words[run.source] for spelling in set(cell))
    shown = [words.loc[concept, run.source][0] for concept in concepts]
    meanings = ("one concept", "several concepts")
    yield "source word", [meanings[uses[word] > 1] for word in shown], meanings
    asked = [words.loc[concept, run.target][0] for concept in concepts]
    if tokenizer is not None:
        starts = Starts(tokenizer)
        lengths = [min(len(starts.tokenize(word)), _MOST) for word in asked]
        names = {n: f"{n} tokens" for n in range(_MOST)} | {1: "1 token", _MOST: "3 or more tokens"}
        yield "target word", [names[n] for n in lengths], tuple(names[n] for n in sorted(names))
    known = frequency()
    if run.target in known:
        bands = [_band(known.loc[concept, run.target]) for concept in concepts]
        yield "frequency", bands, (*_BANDS, _UNKNOWN)


def _band(zipf: float) -> str:
    """Return the kind of a Zipf value.

    >>> _band(3.2), _band(4.0), _band(math.nan)
    ('rarer than 1 in 100,000', 'between', 'unknown')
    """
    if math.isnan(zipf):
        return _UNKNOWN
    return _BANDS[sum(zipf >= bound for bound in _ZIPF)]
