"""Experiments: a task, a language pair and a model in; readings out, kept on disk."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm.auto import tqdm

from . import cache
from .data import load_words
from .decoded import Decoded
from .lens import decode
from .models import Model
from .prompts import PromptSet, build_prompts

_PART = 64  # prompts stored at a time: about a quarter of a minute on two CPU cores


def run_experiment(
    model: Model,
    task: str,
    source: str | Sequence[str] | None = None,
    target: str = "zh",
    *,
    seed: int = 0,
    k: int | None = None,
    shared_demos: bool = False,
    control: str | None = None,
    words=None,
    every: int = 1,
    refresh: bool = False,
    progress: bool = True,
) -> Decoded:
    """Read every layer for all prompts of one experiment, or take the result from the cache.

    ``source`` may be a list of languages, whose prompts are pooled (the paper pools de, fr and ru to
    zh). ``every=4`` asks about every fourth concept of the word list, the same ones for all pairs. ``refresh`` computes
    anew. The other arguments are those of ``build_prompts``.
    An interrupted run keeps its finished parts and goes on there next time.
    """
    sources = [source] if source is None or isinstance(source, str) else list(source)
    options = {"words": words, "seed": seed, "k": k, "shared_demos": shared_demos, "control": control}
    asked = load_words(words).index[::every]
    sets = [build_prompts(task, code, target, tokenizer=model.tokenizer, **options).about(asked) for code in sources]
    with tqdm(total=sum(map(len, sets)), unit="prompt", disable=not progress, leave=False) as bar:
        return Decoded.concatenate([_answer(model, prompts, refresh, bar) for prompts in sets])


def _answer(model: Model, prompts: PromptSet, refresh: bool, bar: tqdm) -> Decoded:
    """Return the readings of one pair, from the cache or computed; a pool shares its pairs with those who ask for one alone."""
    facts = {"model": model.identity, "prompts": [(p.concept, p.text, {c: sorted(i) for c, i in p.token_ids.items()}) for p in prompts]}
    before = bar.n

    def compute(rows: slice) -> Decoded:
        bar.update(before + rows.start - bar.n)  # parts that were stored before count as done
        found = decode(model, prompts[rows], progress=False)
        if len(found) < len(prompts[rows]):  # stopped by the reader: half a part must not be stored as a whole one
            raise KeyboardInterrupt
        bar.update(len(found))
        return found

    result = cache.answer(facts, len(prompts), compute, part=_PART, refresh=refresh)
    bar.update(before + len(prompts) - bar.n)
    return result
