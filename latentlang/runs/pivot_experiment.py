"""``PivotExperiment``: everything that changes the numbers of a pivot test, and its prompts."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass

from ..errors import DataError
from ..models.model import Model
from ..models.whole_inquiry import PivotInquiry
from ..numbers import seed_number, whole_number
from ..prompts.build import build_prompts
from ..prompts.prompt import Prompt, PromptSet
from ..prompts.words import language, languages, load_words
from .experiment import key_of, with_ids

_FORMAT = 1  # raise it when a test gives other numbers for the same question
_LEAST = 4  # prompts in each half
_OTHERS = 3  # languages beside pivot, source and target
_FIRST = ("es", "ru", "ja")  # they are taken where nothing speaks against them
_RELATED = {"zh": "ja", "ja": "zh"}  # scripts with another name and many signs in common
_Ids = tuple[tuple[Prompt, tuple[int, ...]], ...]


@dataclass(frozen=True)
class PivotMaterial:
    """The prompts of a test.

    ``chosen``: those on which the layers are chosen. ``measured``: about the other concepts.
    ``others``: the measured prompts with the words of another language, by its code.
    """

    chosen: PromptSet
    measured: PromptSet
    others: dict[str, PromptSet]


@dataclass(frozen=True)
class PivotExperiment:
    """One test of one model. Its hash names the entry with the answer.

    ``model``: name, revision, number format and quantization. ``chosen``, ``measured``, ``others``:
    the prompts of the material, each as a whole with its input ids.
    """

    model: tuple[tuple[str, str], ...]
    inquiry: PivotInquiry
    chosen: _Ids
    measured: _Ids
    others: tuple[_Ids, ...]

    @classmethod
    def of(cls, model: Model, inquiry: PivotInquiry, material: PivotMaterial) -> PivotExperiment:
        """Return the experiment behind a question about a model."""
        return cls(
            model=tuple(model.identity.items()),
            inquiry=inquiry,
            chosen=with_ids(material.chosen, model),
            measured=with_ids(material.measured, model),
            others=tuple(with_ids(prompts, model) for prompts in material.others.values()),
        )

    @property
    def key(self) -> str:
        """The name of the entry that answers this experiment: a hash of every field."""
        return key_of({"format": _FORMAT, **asdict(self)})


def asked_pivot(source: str, target: str, *, every: int = 1, seed: int = 0) -> PivotInquiry:
    """Return the question of the arguments of ``pivot_test``, or raise ``DataError``."""
    every, seed = whole_number("every", every, 1), seed_number(seed)
    for name, code in (("source", source), ("target", target)):
        if not isinstance(code, str):
            raise DataError(f"{name} is the code of one language, such as 'fr', not {code!r}.")
        language(code)
    return PivotInquiry(source, target, every, seed)


def material_of_pivot(model: Model, inquiry: PivotInquiry) -> PivotMaterial:
    """Return the prompts that a question is about.

    Left out are concepts whose words are spelled alike in source, pivot and target, those that lack
    a token of their own in one of the languages, and those without a yardstick.

    Raises:
        DataError: The pivot is source or target, or too few prompts are left.
    """

    def built(control: str | None = None) -> PromptSet:
        prompts = build_prompts(
            "translation",
            inquiry.source,
            inquiry.target,
            tokenizer=model.tokenizer,
            seed=inquiry.seed,
            control=control,
        )
        return prompts.about(load_words().index[:: inquiry.every]).without_cognates()

    prompts = built()
    if prompts.pivot in (inquiry.source, inquiry.target):
        raise DataError(
            f"The pivot '{prompts.pivot}' is source or target here, so that its word cannot be "
            "told from theirs: choose two other languages."
        )
    others = {code: built(code) for code in other_languages(inquiry, prompts.pivot)}
    usable = {p.concept for p in prompts if p.yardstick and all(p.token_ids.values())}
    for code, each in others.items():
        usable &= {prompt.concept for prompt in each if prompt.token_ids[code]}
    concepts = [prompt.concept for prompt in prompts if prompt.concept in usable]
    if len(concepts) < 2 * _LEAST:
        raise DataError(
            f"Only {len(concepts)} concepts are left to choose layers on one half and measure on "
            "the other: take a smaller every, or another pair."
        )
    order = random.Random(f"{inquiry.seed}|pivot").sample(concepts, len(concepts))
    chosen, measured = order[: len(order) // 2], order[len(order) // 2 :]
    return PivotMaterial(
        prompts.about(chosen),
        prompts.about(measured),
        {code: each.about(measured) for code, each in others.items()},
    )


def other_languages(inquiry: PivotInquiry, pivot: str) -> list[str]:
    """Return languages beside pivot, source and target; the first shares the target's script.

    >>> other_languages(PivotInquiry("de", "zh"), "en")
    ['ja', 'es', 'ru']
    """
    scripts = languages()["script"]
    taken = {pivot, inquiry.source, inquiry.target}
    free = [code for code in dict.fromkeys((*_FIRST, *scripts.index)) if code not in taken]
    script, related = scripts[inquiry.target], _RELATED.get(inquiry.target)
    alike = [code for code in free if code == related or scripts[code] == script]
    return list(dict.fromkeys((*alike[:1], *free)))[:_OTHERS]
