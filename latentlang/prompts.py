"""The paper's three kinds of prompt (paper, section 3.3) and the words that count as answers.

Translation and repetition show four words with their counterparts and ask for a fifth;
cloze shows two defining sentences with their answers and asks for a third.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from .data import BLANK, language, languages, load_cloze, load_words
from .errors import DataError, near
from .tokens import stand_ins, start_ids_of_all

TASKS = ("translation", "repetition", "cloze")
CONTROLS = ("shuffled", "random")
_DEMONSTRATIONS = {"translation": 4, "repetition": 4, "cloze": 2}


@dataclass(frozen=True)
class Prompt:
    """One question to the model, with everything needed to judge the answer.

    ``text`` ends with the opening quote of the answer. ``demos`` are the concepts shown before
    the query. ``answers[lang]`` are the accepted spellings and ``token_ids[lang]`` the tokens
    that begin them (``start_ids``), for the target, the pivot and the source language.
    """

    text: str
    task: str
    source: str
    target: str
    concept: str
    demos: tuple[str, ...]
    answers: dict[str, tuple[str, ...]]
    token_ids: dict[str, frozenset[int]]

    @property
    def cognate(self) -> bool:
        """Whether the source word looks like the pivot word, so that copying it is taken for the pivot language.

        True when one is contained in the other (case ignored) or one token begins both: French
        ``lion`` or German ``Wind`` with English as the pivot. The paper keeps such prompts.
        """
        pivot = next(iter(self.answers))
        if pivot in (self.source, self.target):
            return False
        ours, theirs = self.answers[pivot], self.answers[self.source]
        alike = _contained(ours, theirs) or _contained(theirs, ours)
        return bool(alike or self.token_ids[pivot] & self.token_ids[self.source])


@dataclass(frozen=True)
class PromptSet:
    """Prompts in a fixed order, and ``dropped``: the concepts left out (concept, source, target, reason).

    ``len``, iteration and indexing give the prompts; ``+`` pools two sets.
    """

    prompts: tuple[Prompt, ...]
    dropped: pd.DataFrame = field(repr=False)

    def __len__(self) -> int:
        return len(self.prompts)

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.prompts)

    def __getitem__(self, item):
        if isinstance(item, slice):
            return PromptSet(self.prompts[item], self.dropped)
        return self.prompts[item]

    def __add__(self, other: PromptSet) -> PromptSet:
        return PromptSet(self.prompts + other.prompts, pd.concat([self.dropped, other.dropped], ignore_index=True))

    def about(self, concepts: Iterable[str]) -> PromptSet:
        """Return the prompts about some of the concepts, in the same order."""
        wanted = set(concepts)
        return PromptSet(tuple(p for p in self if p.concept in wanted), self.dropped)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a prompt: concept, task, source, target, cognate, answers by language, demos, text."""
        rows = [
            {"concept": p.concept, "task": p.task, "source": p.source, "target": p.target, "cognate": p.cognate}
            | {f"answer_{code}": " | ".join(words) for code, words in p.answers.items()}
            | {"demos": ", ".join(p.demos), "text": p.text}
            for p in self
        ]
        return pd.DataFrame(rows)


