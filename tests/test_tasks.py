"""Every task: lines end where the model goes on; prompts, figures, runs, explorers know it."""

from __future__ import annotations

import pytest

import latentlang as ll
from latentlang.explore.controls import pair_controls
from latentlang.explore.panel import Panel
from latentlang.prompts.tasks import TASKS, Task


def asked(name: str) -> tuple[str | None, str]:
    """Return a source, where the task needs one, and a target."""
    return ("fr" if TASKS[name].needs_source else None), "zh"


@pytest.fixture
def prompts(request, tiny):
    name = request.getfixturevalue("name")
    return ll.build_prompts(name, *asked(name), tokenizer=tiny("llama").tokenizer)


@pytest.mark.parametrize("name", TASKS)
def test_a_line_stops_where_the_answer_begins(name):
    words = ll.load_words()
    source, target = asked(name)
    task = TASKS[name](words, source or target, target)
    usable = [concept for concept in words.index if task.usable(concept)]
    assert len(usable) > 20
    for concept in usable[::40]:
        question, solved = task.line(concept), task.line(concept, concept)
        assert question.endswith('"') and solved.startswith(question)
        assert solved.removeprefix(question).startswith(f'{words.at[concept, target][0]}"')
        assert "\n" not in solved


@pytest.mark.parametrize("name", TASKS)
def test_a_prompt_shows_as_many_solved_lines_as_the_task_says(name, prompts):
    words, (source, target) = ll.load_words(), asked(name)
    task = TASKS[name](words, source or target, target)
    for prompt in list(prompts)[::30]:
        *shown, query = prompt.text.split("\n")
        assert shown == [task.line(demo, demo) for demo in prompt.demos]
        assert query == task.line(prompt.concept) and len(prompt.demos) == task.demonstrations
        assert prompt.concept not in prompt.demos
        assert (prompt.task, prompt.source, prompt.target) == (name, source or target, target)


@pytest.mark.parametrize("name", TASKS)
def test_figures_and_runs_name_the_task(name, prompts, tiny):
    run = ll.decode(tiny("llama"), prompts[:3], progress=False)
    title = TASKS[name].title(run.source, run.target)
    assert name in title and title in repr(run)
    assert title in ll.plots.language_probability(run).layout.title.text


@pytest.mark.parametrize("name", TASKS)
def test_an_explorer_offers_the_task_and_its_source(name):
    controls = pair_controls(name, "fr", "zh")
    assert name in controls["task"].options
    Panel("try", controls, [], lambda *_, **__: None, lambda _: "").choices()
    assert controls["source"].disabled != TASKS[name].needs_source


@pytest.mark.parametrize("name", TASKS)
def test_a_source_too_many_or_too_few_is_one_sentence(name, tiny):
    needs = TASKS[name].needs_source
    with pytest.raises(
        ll.errors.DataError, match="needs a source" if needs else "leave source out"
    ):
        ll.build_prompts(name, None if needs else "fr", "zh", tokenizer=tiny("llama").tokenizer)


def test_a_task_without_a_line_is_one_sentence(monkeypatch, tiny):
    class Riddle(Task):
        name = "riddle"

    monkeypatch.setitem(TASKS, "riddle", Riddle)
    with pytest.raises(ll.errors.DataError, match="'riddle' has no method line: write line"):
        ll.build_prompts("riddle", None, "zh", tokenizer=tiny("llama").tokenizer)
