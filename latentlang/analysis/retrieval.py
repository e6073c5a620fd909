"""Retrieval: does a layer tell the concept of its prompt, by words of any language?

P(language) mixes what a layer knows with what the output layer prefers: frequent words, and the
language of most training text. Retrieval compares each word with itself in other prompts, so that
both cancel. It is chance where a layer knows nothing, in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import DataError
from ..lens.inputs import token_numbers
from ..lens.require import require_finite, require_means
from ..lens.run import Run
from .retrieval_result import Retrieval

Tokens = Mapping[str, Sequence[Iterable[int]]]
_TIE = 1e-9  # nats: scores that differ by less are alike


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
        DataError: for a run without concepts or of one concept only, no language, a token that was
            not watched, a word without a token, or numbers that are not finite.
        TraceError: for tokens that are not numbers.

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
    if not isinstance(tokens, Mapping) or not tokens:
        raise DataError(
            "tokens are those of each prompt's word in at least one language: pass {'en': [ids of "
            "the first prompt's word, …]}, or leave tokens out."
        )
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
        revision=run.revision,
    )


def _log_probs(
    run: Run, code: str, sets: Sequence[Iterable[int]]
) -> Float[Tensor, "prompt layer candidate"]:
    """Return log P(word) of each candidate's word in each prompt, in double precision."""
    places = {token_id: place for place, token_id in enumerate(run.watch)}
    columns = []
    for ids in map(token_numbers, sets):
        lacking = [token_id for token_id in ids if token_id not in places]
        if lacking or run.watched is None:
            raise DataError(
                f"Tokens of words in '{code}' were not watched, such as "
                f"{(lacking or list(ids))[:3]}: decode with watch= the tokens of all words."
            )
        if not ids:
            raise DataError(f"A word in '{code}' has no token: leave its prompt out.")
        columns.append(run.watched[..., [places[i] for i in ids]].double().logsumexp(-1))
    return torch.stack(columns, -1)
