"""The text that lenses are fitted on: the cloze sentences of all languages, filled in.

A sentence counts for one concept. The concepts are split, not the sentences, so that what is held
out shares no concept with what is fitted, in any language.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..errors import DataError, near
from ..models.encoding import check_length
from ..models.model import Model
from ..prompts.cells import BLANK
from ..prompts.prompt import Prompt
from ..prompts.words import languages, load_cloze, load_words

Exclude = str | Prompt | Iterable[str | Prompt]
Groups = dict[str, list[Tensor]]  # the latents of each text of a group, [token, layer, d_model]
TOKENS = 10_000  # of the default text, spread evenly over the languages
# Of ten concepts, or texts: those of each half of the fit, and the rest to judge it.
HALVES = ("first half", "second half")
HELD_OUT = "held out"
_DEAL = (*HALVES * 4, HELD_OUT, HELD_OUT)
_TOGETHER = 4  # sentences of one text
_LEAST = 2  # tokens of a text: nothing stands before the first one, so it is left out


@dataclass(frozen=True)
class FitText:
    """Texts as token ids, each in one of the groups ``HALVES`` and ``HELD_OUT``.

    ``concepts``: those that the sentences are about; none for texts of the reader's own.
    """

    encoded: list[list[int]]
    groups: list[str]
    concepts: tuple[str, ...] = ()

    def grouped(self, latents: Sequence[Float[Tensor, "token layer d_model"]]) -> Groups:
        """Return the latents of the texts by group."""
        return {
            name: [h for h, group in zip(latents, self.groups) if group == name]
            for name in (*HALVES, HELD_OUT)
        }

    @classmethod
    def of(
        cls,
        model: Model,
        texts: Sequence[str] | None,
        exclude: Exclude,
        seed: int,
        tokens: int = TOKENS,
    ) -> FitText:
        """Return the reader's texts, or the default text of so many tokens without some concepts.

        Raises:
            DataError: The texts are none, or an unknown concept is excluded.
        """
        without = _concepts(exclude)
        if texts is None:
            return _default(model, without, seed, tokens)
        several = not isinstance(texts, str) and isinstance(texts, Iterable)
        rows: list = list(texts) if several else [texts]
        if not all(isinstance(text, str) for text in rows):
            raise DataError(
                "A lens is fitted on texts: pass a list of strings, or leave texts out."
            )
        encoded = []
        for text in rows:
            ids = model.tokenizer(text)["input_ids"]
            check_length(model, len(ids), text)
            if len(ids) >= _LEAST:
                encoded.append(ids)
        if len(encoded) < len(_DEAL):
            raise DataError(
                f"A lens needs {len(_DEAL)} texts of two tokens or more, and there are "
                f"{len(encoded)}: pass more, such as one per paragraph, or leave texts out."
            )
        return cls(encoded, _dealt(encoded, seed))


def _default(model: Model, without: set[str], seed: int, tokens: int) -> FitText:
    codes, words = list(languages().index), load_words()
    concepts = [concept for concept in words.index if concept not in without]
    group_of = dict(zip(concepts, _dealt(concepts, seed)))
    encoded, groups, about = [], [], set()
    for code in codes:
        cloze = load_cloze(code)
        known = [c for c in concepts if c in cloze and words.loc[c, code]]
        order = random.Random(f"{seed} {code}").sample(known, len(known))
        for group in dict.fromkeys(_DEAL):
            budget = tokens / len(codes) * _DEAL.count(group) / len(_DEAL)
            filled = []
            for concept in (concept for concept in order if group_of[concept] == group):
                sentence = cloze[concept].replace(BLANK, words.loc[concept, code][0])
                budget -= len(model.tokenizer(sentence)["input_ids"])
                if budget < 0:
                    break
                filled.append(sentence)
                about.add(concept)
            for start in range(0, len(filled), _TOGETHER):
                joined = " ".join(filled[start : start + _TOGETHER])
                encoded.append(model.tokenizer(joined)["input_ids"])
                groups.append(group)
    if {*groups} != {*_DEAL}:
        raise DataError(
            "Too few of the cloze sentences are left to fit a lens: exclude fewer concepts, or "
            "pass texts of your own."
        )
    return FitText(encoded, groups, tuple(sorted(about)))


def _dealt(items: Sequence, seed: int) -> list[str]:
    """Return a group for each item, at random, in the shares of ``_DEAL``."""
    deal = [_DEAL[n % len(_DEAL)] for n in range(len(items))]
    return random.Random(seed).sample(deal, len(deal))


def _concepts(exclude: Exclude) -> set[str]:
    known = load_words().index
    if isinstance(exclude, (str, Prompt)) or not isinstance(exclude, Iterable):
        exclude = [exclude]
    concepts = [each.concept if isinstance(each, Prompt) else str(each) for each in exclude]
    for concept in concepts:
        if concept not in known:
            raise DataError(
                f"Unknown concept '{concept}' in exclude.{near(concept, known)} "
                "ll.load_words().index lists the concepts."
            )
    return set(concepts)
