"""Every exercise: right answers pass, typical wrong ones fail with their own hints.

Nothing is ever raised.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from types import ModuleType

import pytest
import torch

import latentlang as ll
from latentlang.course.answers import check, checks_of
from latentlang.course.exercise import CHECKS
from latentlang.errors import DataError
from tools import exercises, store
from tools.exercises import Outcome
from tools.scripts import scripts

EXERCISES = [(script, exercise) for script in scripts() for exercise in script.exercises()]
WITHOUT_MODEL = [pair for pair in EXERCISES if not exercises.needs_a_model(*pair)]
every_script = pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)


def by_number(part: object) -> str:
    """Name a case by the exercise's number."""
    return getattr(part, "number", "")


def assert_hints(outcomes: list[Outcome]) -> None:
    """All answers are wrong, and at most two of them get the same hint."""
    assert len(outcomes) >= 2 and all(status == "wrong" for status, _ in outcomes), outcomes
    assert len({message for _, message in outcomes}) >= max(2, len(outcomes) - 1), outcomes


FINDING = {
    "model": "m",
    "pair": "it → ja",
    "n": 57,
    "peak": 0.05,
    "lower": 0.02,
    "upper": 0.08,
    "layer": 14,
    "control_peak": 0.0001,
}


@pytest.fixture(scope="module")
def runs(tiny):
    """Runs for the open exercises, whose answers come from a model.

    They are a random Llama's, some with planted probabilities.
    """
    llama = tiny("llama")
    ask = {"every": 10, "progress": False}
    words = ll.run_experiment(llama, "translation", "de", "zh", keep_latents=True, **ask)
    german = ll.run_experiment(llama, "translation", "fr", "zh", control="de", **ask)
    dutch = ll.run_experiment(llama, "translation", "fr", "zh", control="it", **ask)
    repeated = ll.run_experiment(llama, "repetition", target="zh", **ask)

    def planted(run, english: float, chinese: float):
        zero = torch.zeros_like(run.entropy)
        rank = dict.fromkeys(("en", "zh", "de"), run.rank["en"])
        probability = {"en": zero + english, "zh": zero + chinese, "de": zero}
        return run.with_readings(probability=probability, rank=rank)

    path = ll.sphere_path(llama, words)
    points = path.coordinates.clone()
    points[..., 0], points[..., 1] = 0.01, 0.02

    def leaning(x: float, y: float) -> ll.geometry.SpherePath:
        moved = points.clone()
        moved[..., 0], moved[..., 1] = x, y
        return replace(path, coordinates=moved)[path.prompts["concept"][0]]

    quiet, loud = planted(words, 0.01, 0.9), planted(words, 0.4, 0.9)
    return {
        "01.4": (
            prompts_of(llama, "de", "ru"),
            [
                prompts_of(llama, "fr", "ru"),
                prompts_of(llama, "de", "ru")[:50],
                ["a text"],
                prompts_of(llama, None, "ru", "repetition"),
            ],
        ),
        "02.4": (
            quiet[0],
            [quiet, loud[0], planted(words, 0.01, 0.2)[0], planted(repeated, 0.0, 0.9)[0], 3],
        ),
        "03.4": (
            quiet,
            [
                planted(words, 0.4, 0.3),
                planted(words, 0.01, 0.02),
                planted(repeated, 0, 0.9),
                quiet[:3],
                "none",
            ],
        ),
        "04.4": (dutch, [words, german, dutch[:5], 0.1]),
        "05.4": (leaning(-0.01, 0.02), [leaning(0.01, 0.02), leaning(-0.01, 0.001), path, "book"]),
    }


def prompts_of(model, source, target, task="translation"):
    return ll.build_prompts(task, source, target, tokenizer=model.tokenizer, mode="first")


OPEN = ("01.4", "02.4", "03.4", "04.4", "05.4")


@pytest.mark.parametrize("number", OPEN)
def test_open_exercises_take_what_has_the_property_and_nothing_else(runs, number):
    right, wrong = runs[number]
    outcome = ll.checks.exercise(number, right)
    assert outcome.status == "right", outcome
    outcomes = [ll.checks.exercise(number, answer) for answer in wrong]
    assert all(outcome.status == "wrong" for outcome in outcomes), outcomes
    assert len({outcome.message for outcome in outcomes}) == len(outcomes)


