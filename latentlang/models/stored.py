"""A model whose weights are elsewhere: it answers from stored results, and computes nothing.

Stored answers ship with latentlang, for some models. ``python -m latentlang precompute`` writes
more into a folder that ``LATENTLANG_CACHE`` names, with the tokenizer, so that a machine without
the weights can also build prompts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..errors import ModelError
from ..files import data_file, shared_cache
from ..prompts.build import setting_of
from ..prompts.tasks import TASKS
from ..prompts.token_texts import TokenTexts
from ..prompts.tokens import Starts
from .catalogue import CATALOGUE, PACKAGED
from .inquiry import Inquiry
from .model import Model
from .sessions import Session
from .store import Asked, ModelFacts, Store, folder_name

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TOKENIZER = "tokenizer"
_LISTED = 8  # stored questions that a sentence names
_PRECOMPUTE = "run `python -m latentlang precompute` again"


class Stored(Session):
    """No weights: ``stores`` answer, those that ship with latentlang first."""

    def __init__(self, name: str, stores: list[Store]) -> None:
        self.name, self.stores = name, stores
        super().__init__(self.refusal("What you ask for"))

    def where(self, number_format: str) -> str:
        return "no weights loaded, stored answers"

    def refusal(self, question: str, kind: type[Asked] | None = None) -> str:
        """Return the sentence that says that a question is not stored, what is, and what to do.

        Args:
            question: what was asked, in words.
            kind: of the question; the stored ones of this kind are named first.
        """
        stored = [each for store in self.stores for each in store.answers]

        def place(each: Asked) -> tuple[bool, int]:
            task = each.setting.task if isinstance(each, Inquiry) else ""
            other = kind is not None and not isinstance(each, kind)
            return other, [*TASKS, task].index(task)  # the task that most ask about is first

        titles = list(dict.fromkeys(each.title for each in sorted(stored, key=place)))
        listed = ", ".join(titles[:_LISTED]) or "none"
        if len(titles) > _LISTED:
            listed += f" and {len(titles) - _LISTED} more"
        return (
            f"{question} is not stored, and {self.name} was loaded without its weights: "
            f"ask for what is stored ({listed}), or {self.advice}."
        )

    @property
    def advice(self) -> str:
        """How to compute what is not stored: words that follow a colon."""
        return _advice(self.name)

    @property
    def how_to_load(self) -> str:
        """How to come by the weights, in few words that follow a colon."""
        return _how_to_load(self.name)

    def finest(self, task: str, source: str | None, target: str, lens: str = Inquiry.lens) -> int:
        """Return n of the stored answer about every n-th concept that has the most; 1 for none."""
        about = [each for each in self._about(task, source, target) if each.lens == lens]
        return min((each.every for each in about if not each.concepts), default=1)

    def singly(
        self, task: str, source: str | None, target: str, lens: str = Inquiry.lens
    ) -> list[str]:
        """Return the concepts that stored answers have beside every n-th one."""
        about = [each for each in self._about(task, source, target) if each.lens == lens]
        return list(dict.fromkeys(concept for each in about for concept in each.concepts))

    def lenses(self, task: str, source: str | None, target: str) -> list[str]:
        """Return the names of the lenses that stored answers have; the logit lens is first."""
        names = {each.lens for each in self._about(task, source, target)}
        return sorted(names, key=lambda name: (name != Inquiry.lens, name))

    def _about(self, task: str, source: str | None, target: str) -> Iterator[Inquiry]:
        """Yield the stored questions about a task and its languages, with no other choice."""
        for store in self.stores:
            setting = setting_of(task, source, target, default_mode=store.facts.mode)
            for each in store.answers:
                if isinstance(each, Inquiry) and each.setting == setting:
                    yield each


def stored_model(name: str) -> Model | None:
    """Return the model of this name that answers from stored results, or None.

    All of its answers are of one version of the model. A folder that cannot be used, or holds those
    of another version, is left out with a warning.

    Raises:
        ModelError: What is stored of it cannot be read or used.
    """
    stores: list[Store] = []
    tokenizers = []
    unusable = []
    for place, remedy in _places():
        try:
            store = Store.open(place / folder_name(name), remedy)
            if store is None or store.facts.name.rstrip("/") != name.rstrip("/"):
                continue
            if stores and store.facts != stores[0].facts:
                raise ModelError(
                    f"The stored answers in {store.folder} are of another version of {name} than "
                    f"those in {stores[0].folder}, and are left out: {remedy}."
                )
            tokenizers.append(_tokenizer(store))
            stores.append(store)
        except ModelError as error:
            unusable.append(error)
    if not stores:
        if unusable:
            raise unusable[0]
        return None
    for reason in unusable:
        warnings.warn(str(reason), stacklevel=4)
    facts = asdict(stores[0].facts)
    del facts["mode"]
    session = Stored(facts["name"], stores)
    tokenizer = next((each for each in tokenizers if each is not None), _token_texts(session))
    return Model(tokenizer=tokenizer, session=session, **facts)


def stored_names() -> list[str]:
    """Return the names of the models of which answers are stored and can be read."""
    names = []
    for place, remedy in _places():
        for folder in sorted(place.glob("*/")):
            try:
                store = Store.open(folder, remedy)
            except ModelError:
                continue
            if store is not None and store.answers:
                names.append(store.facts.name)
    return list(dict.fromkeys(names))


def facts_of(model: Model) -> ModelFacts:
    """Return what is kept of a model beside its answers."""
    return ModelFacts(
        name=model.name,
        n_layers=model.n_layers,
        d_model=model.d_model,
        vocab_size=model.vocab_size,
        number_format=model.number_format,
        quantization=model.quantization,
        revision=model.revision,
        mode=Starts(model.tokenizer).mode,
    )


def shared_store(root: Path, name: str) -> Path:
    """Return the folder of a model's stored answers in the shared cache ``root``."""
    return root / "stored" / folder_name(name)


