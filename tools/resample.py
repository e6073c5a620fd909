"""Ask a prediction again of other draws of the concepts: is it the same answer?

A notebook's kernel runs this source at the notebook's end (``predictions.py``), so it imports the
standard library and latentlang only.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import chain

from latentlang.prompts.rows import HasPrompts

TIMES = 100

Step = tuple[str, list[str], list[str]]  # a statement, the names that it binds, those that it reads


def agreement(
    here: dict, before: list[Step], cell: list[Step], later: list[str]
) -> tuple[str, str, float | None]:
    """Return a prediction's question, its answer, and the share of resamples that agree.

    Each resample draws as many concepts as there are, with replacement, the same ones for all runs
    and paths that the cell rests on. What the notebook made of them before the cell is made again.

    Args:
        here: The notebook's namespace, at its end.
        before: The statements above the cell.
        cell: The statements of the cell; the last one is the ``ll.predict``.
        later: The names that the cell, and those below it, bind.

    Returns:
        The share is None if the answer rests on no run of several concepts, or on runs that the
        notebook makes with ``model.trace``: a hundred times those would take an hour.

    Raises:
        NameError: A later cell changes what the answer rests on.
    """
    samples = {name for name, value in here.items() if _parts(value)}
    needs = _needs(cell)
    again, given = _remade(before, needs, samples)
    traces = _traces(before, again)
    if traces:
        again, given = [], needs
    if changed := sorted(given.intersection(later)):
        raise NameError(f"A later cell changes {', '.join(changed)}.")
    rests_on = {} if traces else {name: here[name] for name in sorted(given & samples)}
    statements = [*again, *(code for code, _, _ in cell[:-1])]

    def asked(values: dict) -> tuple[str, str]:
        space = {**here, **values}
        for statement in statements:
            exec(statement, space)
        prediction = eval(cell[-1][0], space)
        return prediction.question, prediction.measured

    question, answer = asked(rests_on)
    runs = _parts(list(rests_on.values()))
    if all(len(set(run.clusters)) < 2 for run in runs):
        return question, answer, None
    labels = {label for run in runs for label in run.clusters}
    draws = random.Random(0)
    same = 0
    for _ in range(TIMES):
        times = Counter(draws.choices(sorted(labels, key=str), k=len(labels)))
        same += asked({name: drawn(value, times) for name, value in rests_on.items()})[1] == answer
    return question, answer, same / TIMES


def drawn(value: object, times: Counter) -> object:
    """Return runs or paths in which each concept stands as often as it was drawn.

    Each copy has a label of its own: it counts as another concept, as in any bootstrap.
    """
    if isinstance(value, dict):
        return {key: drawn(part, times) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(drawn(part, times) for part in value)
    copies = [
        (row, f"{label} {copy}")
        for row, label in enumerate(value.clusters)
        for copy in range(times[label])
    ]
    part = value[[row for row, _ in copies]]
    return replace(part, prompts=part.prompts.assign(concept=[label for _, label in copies]))


def _parts(value: object) -> list[HasPrompts]:
    """Return the runs and paths in a value that holds nothing else."""
    if isinstance(value, HasPrompts):
        return [value]
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        return []
    found = [_parts(part) for part in inside]
    return list(chain.from_iterable(found)) if all(found) else []


def _needs(steps: list[Step]) -> set[str]:
    """Return the names that statements read and do not bind themselves before."""
    needed: set[str] = set()
    for _, binds, reads in reversed(steps):
        needed = needed.difference(binds).union(reads)
    return needed


def _traces(steps: list[Step], made: list[str]) -> bool:
    """Return whether one of the statements that are made again runs the model by ``.trace``."""
    tracing = {name for code, binds, _ in steps if ".trace(" in code for name in binds}
    return any(
        code in made and (".trace(" in code or not tracing.isdisjoint(reads))
        for code, _, reads in steps
    )


def _remade(steps: list[Step], wanted: set[str], samples: set[str]) -> tuple[list[str], set[str]]:
    """Return the statements that make the wanted names out of samples, and what those start from.

    Samples themselves are not made again. What depends on none is made again only if a statement
    goes on with it, such as a list that is filled.
    """
    depends: set[str] = set()
    marked = []
    for code, binds, reads in steps:
        is_sample = not samples.isdisjoint(binds)
        again = not is_sample and not (samples | depends).isdisjoint(reads)
        depends = depends.union(binds) if again else depends.difference(binds)
        marked.append((again, is_sample, code, set(binds), set(reads)))
    statements: list[str] = []
    given: set[str] = set()
    continued: set[str] = set()  # what a statement goes on with: it must not find its own result
    for again, is_sample, code, binds, reads in reversed(marked):
        if binds & wanted and (again or (binds & continued and not is_sample)):
            statements.insert(0, code)
            wanted = (wanted - binds) | reads
            continued = (continued - binds) | (binds & reads)
        elif binds & wanted:
            given |= binds & wanted
            wanted = wanted - binds
    return statements, given | wanted
