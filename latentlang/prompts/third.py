"""The same questions for another language: texts alone, for comparisons."""

from __future__ import annotations

from .build import text_of
from .prompt import PromptSet
from .tasks import TASKS, Task
from .words import load_words


def in_language(prompts: PromptSet, code: str) -> list[str]:
    """Return the texts of prompts that ask for the word in another language.

    Query and demonstrations are about the same concepts; a demonstration whose word is not in the
    list of latentlang is left out.

    Args:
        prompts: those of ``build_prompts``.
        code: the language that is asked for instead of the target.

    Raises:
        LookupError: The list has no word of a concept.
    """
    words, tasks = load_words(), dict[str, Task]()
    kind = TASKS[prompts.task]
    texts = []
    for prompt in prompts:
        source = prompt.source if kind.needs_source else code
        task = tasks.setdefault(source, kind(words, source, code))
        if prompt.concept not in words.index or not task.usable(prompt.concept):
            raise LookupError(prompt.concept)
        demos = [d for d in prompt.demos if d in words.index and task.usable(d)]
        texts.append(text_of(task, prompt.concept, tuple(demos), tuple(demos)))
    return texts
