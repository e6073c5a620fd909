"""``build_prompts``: one prompt per usable concept, and the words that count as its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..errors import DataError
from ..progress import interruptible
from .controls import CONTROLS, check_control
from .demonstrations import Demonstrations
from .followed import Follower
from .prompt import Prompt, PromptSet
from .sets import overlap_of
from .setting import PIVOT, Setting
from .tasks import TASKS, Task, find_task
from .tokens import Starts
from .words import language, load_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@interruptible
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
    overlap: str | None = None,
    shared_demos: bool = False,
    control: str | None = None,
) -> PromptSet:
    """Build one prompt for every usable concept.

    The demonstrations are drawn by ``seed`` from all concepts of the pair before any is dropped,
    so the tokenizer never changes a prompt. A demonstration shares no spelling with the query or a
    right answer to it, in neither language. Where the source word stands for several concepts, the
    words of all of them are right answers; ``.ambiguous`` counts such prompts. ``.dropped`` lists
    the concepts that are dropped, each with the reason: the pivot word is contained in the target
    word, no token begins a word, or one token begins the words of two languages (see ``overlap``).
    ``.taken`` counts the tokens that begin a word and are not followed: outside mode ``"prefix"``
    those that spell another concept of the list.

    Each prompt has a yardstick: another concept of the list, drawn by ``seed``, whose words share
    no token with those that are followed, and no spelling with the demonstrations. It does not
    depend on which of the prompts you take. ``decode`` reads the probability of its words too.

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
        seed: draws the demonstrations and the yardsticks.
        mode: see ``start_ids``.
        overlap: what becomes of a concept with a token that begins words of two languages.
            ``"drop"``: it is dropped if they are two of target, pivot and source, so that the
            probabilities of these languages sum to 1 at most. ``"paper"``: it is dropped if they
            are target and pivot, as the paper's authors do. None: ``"paper"`` in mode ``"prefix"``,
            else ``"drop"``.
        shared_demos: show one set of demonstrations before every query; no prompt asks about them.
        control: changes one thing that should matter, and neither the concepts nor which of
            them are cognates. ``"shuffled"``: each demonstration shows the answer of another
            one. ``"random"``: instead of the right pivot word another one of similar length and
            rank in the vocabulary is followed, none of the prompt's. A language code: that
            language is followed instead of the pivot. Tokens shared with pivot, target or source
            are taken from what is followed instead.

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
    starts = Starts(tokenizer, mode)
    setting = setting_of(
        task,
        source,
        target,
        pivot=pivot,
        k=k,
        seed=seed,
        mode=mode,
        overlap=overlap,
        shared_demos=shared_demos,
        control=control,
        default_mode=starts.mode,
    )
    table, source = load_words(words), setting.source
    for code in (source, target, pivot, setting.pivot):
        if code not in table.columns:
            listed = ", ".join(table.columns)
            raise DataError(
                f"The word list has no column '{code}': add it, or choose among {listed}."
            )
    asking = TASKS[task](table, source, target)
    demonstrations = Demonstrations(asking, table.index, setting)
    follower = Follower(table, starts, setting, pivot)
    prompts, dropped = [], []
    for concept in demonstrations.concepts:
        demos = demonstrations.before(concept)
        meanings = asking.meanings(concept)
        found = demonstrations.why_dropped(concept, demos) or follower.of(meanings, demos)
        if isinstance(found, str):
            row = {"concept": concept, "source": source, "target": target, "reason": found}
            dropped.append(row)
        else:
            text = text_of(asking, concept, demos, demonstrations.answers(demos))
            prompts.append(Prompt(text, setting, concept, demos, **vars(found)))
    if not prompts:
        reasons = pd.Series([row["reason"].split(":")[0] for row in dropped]).value_counts()
        raise DataError(
            f"No usable words from '{source}' to '{target}' for this tokenizer "
            f"({len(dropped)} concepts; most often: {reasons.index[0]}): "
            "try mode='word' or mode='first', another pair, or another model."
        )
    columns = ["concept", "source", "target", "reason"]
    return PromptSet(tuple(prompts), setting, pd.DataFrame(dropped, columns=columns))


def setting_of(
    task: str,
    source: str | None,
    target: str,
    *,
    default_mode: str | None,
    pivot: str = PIVOT,
    k: int | None = None,
    seed: int = 0,
    mode: str | None = None,
    overlap: str | None = None,
    shared_demos: bool = False,
    control: str | None = None,
) -> Setting:
    """Return the setting of the prompts that these choices ask for; it needs no tokenizer.

    Args:
        task, source, target, pivot, k, seed, mode, overlap, shared_demos, control: as
            ``build_prompts`` takes them.
        default_mode: the ``mode`` of the tokenizer's ``Starts``.

    Raises:
        DataError: as ``build_prompts``, for choices that do not fit each other.
    """
    _check_types(
        task=task,
        source=source,
        target=target,
        pivot=pivot,
        mode=mode,
        overlap=overlap,
        control=control,
    )
    source = _check_task(task, source, target, pivot)
    k = TASKS[task].demonstrations if k is None else k
    if not isinstance(k, int):
        raise DataError(f"k={k!r} is not possible: use a whole number of demonstrations.")
    check_control(control, source, target, pivot, k)
    followed = pivot if control is None or control in CONTROLS else control
    choices = (control, k, seed, mode, overlap_of(overlap, mode or default_mode), shared_demos)
    return Setting(task, (source,), target, followed, *choices)


def text_of(task: Task, concept: str, demos: tuple[str, ...], answers: tuple[str, ...]) -> str:
    """Return the prompt: the solved examples, and the query up to its opening quote."""
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
