"""The solved examples before each query: drawn by a seed, and never one that shows the answer."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from ..errors import DataError
from .setting import Setting
from .tasks import Task


class Demonstrations:
    """Which concepts stand before each query.

    They are drawn without replacement from the other concepts of the pair that share no spelling
    with the query, nor with another meaning of its word: German ``Bank`` is a bench and a bank, and
    one would show the other's answer.

    ``concepts``: those that the task can ask about. ``shared``: the demonstrations of all prompts,
    if they share them.

    Args:
        task: asks about the concepts.
        concepts: of the word list, in its order.
        setting: of the prompts, with one source.

    Raises:
        DataError: for more demonstrations than there are concepts for.
    """

    def __init__(self, task: Task, concepts: Sequence[str], setting: Setting) -> None:
        self.concepts = [concept for concept in concepts if task.usable(concept)]
        self._row = {concept: row for row, concept in enumerate(self.concepts)}
        self._same = _homographs(task, self.concepts)
        self._k, self._shuffled = setting.k or 0, setting.control == "shuffled"
        self._task = task
        self._seed = f"{setting.task}|{setting.source}|{setting.target}|{setting.seed}"
        alike = max((len(same) for same in self._same.values()), default=1)
        most = len(self.concepts) - alike
        if not 0 <= self._k <= most:
            raise DataError(
                f"k={self._k} demonstrations and a query need {max(self._k, 0) + 1} concepts that "
                f"share no word, and this pair has {most + 1}: lower k."
            )
        self.shared = self._draw(self._seed, ()) if setting.shared_demos else ()

    def before(self, concept: str) -> tuple[str, ...]:
        """Return the demonstrations before the query about a concept."""
        alike = self._same.get(concept, {concept})
        return self.shared or self._draw(f"{self._seed}|{concept}", alike)

    def answers(self, demos: tuple[str, ...]) -> tuple[str, ...]:
        """Return the concept whose answer each demonstration shows: its own, if not shuffled.

        Shuffled answers move on by one place; by more, if two concepts share a word and one place
        would show a right answer. They stay where they are if that cannot be helped.
        """
        task = self._task
        for places in range(1, len(demos) if self._shuffled else 0):
            others = demos[places:] + demos[:places]
            pairs = [(task.word(other, task.target), demo) for demo, other in zip(demos, others)]
            if not any(answer in task.accepted(demo) for answer, demo in pairs):
                return others
        return demos

    def why_dropped(self, concept: str, demos: tuple[str, ...]) -> str | None:
        """Return why demonstrations leave the query about a concept out, or None."""
        if concept in self.shared:
            return "used as a demonstration"
        if not self._same.get(concept, set()).isdisjoint(self.shared):
            return "its word is shown in a demonstration"
        if self._shuffled and self.answers(demos) == demos:
            return "its demonstrations share a word, and no exchange makes all answers wrong"
        return None

    def _draw(self, seed: str, without: Collection[str]) -> tuple[str, ...]:
        """Draw k other concepts; the same seed text always draws the same.

        Rows are drawn, and not concepts, so that a long list is not copied for each query.
        """
        left_out = sorted(self._row[concept] for concept in without)
        drawn = []
        for row in random.Random(seed).sample(range(len(self._row) - len(left_out)), self._k):
            for skipped in left_out:
                row += row >= skipped
            drawn.append(self.concepts[row])
        return tuple(drawn)


def _homographs(task: Task, concepts: Sequence[str]) -> dict[str, set[str]]:
    """Return, for each concept that shares a spelling, itself and those that it shares it with.

    The languages are source and target. Case is ignored, as a model may ignore it. A word
    that another meaning of the source word has counts as well.
    """
    same: dict[str, set[str]] = {}
    for code in dict.fromkeys((task.source, task.target)):
        owners: dict[str, list[str]] = {}
        for concept in concepts:
            for word in task.words[code][concept]:
                owners.setdefault(word.casefold(), []).append(concept)
        for alike in owners.values():
            if len(alike) > 1:
                for concept in alike:
                    same.setdefault(concept, {concept}).update(alike)
    meanings = {concept: task.meanings(concept) for concept in same}
    return {c: set().union(*(same.get(m, ()) for m in meanings[c])) for c in same}
