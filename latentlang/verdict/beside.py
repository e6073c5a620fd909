"""Words beside those of a prompt: how probable they are there, and in prompts about other words."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from ..analysis.intervals import mean_ci
from ..errors import DataError
from ..lens.decode import decode
from ..models.model import Model, require_model
from ..progress import Progress
from ..prompts.prompt import PromptSet
from ..prompts.sets import separate
from ..prompts.tokens import Starts


def follow_beside(
    model: Model,
    prompts: PromptSet,
    words: Mapping[str, tuple[str, ...]],
    name: str,
    *,
    progress: Progress = True,
) -> pd.DataFrame:
    """Return how probable a word beside those of each prompt is, layer by layer, and its control.

    The tokens that begin the word are followed, without those that also begin the word of pivot,
    target or source. The control is the words of the other concepts in the same prompt: what the
    output layer gives to any such word. Prompts without a word, or without a token of its own, are
    left out.

    Args:
        model: what ``load_model`` returns.
        prompts: of ``build_prompts``, about different concepts.
        words: ``{concept: spellings}``.
        name: of the column with their probability.
        progress: True for a bar, or a function that is called with (done, total).

    Returns:
        One row per layer (the index): ``pivot`` and ``target``, the mean probabilities; ``name``,
        that of the word; ``other``, the mean over the words of the other concepts, each without
        the prompt's own tokens; ``beyond``, the word minus ``other`` inside each prompt, with its
        95 % interval from ``lower`` to ``upper`` (bootstrap over concepts); ``n``, how many
        prompts.

    Raises:
        DataError: for fewer than two prompts whose word has a token of its own.
    """
    starts = Starts(require_model(model).tokenizer)
    own: dict[str, frozenset[int]] = {}
    for prompt in prompts:
        spelled = words.get(prompt.concept, ())
        ids = frozenset[int]().union(*(starts.of(word) for word in spelled))
        followed = {code: frozenset(tokens) for code, tokens in prompt.token_ids.items()}
        if left := separate(followed, {name: ids}).watched[name]:
            own[prompt.concept] = left
    if len(own) < 2:
        raise DataError(
            "Fewer than two of these prompts have such a word with a token of its own: "
            "pass more prompts."
        )
    chosen = prompts.about(own)
    watch = sorted(frozenset[int]().union(*own.values()))
    run = decode(model, chosen, watch=watch, energy=False, progress=progress)
    shares = torch.as_tensor(run.watched).double().exp()

    def total(row: int, ids: frozenset[int]) -> torch.Tensor:
        return shares[row][:, [watch.index(token) for token in sorted(ids)]].sum(-1)

    ours, others = [], []
    for row, prompt in enumerate(chosen):
        mine = own[prompt.concept]
        apart = [ids - mine for concept, ids in own.items() if concept != prompt.concept]
        ours.append(total(row, mine))
        others.append(torch.stack([total(row, ids) for ids in apart]).mean(0))
    word, other = torch.stack(ours), torch.stack(others)
    beyond, lower, upper = mean_ci(word - other, "bootstrap", clusters=run.clusters)
    curves = {
        "pivot": run.probability[run.pivot].mean(0),
        "target": run.probability[run.target].mean(0),
        name: word.mean(0),
        "other": other.mean(0),
        "beyond": beyond,
        "lower": lower,
        "upper": upper,
    }
    table = pd.DataFrame(
        {column: curve.tolist() for column, curve in curves.items()},
        index=pd.Index(run.layers, name="layer"),
    )
    return table.assign(n=len(run))
