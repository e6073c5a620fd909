"""``pairs``: two prompts about different concepts, so that each word says where it comes from."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pandas as pd

from ..errors import DataError
from ..models.model import Model
from ..prompts.prompt import Prompt, PromptSet
from .sweep_batches import best_tokens

Sets = dict[str, list[frozenset[int]]]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Prompts in pairs: ``source[i]`` is about A, ``into[i]`` about another concept B.

    ``targets``: the token sets of every pair, ``{label: [set per pair]}``, for ``sweep``. The
    labels are ``"A in en"``, ``"B in en"``, ``"A in zh"`` and ``"B in zh"`` for source prompts that
    ask for English and others that ask for Chinese, and, if neither asks for the pivot,
    ``"pivot"``: both concepts' words in the pivot language. No two sets of a pair share a token.
    ``dropped``: one row per prompt without a partner: concept, side (``"source"`` or ``"into"``)
    and reason.
    """

    source: PromptSet
    into: PromptSet
    targets: Sets = field(repr=False)
    dropped: pd.DataFrame = field(repr=False)

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        titles = f"{self.source.setting.title} into {self.into.setting.title}"
        return f"Pairs({len(self)}: {titles}; {len(self.dropped)} prompts dropped)"


def pairs(
    source_prompts: PromptSet,
    into_prompts: PromptSet,
    *,
    model: Model,
    n: int | None = None,
    seed: int = 0,
) -> Pairs:
    """Pair prompts for activation patching (Dumas et al. 2024, section 3).

    The two prompts of a pair ask about different concepts, A and B, and none of their
    demonstrations is about the other's. The model answers both right: its most probable token
    begins the word. The token sets of the four words (A and B, in the two target languages), and of
    their words in the pivot language as a fifth, share no token. Each prompt stands in one pair at
    most.

    Args:
        source_prompts: what latents are taken from, such as French to English.
        into_prompts: what they are put into, such as German to Chinese. Both sets ask about the
            same concepts, as far as they can.
        model: which answers.
        n: how many pairs; None for all that there are.
        seed: draws the pairs.

    Returns:
        The pairs, in the order of ``into_prompts``.

    Raises:
        DataError: for fewer pairs than ``n``, or none.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> french = ll.build_prompts("translation", "fr", "en", tokenizer=model.tokenizer)[:12]
    >>> german = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[:12]
    >>> drawn = ll.pairs(french, german, model=model, n=2)
    >>> len(drawn), list(drawn.targets)
    (2, ['A in en', 'B in en', 'A in zh', 'B in zh'])
    """
    sides = {"source": source_prompts, "into": into_prompts}
    for name, prompts in sides.items():
        if not isinstance(prompts, PromptSet) or not len(prompts):
            raise DataError(f"{name} prompts must be a set of ll.build_prompts that is not empty.")
    if source_prompts.target == into_prompts.target:
        raise DataError(
            f"Both sets ask for '{into_prompts.target}', so the answer would not tell them apart: "
            "choose two target languages."
        )
    dropped: list[tuple[str, str, str]] = []
    usable = {}
    other = {"source": into_prompts, "into": source_prompts}
    for name, prompts in sides.items():
        usable[name] = dict[str, Prompt]()
        for prompt, best in zip(prompts, best_tokens(model, prompts)):
            if prompt.concept not in other[name]:
                dropped.append((prompt.concept, name, "the other set does not ask about it"))
            elif best not in prompt.token_ids[prompt.target]:
                dropped.append((prompt.concept, name, "the model answers it wrong"))
            else:
                usable[name][prompt.concept] = prompt
    words = {side: _first(prompts) for side, prompts in sides.items()}
    drawn = _match(usable["source"], usable["into"], words, random.Random(seed))
    for side, place in (("source", 0), ("into", 1)):
        taken = {pair[place] for pair in drawn}
        for concept in usable[side]:
            if concept not in taken:
                dropped.append((concept, side, "no partner is left that shares no token with it"))
    if not drawn or len(drawn) < (n or 0):
        reasons = pd.Series([reason for *_, reason in dropped]).value_counts()
        raise DataError(
            f"There are {len(drawn)} pairs and not {n or 1} (most often: {reasons.index[0]}): "
            "pass more prompts, or lower n."
        )
    chosen = drawn[:n]
    for a, b in drawn[len(chosen) :]:
        dropped += [(a, "source", "more than n"), (b, "into", "more than n")]
    order = {prompt.concept: place for place, prompt in enumerate(into_prompts)}
    chosen.sort(key=lambda pair: order[pair[1]])
    sets = [_sets(words, *pair) for pair in chosen]
    return Pairs(
        PromptSet.of([usable["source"][a] for a, _ in chosen]),
        PromptSet.of([usable["into"][b] for _, b in chosen]),
        {label: [each[label] for each in sets] for label in sets[0]},
        pd.DataFrame(dropped, columns=["concept", "side", "reason"]),
    )


def _first(prompts: PromptSet) -> dict[str, Prompt]:
    """Return a prompt about each concept."""
    return {prompt.concept: prompt for prompt in reversed(list(prompts))}


def _match(
    source: dict[str, Prompt],
    into: dict[str, Prompt],
    words: dict[str, dict[str, Prompt]],
    draw: random.Random,
) -> list[tuple[str, str]]:
    """Return concepts (A, B) that may stand together, each once, in a random order."""
    left = draw.sample(list(source), len(source))
    drawn = []
    for b in draw.sample(list(into), len(into)):
        for a in left:
            if _apart(source[a], into[b]) and _disjoint(_sets(words, a, b)):
                drawn.append((a, b))
                left.remove(a)
                break
    return drawn


def _apart(one: Prompt, other: Prompt) -> bool:
    """Return whether neither prompt shows or asks about the concept of the other."""
    shown = [{prompt.concept, *prompt.demos, *prompt.homographs} for prompt in (one, other)]
    return one.concept not in shown[1] and other.concept not in shown[0]


def _sets(words: dict[str, dict[str, Prompt]], a: str, b: str) -> dict[str, frozenset[int]]:
    """Return the token sets of A and B in both target languages, and in the pivot language."""
    sets, pivots = {}, set[str]()
    for prompts in words.values():
        code = prompts[a].target
        sets[f"A in {code}"] = prompts[a].token_ids[code]
        sets[f"B in {code}"] = prompts[b].token_ids[code]
        pivots.add(prompts[a].pivot)
    for pivot in pivots:
        if f"A in {pivot}" not in sets:
            both = [words["into"][concept].token_ids[pivot] for concept in (a, b)]
            sets["pivot"] = frozenset().union(*both)
    return sets


def _disjoint(sets: dict[str, frozenset[int]]) -> bool:
    return sum(map(len, sets.values())) == len(frozenset().union(*sets.values()))
