"""The prompts of a ``decode`` call, from any form: as texts, a table and token sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import pandas as pd

from ..errors import TraceError
from ..models.model import Model
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.setting import Setting

Targets = Mapping[str, Iterable[int]]


@dataclass(frozen=True)
class Inputs:
    """The prompts of a request: texts, the table of a run, and token sets by language."""

    texts: list[str]
    table: pd.DataFrame
    token_ids: Sequence[Mapping[str, Iterable[int]]]
    languages: tuple[str, ...]
    setting: Setting

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
        token_ids = [prompt.token_ids for prompt in prompts]
        table = prompts.to_frame().drop(columns="demos")
        texts = [prompt.text for prompt in prompts]
        return cls(texts, table, token_ids, _shared(token_ids), prompts.setting)

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
        languages = _shared(token_ids)
        # A text names no languages. English, if it is followed, is the pivot; if exactly one other
        # language is followed, it is the target.
        pivot = "en" if "en" in languages else ""
        others = [code for code in languages if code != pivot]
        setting = Setting(pivot=pivot, target=others[0] if len(others) == 1 else "")
        table = pd.DataFrame(
            {"concept": "", "task": "", "source": "", "target": setting.target, "text": texts}
        )
        table = table.assign(pivot=pivot, cognate=False)
        return cls(texts, table, token_ids, languages, setting)

    def check_ids(self, model: Model, watch: Iterable[int]) -> None:
        """Refuse token ids that the model's output does not have."""
        for ids in [*(ids for row in self.token_ids for ids in row.values()), watch]:
            for token_id in ids:
                if not 0 <= token_id < model.vocab_size:
                    raise TraceError(
                        f"Token id {token_id} is not in {model.name}'s vocabulary of "
                        f"{model.vocab_size}: use this model's tokenizer."
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


def _shared(token_ids: Sequence[Mapping[str, Iterable[int]]]) -> tuple[str, ...]:
    """Return the languages that all prompts have."""
    return tuple(code for code in token_ids[0] if all(code in row for row in token_ids))