def store_tokenizer(model: Model, folder: Path) -> None:
    """Write the tokenizer of a model beside its stored answers."""
    model.tokenizer.save_pretrained(folder / _TOKENIZER)


def _places() -> list[tuple[Path, str]]:
    """Return where folders of stored answers are, each with what mends a damaged file."""
    places = [(data_file("results") / "stored", "install latentlang again")]
    if (shared := shared_cache()) is not None:
        places.append((shared / "stored", _PRECOMPUTE))
    return places


def _advice(name: str) -> str:
    """Return how to compute what is not stored of a model."""
    other = "" if name == PACKAGED else f" or take one that runs here, ll.load_model('{PACKAGED}')"
    if _comes_in_a_package(name):
        return f"{_how_to_load(name)} and load the model without stored=True{other}"
    return f"{_how_to_load(name)}{other}"


def _how_to_load(name: str) -> str:
    if _comes_in_a_package(name):
        return f"run `python -m latentlang prefetch {name}`"
    return "load it where its weights are"


def _comes_in_a_package(name: str) -> bool:
    entry = CATALOGUE.get(name)
    return bool(entry and entry.package)


def _tokenizer(store: Store) -> PreTrainedTokenizerBase | None:
    """Return the tokenizer beside stored answers, or None if there is none.

    Raises:
        ModelError: It is damaged.
    """
    folder = store.folder / _TOKENIZER
    if not folder.is_dir():
        return None
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # a damaged tokenizer has many ways to fail
        raise ModelError(
            f"{folder} is damaged, or comes from another version of latentlang: {store.remedy}."
        ) from error


def _token_texts(session: Stored) -> PreTrainedTokenizerBase:
    """Return what names the tokens of stored answers, where there is no tokenizer."""
    tables = [partial(store.texts, each) for store in session.stores for each in store.answers]
    texts = TokenTexts(session.name, _advice(session.name), tables)
    return cast("PreTrainedTokenizerBase", texts)  # what it cannot do, it says
