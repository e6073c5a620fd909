"""``run_retrieval``: from a task, a pair and any languages to what each layer tells in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..analysis.retrieval import Retrieval, retrieval
from ..errors import DataError
from ..lens.decode import decode
from ..lens.lens import Lens
from ..models.model import Model, require_model
from ..progress import Progress
from ..prompts.build import build_prompts
from ..prompts.cognates import alike
from ..prompts.prompt import PromptSet
from ..prompts.sets import WordSets
from ..prompts.tokens import Starts
from ..prompts.words import language, load_words


def run_retrieval(
    model: Model,
    task: str,
    source: str | None,
    target: str,
    languages: Sequence[str],
    *,
    lens: Lens | None = None,
    every: int = 1,
    progress: Progress = True,
) -> Retrieval:
    """Read in which languages each layer tells the concept of its prompt, without their bias.

    The same concepts are looked for in all languages. A concept is left out if two of its words
    (of the source and the languages) are spelled alike or begin with one token, because a copy of
    one would count for the other; or if a language has no word or token for it.
    ``ceiling`` is measured with the repetition task of each language, about the same concepts.

    Args:
        model: what ``load_model`` returns; its weights must be within reach.
        task, source, target: as ``build_prompts`` takes them.
        languages: any codes, such as ``["en", "zh", "es"]``.
        lens: what maps each latent before it is read; None is the logit lens.
        every: 4 asks about every fourth concept of the word list.
        progress: True for a bar for each set of prompts, or a function that is called with
            (done, total).

    Raises:
        DataError: for an unknown language, or fewer than two concepts.
        TraceError: The model cannot be read.

    >>> import latentlang as ll
    >>> model = ll.load_model()
    >>> ask = {"every": 60, "progress": False}
    >>> found = ll.run_retrieval(model, "translation", "ru", "zh", ["en", "es"], **ask)
    >>> found.languages, found.setting.title
    (('en', 'es'), 'translation ru → zh')
    """
    starts = Starts(require_model(model).tokenizer)
    codes = [languages] if isinstance(languages, str) else list(dict.fromkeys(languages))
    for code in codes:
        language(code)
    if not isinstance(every, int) or every < 1 or not codes:
        raise DataError(
            "run_retrieval needs at least one language, and every=1 or more, a whole number."
        )
    words = load_words()
    sets = {code: WordSets(words[code], starts) for code in codes}
    prompts = build_prompts(task, source, target, tokenizer=model.tokenizer)
    asked = prompts.about(words.index[::every])
    usable = [prompt.concept for prompt in asked if _is_apart(prompt.concept, asked.source, sets)]
    if len(usable) < 2:
        raise DataError(
            f"every={every} leaves {len(usable)} concepts whose words differ in "
            f"{', '.join(codes)}: take a smaller number, or fewer languages."
        )
    found = _read(model, asked.about(usable), sets, lens, progress)
    ceiling = {}
    for code in codes:
        repeated = build_prompts("repetition", target=code, tokenizer=model.tokenizer)
        alone = _read(model, repeated.about(usable), {code: sets[code]}, lens, progress)
        ceiling[code] = alone.retrieved[code]
    return replace(found, ceiling=ceiling)


def _is_apart(concept: str, source: str, sets: dict[str, WordSets]) -> bool:
    """Return whether a concept has a word of its own in each language."""
    shown = load_words().loc[concept, source][:1]
    spelled = {code: each.words[concept] for code, each in sets.items()}
    tokens = [each.of(concept) for each in sets.values()]
    if not all(tokens) or any(alike({source: shown, **spelled})):
        return False
    return len(frozenset().union(*tokens)) == sum(map(len, tokens))


def _read(
    model: Model,
    prompts: PromptSet,
    sets: dict[str, WordSets],
    lens: Lens | None,
    progress: Progress,
) -> Retrieval:
    tokens = {code: [each.of(p.concept) for p in prompts] for code, each in sets.items()}
    watch = sorted(frozenset().union(*(ids for rows in tokens.values() for ids in rows)))
    run = decode(model, prompts, lens=lens, top_k=1, watch=watch, energy=False, progress=progress)
    return retrieval(run, tokens)
