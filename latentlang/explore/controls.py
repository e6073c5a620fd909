"""Controls that several explorers have."""

from __future__ import annotations

import ipywidgets as widgets

from ..plots.text import language_label
from ..prompts.tasks import TASKS, find_task
from ..prompts.words import language, languages, load_words


def pair_controls(task: str, source: str, target: str) -> dict[str, widgets.Widget]:
    """Return the controls of a task and a pair of languages, with a button that swaps the two."""
    for code in (source, target):
        language(code)
    find_task(task)
    table, names = load_words(), languages()
    choices = [(language_label(code), code) for code in names.index if code in table.columns]
    first = widgets.Dropdown(options=choices, value=source, description="From")
    second = widgets.Dropdown(options=choices, value=target, description="To")
    swap = widgets.Button(
        description="⇄ swap", tooltip="Swap the two languages", layout={"width": "80px"}
    )
    task = widgets.Dropdown(options=list(TASKS), value=task, description="Task")
    return {"task": task, "source": first, "swap": swap, "target": second}


def source_of(task: str, source: str) -> str | None:
    """Return the chosen source language if the task has one, else None."""
    return source if find_task(task).needs_source else None


def size_control(every: int) -> widgets.Dropdown:
    """Return the control for how many concepts of the list the prompts ask about."""
    sizes = {
        "every 16th concept": 16,
        "every 8th concept": 8,
        "every 4th concept": 4,
        "all concepts": 1,
    }
    if every not in sizes.values():
        sizes[f"every {every}th concept"] = every
    return widgets.Dropdown(options=list(sizes.items()), value=every, description="Concepts")
