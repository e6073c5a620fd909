"""``RetrievalExperiment``: everything that changes the numbers of a retrieval, and its prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from ..analysis.retrieval_result import Retrieval
from ..errors import DataError
from ..lens.lens import Lens
from ..models.model import Model
from ..models.whole_inquiry import RetrievalInquiry
from ..numbers import whole_number
from ..prompts.build import build_prompts, setting_of
from ..prompts.cognates import alike
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.sets import WordSets
from ..prompts.tokens import Starts
from ..prompts.words import language, load_words
from .experiment import Experiment, key_of, with_ids

_FORMAT = 1  # raise it when the same question gives other numbers
_Ids = tuple[tuple[Prompt, tuple[int, ...]], ...]


@dataclass(frozen=True)
class RetrievalMaterial:
    """The prompts of a retrieval, and the tokens that are looked for.

    ``prompts``: of the task. ``repeated``: the repetition task of each language, about the same
    concepts. ``tokens``: ``{language: {concept: ids of the tokens that begin its word}}``.
    """

    prompts: PromptSet
    repeated: dict[str, PromptSet]
    tokens: dict[str, dict[str, frozenset[int]]]


@dataclass(frozen=True)
class RetrievalExperiment:
    """One retrieval of one model. Its hash names the entry with the answer.

    ``model``: name, revision, number format and quantization. ``lens``: ``"logit"``, or
    ``Lens.key``. ``prompts``, ``repeated``, ``tokens``: those of the material, each prompt as a
    whole with its input ids.
    """

    model: tuple[tuple[str, str], ...]
    lens: str
    prompts: _Ids
    repeated: tuple[_Ids, ...]
    tokens: dict[str, dict[str, frozenset[int]]]

    @classmethod
    def of(
        cls, model: Model, material: RetrievalMaterial, lens: Lens | None = None
    ) -> RetrievalExperiment:
        """Return the experiment behind a question about a model."""
        return cls(
            model=tuple(model.identity.items()),
            lens=Experiment.lens if lens is None else lens.key,
            prompts=with_ids(material.prompts, model),
            repeated=tuple(with_ids(prompts, model) for prompts in material.repeated.values()),
            tokens=material.tokens,
        )

    @property
    def key(self) -> str:
        """The name of the entry that answers this experiment: a hash of every field."""
        return key_of({"format": _FORMAT, **asdict(self)})


def asked_retrieval(
    task: str, source: str | None, target: str, languages: Sequence[str], *, every: int = 1
) -> RetrievalInquiry:
    """Return the question of the arguments of ``run_retrieval``, or raise ``DataError``.

    >>> asked_retrieval("repetition", None, "zh", ["en", "zh", "en"], every=4).title
    'retrieval in en+zh · repetition zh (every=4)'
    """
    several = isinstance(languages, Iterable) and not isinstance(languages, str)
    listed: list[Any] = list(languages) if several else [languages]
    for code in listed:
        language(code)
    if not listed:
        raise DataError(
            "run_retrieval needs at least one language: pass ['en', 'zh'], for example."
        )
    every = whole_number("every", every, 1)
    shown = setting_of(task, source, target, default_mode=None).source
    return RetrievalInquiry(task, shown, target, "+".join(dict.fromkeys(listed)), every)


def material_of_retrieval(
    model: Model,
    task: str,
    source: str | None,
    target: str,
    codes: Sequence[str],
    *,
    every: int = 1,
    words: pd.DataFrame | str | None = None,
) -> RetrievalMaterial:
    """Return the prompts that a question is about; its arguments are those of ``run_retrieval``.

    Raises:
        DataError: They cannot be built, or fewer than two concepts are left.
    """
    starts, table = Starts(model.tokenizer), load_words(words)
    options: dict[str, Any] = {"tokenizer": model.tokenizer, "words": words}
    asked = build_prompts(task, source, target, **options).about(table.index[::every])
    sets = {code: WordSets(table[code], starts) for code in dict.fromkeys((*codes, target))}
    usable = []
    for concept in (prompt.concept for prompt in asked):
        shown = table.loc[concept, asked.source][0]
        if _is_apart(concept, asked.source, shown, starts, sets):
            usable.append(concept)
    if len(usable) < 2:
        raise DataError(
            f"every={every} leaves fewer than two concepts whose words differ in "
            f"{', '.join(dict.fromkeys((asked.source, *sets)))}: take a smaller number, or fewer "
            "languages."
        )
    # With another pivot, concepts whose words are like its words would be dropped.
    alone = {code: build_prompts("repetition", None, code, pivot=code, **options) for code in codes}
    return RetrievalMaterial(
        prompts=asked.about(usable),
        repeated={code: prompts.about(usable) for code, prompts in alone.items()},
        tokens={code: {c: sets[code].of(c) for c in usable} for code in codes},
    )


def fits_retrieval(
    found: Retrieval, model: Model, material: RetrievalMaterial, lens: Lens | None
) -> bool:
    """Return whether a result is what a question to this model gives.

    A file in a cache may hold anything; its numbers are taken on trust, and nothing else is.
    """
    prompts = material.prompts
    facts = (found.model, found.revision, found.number_format, found.lens, found.setting)
    name = Experiment.lens if lens is None else lens.name
    ours = (model.name, model.revision, model.format_title, name, prompts.setting)
    lengths = {code: len(each) for code, each in material.repeated.items()}
    return (
        facts == ours
        and found.layers == tuple(range(1, model.n_layers + 1))
        and list(found.concepts) == [prompt.concept for prompt in prompts]
        and found.languages == tuple(material.tokens)
        and {code: len(rows) for code, rows in found.ceiling.items()} == lengths
    )


def _is_apart(
    concept: str, source: str, shown: str, starts: Starts, sets: dict[str, WordSets]
) -> bool:
    """Return whether a concept has a word of its own in each language, and in the prompt.

    Args:
        concept: what the prompt asks for.
        source: the language of ``shown``, the word that the prompt shows.
        starts: finds the tokens that begin it, all of which a copy of it may begin with.
        sets: the words of the languages that are told apart.
    """
    spelled = {code: each.words[concept] for code, each in sets.items()}
    tokens = {code: each.of(concept) for code, each in sets.items()}
    if not all(tokens.values()) or any(alike({source: (shown,), **spelled})):
        return False
    tokens[source] = tokens.get(source, frozenset()) | starts.of(shown)
    return len(frozenset().union(*tokens.values())) == sum(map(len, tokens.values()))