def build_prompts(
    task: str,
    source: str | None = None,
    target: str = "zh",
    *,
    tokenizer,
    words: pd.DataFrame | str | None = None,
    pivot: str = "en",
    k: int | None = None,
    seed: int = 0,
    mode: str | None = None,
    shared_demos: bool = False,
    control: str | None = None,
) -> PromptSet:
    """Build one prompt for every usable concept.

    ``task``: ``"translation"`` (from ``source`` to ``target``), ``"repetition"`` or
    ``"cloze"`` (both in ``target`` alone). ``words``: a table as ``load_words`` returns or
    reads it; None for the list that ships with latentlang. ``k``: how many demonstrations
    (None: 4, for cloze 2, as in the paper). ``mode``: see ``start_ids``. ``shared_demos``
    shows one set of demonstrations before every query, whose concepts are then not asked.

    ``control`` changes one thing that should matter. ``"shuffled"``: each demonstration shows the
    answer of another one. ``"random"``: in place of the right pivot word another one of like
    length and frequency is followed. A language code: that language is the pivot.

    The demonstrations are drawn by ``seed`` from all concepts of the pair before any is
    dropped, so the tokenizer never changes a prompt. A concept is dropped, and listed in
    ``.dropped`` with the reason, when the pivot word is contained in the target word, when
    no token begins a word, or when one token begins both the target and the pivot word.

    Raises ``DataError`` for an unknown task or language, for a translation into the same
    language, for too few words, and when no concept is left.
    """
    if control is not None and control not in CONTROLS:
        pivot = _check_pivot(control, source, target)
    source = _check_task(task, source, target, pivot)
    if control == "random" and pivot in (source, target):
        raise DataError(f"control='random' needs a pivot other than source and target, and the pivot is '{pivot}': choose another pair.")
    table = load_words(words)
    for code in {source, target, pivot}:
        if code not in table.columns:
            raise DataError(f"The word list has no column '{code}': add it, or choose among {', '.join(table.columns)}.")
    cloze = load_cloze(target) if task == "cloze" else {}
    asked = [c for c in table.index if table.at[c, source] and table.at[c, target] and (task != "cloze" or c in cloze)]
    k = _DEMONSTRATIONS[task] if k is None else k
    if not 0 <= k < len(asked):
        raise DataError(f"k={k} demonstrations and a query need {max(k, 0) + 1} concepts, and this pair has {len(asked)}: lower k.")

    def line(concept: str, answer: str | None = None) -> str:
        said = None if answer is None else table.at[answer, target][0]
        return _line(source, target, table.at[concept, source][0], said, cloze.get(concept))

    followed = stand_ins(table[pivot], tokenizer, seed) if control == "random" else {}
    shared = _draw(asked, k, f"{task}|{source}|{target}|{seed}") if shared_demos else ()
    kept, dropped = [], []
    for concept in asked:
        others = [c for c in asked if c != concept]
        demos = shared or _draw(others, k, f"{task}|{source}|{target}|{seed}|{concept}")
        answers = {code: table.at[concept, code] for code in dict.fromkeys((pivot, target, source))}
        answers[pivot] = table.at[followed.get(concept, concept), pivot]
        token_ids = {code: start_ids_of_all(spellings, tokenizer, mode) for code, spellings in answers.items()}
        reason = "used as a demonstration" if concept in shared else _why_dropped(answers, token_ids, target, pivot)
        if reason:
            dropped.append({"concept": concept, "source": source, "target": target, "reason": reason})
            continue
        shown = demos[1:] + demos[:1] if control == "shuffled" else demos
        text = "\n".join([*map(line, demos, shown), line(concept)])
        kept.append(Prompt(text, task, source, target, concept, tuple(demos), answers, token_ids))
    if not kept:
        reasons = pd.Series([d["reason"].split(":")[0] for d in dropped]).value_counts()
        raise DataError(
            f"No usable words from '{source}' to '{target}' for this tokenizer ({len(dropped)} concepts; most often: "
            f"{reasons.index[0]}): try mode='word' or mode='first', another pair, or another model."
        )
    return PromptSet(tuple(kept), pd.DataFrame(dropped, columns=["concept", "source", "target", "reason"]))


def _check_task(task: str, source: str | None, target: str, pivot: str) -> str:
    """Validate task and languages and return the source language."""
    if task not in TASKS:
        raise DataError(f"Unknown task '{task}'.{near(task, TASKS)} Use one of {', '.join(TASKS)}.")
    for code in (source, target, pivot):
        if code is not None:
            language(code)
    if task != "translation":
        if source not in (None, target):
            raise DataError(f"A {task} prompt stays in one language: leave source out, or set it to '{target}'.")
        return target
    if source is None:
        raise DataError("A translation needs a source language: pass source='fr', for example.")
    if source == target:
        raise DataError(f"Source and target are both '{target}': choose two languages, or the task 'repetition'.")
    return source


def _check_pivot(control: str, source: str | None, target: str) -> str:
    """Return the pivot language that ``control`` names."""
    if control not in languages().index:
        raise DataError(
            f"Unknown control '{control}'.{near(control, CONTROLS)} Use {' or '.join(CONTROLS)}, or a language code as the pivot."
        )
    if control in (source, target):
        raise DataError(f"'{control}' is already source or target: choose a third language as the pivot.")
    return control


def _draw(concepts: list[str], k: int, seed: str) -> tuple[str, ...]:
    """Draw ``k`` concepts without replacement; the same seed text always draws the same."""
    return tuple(random.Random(seed).sample(concepts, k))


def _line(source: str, target: str, word: str, answer: str | None, sentence: str | None) -> str:
    """Return one line of a prompt (paper, section 3.3): with its answer, or up to the opening quote when ``answer`` is None.

    With a cloze ``sentence`` the line asks for its blank, otherwise for ``word`` in the target language.
    """
    own, end = language(target), ""
    if sentence is not None:
        gap = "" if own["answer"].endswith("：") else " "  # a full-width colon brings its own space
        question, end = sentence.replace(BLANK, f'"{BLANK}"') + gap + own["answer"] + gap + '"', own["stop"]
    else:
        question = f'{language(source)["endonym"]}: "{word}" - {own["endonym"]}: "'
    return question if answer is None else f'{question}{answer}"{end}'


def _why_dropped(answers: dict, token_ids: dict, target: str, pivot: str) -> str | None:
    """Return why a concept can't tell target and pivot apart, or None when it can."""
    if not answers[pivot]:
        return f"no word in '{pivot}'"
    if target != pivot and (contained := _contained(answers[pivot], answers[target])):
        return f"the pivot word is in the target word: {contained}"
    for code in (target, pivot):
        if not token_ids[code]:
            return f"no token begins the '{code}' word"
    if target != pivot and token_ids[target] & token_ids[pivot]:
        return f"shared first token: {answers[pivot][0]} / {answers[target][0]}"
    return None


def _contained(words: Iterable[str], others: Iterable[str]) -> str | None:
    """Return ``"hand / Hand"`` for the first of ``words`` found inside one of the ``others`` (case ignored)."""
    pairs = ((word, other) for other in others for word in words)
    return next((f"{word} / {other}" for word, other in pairs if word.casefold() in other.casefold()), None)
