"""``build_prompts``: one prompt per usable concept, and the words that count as its answers."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pandas as pd

from ..errors import DataError, near
from .prompt import Prompt, PromptSet, contained
from .setting import PIVOT, Setting
from .tasks import TASKS, Task, find_task
from .tokens import matched_controls, start_ids_of_all
from .words import language, languages, load_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CONTROLS = ("shuffled", "random")


def build_prompts(
    task: str,
    source: str | None = None,
    target: str = "zh",
    *,
    tokenizer: PreTrainedTokenizerBase,
    words: pd.DataFrame | str | None = None,
    pivot: str = PIVOT,
    k: int | None = None,
    seed: int = 0,
    mode: str | None = None,
    shared_demos: bool = False,
    control: str | None = None,
) -> PromptSet:
    """Build one prompt for every usable concept.

    The demonstrations are drawn by ``seed`` from all concepts of the pair before any is dropped,
    so the tokenizer never changes a prompt. ``.dropped`` lists the concepts that are dropped, each
    with the reason: the pivot word is contained in the target word, no token begins a word, or one
    token begins both the target and the pivot word.

    Args:
        task: a name of ``TASKS``: ``"translation"`` (from ``source`` to ``target``),
            ``"repetition"`` or ``"cloze"`` (both in ``target`` alone).
        source: the language of the words shown; only for a task of two languages.
        target: the language of the answer.
        tokenizer: the model's, ``model.tokenizer``.
        words: a table as ``load_words`` returns or reads it; None for the list of latentlang.
        pivot: the language to look for on the way.
        k: how many demonstrations; None for the task's own number (2 for cloze, else 4, as in the
            paper).
        seed: draws the demonstrations.
        mode: see ``start_ids``.
        shared_demos: show one set of demonstrations before every query; no prompt asks about them.
        control: changes one thing that should matter. ``"shuffled"``: each demonstration shows the
            answer of another one. ``"random"``: another word of similar length and frequency is
            control_of instead of the right pivot word. A language code: that language is the pivot.

    Returns:
        The prompts, in the order of the word list.

    Raises:
        DataError: for an unknown task or language, for a translation into the same language, for
            too few words, and when no concept is left.

    >>> import latentlang as ll
    >>> tokenizer = ll.load_model().tokenizer
    >>> prompts = ll.build_prompts("translation", "fr", "de", tokenizer=tokenizer)
    >>> print(prompts["flower"].text.splitlines()[-1])
    Français: "fleur" - Deutsch: "
    >>> prompts["flower"].answers["de"][0]
    'Blume'
    """
    _check_types(task=task, source=source, target=target, pivot=pivot, control=control)
    if control is not None and control not in CONTROLS:
        pivot = _check_pivot(control, source, target)
    source = _check_task(task, source, target, pivot)
    if control == "random" and pivot in (source, target):
        raise DataError(
            "control='random' needs a pivot other than source and target, "
            f"and the pivot is '{pivot}': choose another pair."
        )
    table = load_words(words)
    for code in (source, target, pivot):
        if code not in table.columns:
            listed = ", ".join(table.columns)
            raise DataError(
                f"The word list has no column '{code}': add it, or choose among {listed}."
            )
    asking = TASKS[task](table, source, target)
    concepts = [concept for concept in table.index if asking.usable(concept)]
    k = asking.demonstrations if k is None else k
    if not isinstance(k, int):
        raise DataError(f"k={k!r} is not possible: use a whole number of demonstrations.")
    if not 0 <= k < len(concepts):
        raise DataError(
            f"k={k} demonstrations and a query need {max(k, 0) + 1} concepts, and this pair has "
            f"{len(concepts)}: lower k."
        )
    setting = Setting(task, (source,), target, pivot, control, k, seed, mode, shared_demos)
    control_of = matched_controls(table[pivot], tokenizer, seed) if control == "random" else {}
    draw = f"{task}|{source}|{target}|{seed}"
    shared = _draw(concepts, k, draw) if shared_demos else ()
    prompts, dropped = [], []
    for concept in concepts:
        others = [other for other in concepts if other != concept]
        demos = shared or _draw(others, k, f"{draw}|{concept}")
        answers = {code: table.at[concept, code] for code in (pivot, target, source)}
        answers[pivot] = table.at[control_of.get(concept, concept), pivot]
        ids = {code: start_ids_of_all(cell, tokenizer, mode) for code, cell in answers.items()}
        text = _text(asking, concept, demos, control)
        prompt = Prompt(text, setting, concept, demos, answers, ids)
        reason = "used as a demonstration" if concept in shared else _why_dropped(prompt)
        if reason:
            row = {"concept": concept, "source": source, "target": target, "reason": reason}
            dropped.append(row)
        else:
            prompts.append(prompt)
    if not prompts:
        reasons = pd.Series([row["reason"].split(":")[0] for row in dropped]).value_counts()
        raise DataError(
            f"No usable words from '{source}' to '{target}' for this tokenizer "
            f"({len(dropped)} concepts; most often: {reasons.index[0]}): "
            "try mode='word' or mode='first', another pair, or another model."
        )
    columns = ["concept", "source", "target", "reason"]
    return PromptSet(tuple(prompts), setting, pd.DataFrame(dropped, columns=columns))


def _text(task: Task, concept: str, demos: tuple[str, ...], control: str | None) -> str:
    """Return the prompt: the solved examples, and the query up to its opening quote."""
    answers = demos[1:] + demos[:1] if control == "shuffled" else demos
    examples = [task.line(demo, answer) for demo, answer in zip(demos, answers)]
    return "\n".join([*examples, task.line(concept)])


def _check_types(**arguments: object) -> None:
    """Refuse a list or a number where a name belongs."""
    for name, value in arguments.items():
        if value is not None and not isinstance(value, str):
            raise DataError(
                f"{name}={value!r} is not possible: use one name, such as 'fr'. "
                "ll.run_experiment pools several sources."
            )


def _check_task(task: str, source: str | None, target: str, pivot: str) -> str:
    """Validate task and languages and return the source language."""
    find_task(task)
    for code in (source, target, pivot):
        if code is not None:
            language(code)
    if not TASKS[task].needs_source:
        if source not in (None, target):
            raise DataError(
                f"A {task} prompt stays in one language: leave source out, or set it to '{target}'."
            )
        return target
    if source is None:
        raise DataError(f"A {task} needs a source language: pass source='fr', for example.")
    if source == target:
        raise DataError(
            f"Source and target are both '{target}': choose two languages, "
            "or the task 'repetition'."
        )
    return source


def _check_pivot(control: str, source: str | None, target: str) -> str:
    """Return the pivot language that ``control`` names."""
    if control not in languages().index:
        raise DataError(
            f"Unknown control '{control}'.{near(control, CONTROLS)} Use {' or '.join(CONTROLS)}, "
            "or a language code as the pivot."
        )
    if control in (source, target):
        raise DataError(
            f"'{control}' is already source or target: choose a third language as the pivot."
        )
    return control


def _draw(concepts: list[str], k: int, seed: str) -> tuple[str, ...]:
    """Draw ``k`` concepts without replacement; the same seed text always draws the same."""
    return tuple(random.Random(seed).sample(concepts, k))


def _why_dropped(prompt: Prompt) -> str | None:
    """Return why a concept can't tell target and pivot apart, or None when it can."""
    pivot, target = prompt.answers[prompt.pivot], prompt.answers[prompt.target]
    if not pivot:
        return f"no word in '{prompt.pivot}'"
    same = prompt.target == prompt.pivot
    if not same and (pair := contained(pivot, target)):
        return f"the pivot word is in the target word: {pair}"
    for code in (prompt.target, prompt.pivot):
        if not prompt.token_ids[code]:
            return f"no token begins the '{code}' word"
    if not same and prompt.token_ids[prompt.target] & prompt.token_ids[prompt.pivot]:
        return f"shared first token: {pivot[0]} / {target[0]}"
    return None
