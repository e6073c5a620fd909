"""The prompts of a ``decode`` call, from any form: as texts, a table and token sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import pandas as pd
from jaxtyping import Shaped
from torch import Tensor

from ..errors import TraceError
from ..models.encoding import encode
from ..models.model import Model
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.setting import Setting
from ..prompts.tokens import Starts
from .readings import READINGS
from .tensors import YARDSTICK, is_language

Targets = Mapping[str, Iterable[int]]


@dataclass(frozen=True)
class Inputs:
    """The prompts of a request: texts, the table of a run, and token sets.

    ``token_ids``: those of each prompt, by language; by ``"other:<language>"`` those of its
    yardstick. ``languages`` and ``yardsticks``: the labels that all prompts have. ``answers``: the
    spellings that the token sets of built prompts begin; empty for texts. ``words``: where the
    queried word stands in each text, or None (``Prompt.word_span``). ``prompts``: the built prompts
    themselves; none for texts.
    """

    texts: list[str]
    table: pd.DataFrame
    token_ids: Sequence[Mapping[str, Iterable[int]]]
    languages: tuple[str, ...]
    yardsticks: tuple[str, ...]
    setting: Setting
    answers: Sequence[Mapping[str, Iterable[str]]] = ()
    words: Sequence[tuple[int, int] | None] = ()
    prompts: Sequence[Prompt] = ()

    @classmethod
    def of(cls, prompts: Any, targets: Any) -> Inputs:
        """Read prompts in any form: a text, a prompt, a set, or a list of these."""
        if isinstance(prompts, str):
            targets = [targets] if isinstance(targets, Mapping) else targets
            prompts = [prompts]
        if isinstance(prompts, (Prompt, PromptSet)):
            prompts = [prompts]
        if not isinstance(prompts, Iterable):
            prompts = []
        parts = list(prompts)
        if parts and all(isinstance(part, str) for part in parts):
            return cls._of_texts(parts, targets)
        if not parts or not all(isinstance(part, (Prompt, PromptSet)) for part in parts):
            raise TraceError(
                "decode needs at least one prompt: pass prompts of ll.build_prompts, or texts, "
                "and not both in one list."
            )
        if targets is not None:
            raise TraceError("Prompts carry their own targets: leave targets out.")
        return cls._of_set(PromptSet.of(parts))

    @classmethod
    def _of_set(cls, prompts: PromptSet) -> Inputs:
        if not len(prompts):
            raise TraceError(
                "decode needs at least one prompt, and this set is empty: choose fewer filters."
            )
        token_ids = [_with_yardstick(prompt) for prompt in prompts]
        table = prompts.to_frame().drop(columns="demos")
        texts = [prompt.text for prompt in prompts]
        answers = [prompt.answers for prompt in prompts]
        words = [prompt.word_span for prompt in prompts]
        return cls(
            texts,
            table,
            token_ids,
            *_shared(token_ids),
            prompts.setting,
            answers,
            words,
            prompts.prompts,
        )

    @classmethod
    def _of_texts(cls, texts: list[str], targets: Any) -> Inputs:
        rows = [{} for _ in texts] if targets is None else targets
        if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
            raise TraceError("Each text needs its targets: pass [{language: token ids}, ...].")
        token_ids = [{code: token_numbers(tokens) for code, tokens in row.items()} for row in rows]
        if len(token_ids) != len(texts) or not all(texts):
            raise TraceError(
                "decode needs at least one prompt, none of them empty, and targets for each "
                f"(got {len(texts)} and {len(token_ids)})."
            )
        languages, yardsticks = _shared(token_ids)
        # A text names no languages. English, if it is followed, is the pivot; if exactly one other
        # language is followed, it is the target.
        pivot = "en" if "en" in languages else ""
        others = [code for code in languages if code != pivot]
        setting = Setting(pivot=pivot, target=others[0] if len(others) == 1 else "")
        table = pd.DataFrame(
            {"concept": "", "task": "", "source": "", "target": setting.target, "text": texts}
        )
        table = table.assign(pivot=pivot, cognate="no")
        words = [None] * len(texts)
        return cls(texts, table, token_ids, languages, yardsticks, setting, words=words)

    def by_label(
        self, name: str, values: Shaped[Tensor, "prompt *position layer label"]
    ) -> dict[str, Shaped[Tensor, "prompt *position layer"]]:
        """Return the values of a reading by language, and by yardstick where it has them."""
        labels = (*self.languages, *(self.yardsticks if READINGS[name].yardstick else ()))
        if values.shape[-1] != len(labels):
            raise TraceError(
                f"The reading '{name}' has {values.shape[-1]} values per row and there are "
                f"{len(labels)} languages: return one value per language."
            )
        return {label: values[..., n] for n, label in enumerate(labels)}

    def sets(self, row: int) -> dict[str, tuple[int, ...]]:
        """Return the tokens that begin a prompt's words, by language, in ascending order."""
        return {code: tuple(sorted(self.token_ids[row][code])) for code in self.languages}

    def encoded(self, model: Model) -> list[list[int]]:
        """Return the token ids of every text. Raises ``TraceError`` as ``encode`` does."""
        return [encode(model, text) for text in self.texts]

    def check_ids(self, model: Model, watch: Iterable[int]) -> None:
        """Refuse token ids that the model does not have, or that mean other tokens in it."""
        for ids in [*(ids for row in self.token_ids for ids in row.values()), watch]:
            for token_id in ids:
                if not 0 <= token_id < model.vocab_size:
                    raise TraceError(
                        f"Token id {token_id} is not in {model.name}'s vocabulary of "
                        f"{model.vocab_size}: use this model's tokenizer."
                    )
        starts = Starts(model.tokenizer, self.setting.mode)
        starts.read(sorted({w for row in self.answers for words in row.values() for w in words}))
        for answers, sets in zip(self.answers, self.token_ids):
            for code, words in answers.items():
                if not set(sets[code]) <= set().union(*map(starts.of, words)):
                    raise TraceError(
                        "These prompts were built with the tokenizer of another model than "
                        f"{model.name}, so their token ids mean other tokens here: build them with "
                        "ll.build_prompts(..., tokenizer=model.tokenizer)."
                    )


def token_numbers(tokens: Any) -> tuple[int, ...]:
    """Return token ids as whole numbers. Raises ``TraceError`` for words, and for no ids at all."""
    try:
        if isinstance(tokens, str):
            raise TypeError
        return tuple(index(token) for token in tokens)
    except TypeError:
        raise TraceError(
            f"{tokens!r} are not token ids: pass whole numbers, such as those of "
            "ll.start_ids(word, model.tokenizer)."
        ) from None


def _with_yardstick(prompt: Prompt) -> dict[str, frozenset[int]]:
    """Return the token sets of a prompt and of its yardstick."""
    others = prompt.yardstick.token_ids if prompt.yardstick else {}
    return prompt.token_ids | {f"{YARDSTICK}{code}": ids for code, ids in others.items()}


def _shared(
    token_ids: Sequence[Mapping[str, Iterable[int]]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the languages that all prompts have, and the yardsticks that all have."""
    shared = [label for label in token_ids[0] if all(label in row for row in token_ids)]
    languages = tuple(label for label in shared if is_language(label))
    return languages, tuple(label for label in shared if not is_language(label))
