"""``SweepExperiment``: everything that changes the numbers of a sweep, in one frozen object."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from ..errors import DataError, near
from ..lens.sweep_result import Sweep
from ..models.model import Model
from ..models.whole_inquiry import SweepInquiry
from ..numbers import seed_number, whole_number
from ..prompts.build import build_prompts
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.words import language, load_words
from .experiment import key_of, with_ids
from .protocols import PROTOCOLS, Material

_FORMAT = 1  # raise it when a protocol gives other numbers for the same question
_MOST_TOKENS = 6  # of a continuation: more than a word and its closing mark need


@dataclass(frozen=True)
class SweepExperiment:
    """One sweep of one model. Its hash names the entry with the answer.

    ``model``: name, revision, number format and quantization. ``inquiry``: the question as asked.
    ``given``, ``into``: each prompt as a whole with its input ids, before pairs are drawn.
    """

    model: tuple[tuple[str, str], ...]
    inquiry: SweepInquiry
    given: tuple[tuple[tuple[Prompt, tuple[int, ...]], ...], ...]
    into: tuple[tuple[Prompt, tuple[int, ...]], ...]

    @classmethod
    def of(cls, model: Model, inquiry: SweepInquiry, material: Material) -> SweepExperiment:
        """Return the experiment behind a question about a model."""
        return cls(
            model=tuple(model.identity.items()),
            inquiry=inquiry,
            given=tuple(with_ids(prompts, model) for prompts in material.given),
            into=with_ids(material.into, model),
        )

    @property
    def key(self) -> str:
        """The name of the entry that answers this experiment: a hash of every field."""
        return key_of({"format": _FORMAT, **asdict(self)})


def asked(
    protocol: str,
    source: object,
    into: object,
    *,
    every: int = 1,
    at: str | int = "last",
    onward: bool = False,
    continue_tokens: int = 0,
    seed: int = 0,
) -> SweepInquiry:
    """Return the question of the arguments of ``run_sweep``, or raise ``DataError``."""
    if str(protocol) not in PROTOCOLS:
        raise DataError(
            f"Unknown protocol '{protocol}'.{near(protocol, PROTOCOLS)} "
            f"Use one of {', '.join(PROTOCOLS)}."
        )
    every = whole_number("every", every, 1)
    continue_tokens = whole_number("continue_tokens", continue_tokens, 0, _MOST_TOKENS)
    seed = seed_number(seed)
    if not isinstance(at, (str, int)):
        raise DataError(f"at is 'last', 'word' or the number of a position, not {at!r}.")
    given, changed = _source(protocol, source), _pair(into, "into")
    return SweepInquiry(protocol, given, changed, every, at, bool(onward), continue_tokens, seed)


def _source(protocol: str, source: object) -> str:
    """Return the source as a question holds it: a code, or pairs joined with ``+``."""
    if protocol == "erase":
        if not isinstance(source, str):
            raise DataError(
                "For 'erase', source is the language whose word is erased, such as 'en', "
                f"not {source!r}."
            )
        language(source)
        return source
    pairs: list[object] = [source]
    if protocol == "concept_mean" and isinstance(source, (list, tuple)):
        several = source and all(isinstance(pair, (list, tuple)) for pair in source)
        pairs = list(source) if several else pairs
    return "+".join(_pair(pair, "source") for pair in pairs)


def material_of(model: Model, inquiry: SweepInquiry) -> Material:
    """Return the prompts that a question is about, as ``build_prompts`` makes them.

    Raises:
        DataError: They cannot be built, or none is left.
    """

    def built(source: str, target: str) -> PromptSet:
        prompts = build_prompts(
            "translation", source, target, tokenizer=model.tokenizer, seed=inquiry.seed
        )
        some = prompts.about(load_words().index[:: inquiry.every])
        if not len(some):
            raise DataError(
                f"every={inquiry.every} leaves no usable concept from '{source}' to '{target}': "
                "take a smaller number."
            )
        return some

    source, target = inquiry.into.split("-")
    into, code = built(source, target), ""
    if inquiry.protocol == "erase":
        code = inquiry.source
        given = [into if code in (source, target, into.pivot) else built(source, code)]
    else:
        given = [built(*pair.split("-")) for pair in inquiry.source.split("+")]
    return Material(tuple(given), into, code, inquiry.at, inquiry.seed)


def fits(sweep: Sweep, model: Model, inquiry: SweepInquiry, material: Material) -> bool:
    """Return whether a sweep is what a question to this model gives.

    A file in a cache may hold anything; its numbers are taken on trust, and nothing else is.
    """
    facts = (sweep.model, sweep.revision, sweep.number_format, sweep.setting)
    ours = (model.name, model.revision, model.format_title, material.into.setting)
    texts = pd.Series({prompt.concept: prompt.text for prompt in material.into})
    prompts = sweep.prompts
    return (
        facts == ours
        and fits_question(sweep, inquiry, model.n_layers)
        and bool(len(prompts) and (prompts["concept"].map(texts) == prompts["text"]).all())
    )


def fits_question(sweep: Sweep, inquiry: SweepInquiry, n_layers: int) -> bool:
    """Return whether a sweep is about the choices of a question, whatever its prompts are."""
    return (
        (sweep.at, sweep.onward) == (inquiry.at, inquiry.onward)
        and sweep.layers == tuple(range(1, n_layers + 1))
        and bool(sweep.continuations) == bool(inquiry.continue_tokens)
        and all(isinstance(text, str) for row in sweep.continuations for text in row)
        and all(isinstance(label, str) for label in sweep.labels)
    )


def _pair(value: object, name: str) -> str:
    """Return a pair of languages as a question holds it: ``"fr-en"``."""
    codes = list(value) if isinstance(value, (tuple, list)) else []
    if len(codes) != 2 or not all(isinstance(code, str) for code in codes):
        raise DataError(f'{name} is a pair of languages, such as ("fr", "en"), not {value!r}.')
    for code in codes:
        language(code)
    return "-".join(codes)