def test_a_report_may_say_that_there_is_nothing():
    assert "no difference" in ll.checks.exercise("06.4", FINDING | {"control_peak": 0.05}).message
    assert "HIGHER" in ll.checks.exercise("06.4", FINDING | {"control_peak": 0.5}).message


def test_every_check_belongs_to_an_exercise_of_a_script_and_the_other_way_round():
    assert {exercise.number for _, exercise in EXERCISES} == set(CHECKS)


@pytest.mark.parametrize(("script", "exercise"), WITHOUT_MODEL, ids=by_number)
def test_the_solution_passes_and_typical_wrong_answers_fail_each_with_its_own_hint(
    script, exercise
):
    (status, message), wrong = exercises.tried(script, exercise)
    assert status == "right", message
    assert_hints(wrong)


@pytest.mark.more
@pytest.mark.timeout(1500)
@every_script
def test_typical_wrong_answers_that_need_a_model_fail_each_with_its_own_hint(script, executed):
    """In the kernel of the solutions form, whose solutions pass (test_notebooks.py)."""
    answers = store.answers(script, "solutions")
    tried = {exercise.number for _, exercise in WITHOUT_MODEL}
    assert answers.keys() == {exercise.number for exercise in script.exercises()} - tried
    for answer in answers.values():
        assert_hints(ast.literal_eval(answer["value"]))


def test_there_are_exercises_with_and_without_a_model():
    assert len(WITHOUT_MODEL) >= 15 and len(EXERCISES) >= len(WITHOUT_MODEL) + 6


@pytest.mark.parametrize("number", sorted(CHECKS))
@pytest.mark.parametrize("untouched", [..., None])
def test_untouched_stub_is_not_a_mistake(number, untouched):
    assert ll.checks.exercise(number, untouched).status == "not tried yet"


def test_an_answer_that_raises_is_wrong_and_says_why():
    outcome = ll.checks.exercise("02.2", lambda h, gain, U: h / torch.zeros(3))
    assert outcome.status == "wrong" and "RuntimeError" in outcome.message


def test_unknown_exercise_names_the_known_ones():
    outcome = ll.checks.exercise("02.9", 1)
    assert outcome.status == "wrong" and "02.1" in outcome.message


def test_outcome_shows_text_never_markup():
    page = ll.checks.exercise(
        "02.2", lambda h, gain, U: {}["<script>alert(1)</script>"]
    )._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_environment_report_names_versions_and_threads():
    report = ll.checks.check_environment()
    assert (
        report.status == "report"
        and torch.__version__.split("+")[0] in report.message
        and "processors" in report.message
    )


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """``installed(name, version)`` puts a package of that version before all others.

    A mistaken ``pip install`` does the same.
    """

    def put(name: str, version: str) -> None:
        facts = tmp_path / f"{name}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))

    return put


def test_every_problem_of_the_environment_comes_with_a_remedy(installed, tmp_path, monkeypatch):
    assert (
        "⚠" not in ll.checks.check_environment().message
    )  # the environment of the tests is as it should be
    installed("transformers", "6.1.0")
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere))
    monkeypatch.setenv("LATENTLANG_CACHE", str(tmp_path / "not there"))
    problems = [
        line for line in ll.checks.check_environment().message.splitlines() if line.startswith("⚠")
    ]
    assert len(problems) == 3
    assert (
        "transformers 6.1.0 is installed" in problems[0]
        and "pip install 'transformers" in problems[0]
    )
    assert "unset it" in problems[1] and "set XDG_CACHE_HOME" in problems[2]


def test_two_checks_of_one_exercise_are_refused():
    first, second = ModuleType("first"), ModuleType("second")
    first.layers = check("09.1")(lambda answer: "Correct.")
    second.layers = first.layers  # an import is not a second check
    assert checks_of([first, second]) == {"09.1": first.layers}
    for module in (first, second):
        module.words = check("09.1")(lambda answer: "Correct.")
        with pytest.raises(DataError, match="Two checks are of exercise 09.1, .*: give one"):
            checks_of([module])
