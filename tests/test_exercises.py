"""Every exercise: right answers pass, typical wrong ones fail with their own hints.

Nothing is ever raised.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import latentlang as ll
from latentlang.course.answers import check, checks_of
from latentlang.course.exercise import CHECKS
from latentlang.errors import DataError
from latentlang.prompts.setting import Setting
from tools import exercises, store
from tools.exercises import Outcome
from tools.scripts import scripts

EXERCISES = [(script, exercise) for script in scripts() for exercise in script.exercises()]
WITHOUT_MODEL = [pair for pair in EXERCISES if not exercises.needs_a_model(*pair)]
every_script = pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)


def by_number(part: object) -> str:
    """Name a case by the exercise's number."""
    return getattr(part, "number", "")


def assert_told(outcomes: list[Outcome]) -> None:
    """Every listed answer is right or wrong as it must be, and gets the words that it must get."""
    for must_status, words, status, message in outcomes:
        assert status == must_status and words in message, (words, status, message)


def spellings(answer: Any) -> list[object]:
    """Return an answer in every type in which a student may give it."""
    if isinstance(answer, int | float):
        arrays = [np.array(answer), torch.tensor(answer), pd.Series([answer]), np.float32(answer)]
        texts = [str(answer), f" {answer}\n", f"{100 * answer} %"]
        return [answer, *arrays, *texts, [answer], (answer,), {answer}, torch.tensor([[answer]])]
    if isinstance(answer, set):
        kinds = (list, tuple, frozenset, np.array, pd.Series, pd.Index, dict.fromkeys, iter)
        return [answer, *(kind(sorted(answer)) for kind in kinds), sorted(answer)[::-1] * 2]
    if callable(answer):
        return [answer, partial(answer), type("Own", (), {"__call__": staticmethod(answer)})()]
    return [answer]


@pytest.fixture(scope="module")
def runs(tiny):
    """Right and wrong answers to the open exercises, whose answers come from a model.

    They are a random Llama's, some with planted probabilities; the wrong ones stand behind words
    of their hints.
    """
    llama = tiny("llama")

    def experiment(task="translation", source="de", target="zh", **choices):
        ask = {"every": 10, "progress": False, "keep_latents": True} | choices
        return ll.run_experiment(llama, task, source, target, **ask)

    words, repeated = experiment(), experiment("repetition", None)
    controls = {c: experiment(control=c) for c in ("sw", "random", "shuffled", "it")}

    def planted(run, pivot: float, target: float):
        """Plant the mean probability of the pivot in the first layer, of the target in the last."""
        first, last = torch.zeros_like(run.entropy), torch.zeros_like(run.entropy)
        first[:, 0], last[:, -1] = pivot, target
        curves = dict(zip(run.pair, (first, last)))
        rank = dict.fromkeys(curves, next(iter(run.rank.values())))
        return run.with_readings(probability=curves, rank=rank)

    quiet = planted(words, 0.01, 0.9)
    nan = planted(words, float("nan"), 0.9)
    asked = ll.build_prompts("translation", "de", "zh", tokenizer=llama.tokenizer)[0]
    everywhere = ll.decode(llama, asked, positions=3)
    # What no open exercise about English may take, whatever its numbers are.
    foreign = {
        "control: sw": planted(controls["sw"], 0.01, 0.9),
        "control: random": planted(controls["random"], 0.01, 0.9),
        "control: shuffled": planted(controls["shuffled"], 0.01, 0.9),
        "begins at layer 2": planted(words, 0.4, 0.9).between(2, 4),
        "not numbers (NaN)": nan,
    }
    path = ll.sphere_path(llama, words).centred()

    def leaning(x: float, y: float, of=path) -> ll.geometry.SpherePath:
        moved = torch.zeros_like(of.coordinates)
        moved[..., 0], moved[..., 1] = x, y
        return replace(of, coordinates=moved)[of.prompts["concept"][0]]

    de_ru = prompts_of(llama, "de", "ru")
    return {
        "01.4": (
            de_ru,
            {
                "English, French or Chinese (fr → ru)": prompts_of(llama, "fr", "ru"),
                "50 concepts are left": de_ru[:50],
                "100 concepts are left": de_ru[[*range(100)] * 3],
                "these prompts mix de → ru, it → ru": de_ru + prompts_of(llama, "it", "ru"),
                "Chinese (es → ru, fr → ru)": prompts_of(llama, "es", "ru")[:1]
                + prompts_of(llama, "fr", "ru"),
                "Leave out control=": prompts_of(llama, "de", "ru", control="shuffled"),
                "is a set of prompts": ["a text"],
                "the translation task": prompts_of(llama, None, "ru", "repetition"),
                "This set is empty": de_ru[:0],
            },
        ),
        "02.4": (
            quiet[0],
            {
                "One prompt, please": quiet,
                "rises to 40.0%": planted(words, 0.4, 0.9)[0],
                "rises to 5.0%": planted(words, 0.05, 0.9)[0],
                "is 20.0% at the end": planted(words, 0.01, 0.2)[0],
                "this one repeats a word": planted(repeated, 0.0, 0.9)[0],
                "take run.last_position()": everywhere,
                "is a run": 3,
                "follows no pivot": ll.decode(llama, "a text"),
            }
            | {words: run[0] for words, run in foreign.items()},
        ),
        "03.4": (
            quiet,
            {
                "begins at layer 1: try": planted(words, 0.4, 0.3),
                "does not lead at the end": planted(words, 0.01, 0.02),
                "Use a translation run": planted(repeated, 0, 0.9),
                "3 concepts, too few": quiet[:3],
                "10 concepts, too few": quiet[[*range(10)] * 3],
                "is a run": "none",
            }
            | foreign,
        ),
        "04.5": (
            controls["it"],
            {
                "English is still followed": words,
                "notebook's own control": experiment(source="fr", control="es", every=5),
                "5 concepts, too few": controls["it"][:5],
                "10 concepts, too few": controls["it"][[*range(10)] * 3],
                "control='random'": controls["random"],
                "control='shuffled'": controls["shuffled"],
                "begins at layer 2": controls["it"].between(2, 4),
                "not numbers (NaN)": planted(controls["it"], float("nan"), 0.9),
                "is a run": 0.1,
            },
        ),
        "05.4": (
            leaning(-0.01, 0.02),
            {
                "leans to the target more than the mean": leaning(0.01, 0.02),
                "from path.centred()": leaning(-0.01, 0.02, replace(path, relative=False)),
                "hardly appears": leaning(-0.01, 0.01),
                "One word, please": path,
                "not numbers (NaN)": leaning(-0.01, float("nan")),
                "control: sw": leaning(
                    -0.01, 0.02, ll.sphere_path(llama, controls["sw"]).centred()
                ),
                "begins at layer 2": leaning(
                    -0.01, 0.02, ll.sphere_path(llama, words.between(2, 4)).centred()
                ),
                "is a path": "book",
            },
        ),
    }


def prompts_of(model, source, target, task="translation", **choices):
    ask = {"tokenizer": model.tokenizer, "mode": "first"}
    return ll.build_prompts(task, source, target, **ask, **choices)


OPEN = ("01.4", "02.4", "03.4", "04.5", "05.4")


@pytest.mark.parametrize("number", OPEN)
def test_open_exercises_take_what_has_the_property_and_nothing_else(runs, number):
    right, wrong = runs[number]
    outcome = ll.checks.exercise(number, right)
    assert outcome.status == "right", outcome
    for words, answer in wrong.items():
        outcome = ll.checks.exercise(number, answer)
        assert outcome.status == "wrong" and words in outcome.message, (words, outcome)


@pytest.fixture
def moved():
    """A patch from es → en into fr → zh: B in en leads at layer 2, A in en at layer 3."""
    heights = {"A in en": (0, 0, 0.6), "B in en": (0, 0.6, 0), "B in zh": (0.6, 0, 0)}
    noise = 0.1 * torch.rand(12, 3, generator=torch.Generator().manual_seed(0))
    curves = {label: noise + torch.tensor(each) for label, each in heights.items()}
    concepts = {"concept": [f"b{n}" for n in range(12)], "source_concept": "a", "source": "fr"}
    return ll.Sweep(
        model="planted",
        setting=Setting("translation", ("fr",), "zh", "en"),
        layers=(1, 2, 3),
        prompts=pd.DataFrame(concepts).assign(text="", cognate="no"),
        probability=curves | {"A in zh": noise / 10},
        baseline=dict.fromkeys(("A in en", "B in en", "A in zh", "B in zh"), torch.zeros(12)),
        intervention="Patch",
        origin="translation es → en",
    )


def test_a_sweep_in_which_the_language_moves_first_is_told_from_all_others(moved):
    outcome = ll.checks.exercise("07.4", moved)
    assert outcome.status == "right" and "B in English leads at layer 2:" in outcome.message
    shown = replace(moved, setting=Setting("translation", ("de",), "zh", "en"))
    level = {label: torch.full((12, 3), 0.2) for label in moved.labels}
    nothing = torch.full((12, 3), torch.nan)
    chinese = {label: level[label] for label in ("A in zh", "B in zh")}
    before = dict.fromkeys(chinese, torch.zeros(12))
    for words, answer in {
        "This notebook shows": replace(shown, origin="translation es → fr"),
        "9 pairs, too few": moved[:9],
        "begins at layer 2": moved.between(2, 3),
        "Use ll.Patch at the last token": replace(moved, at="word"),
        "Use ll.Patch": replace(moved, intervention="Erase"),
        "leave out onward": replace(moved, onward=True),
        "This is a control": replace(moved, intervention="Patch, control: random"),
        "not numbers (NaN)": replace(moved, probability=level | {"A in en": nothing}),
        "No layer brings": replace(moved, probability=level),
        "ask for different languages": replace(moved, probability=chinese, baseline=before),
    }.items():
        outcome = ll.checks.exercise("07.4", answer)
        assert outcome.status == "wrong" and words in outcome.message, (words, outcome)


@pytest.fixture(scope="module")
def reported(tiny):
    """A report with a planted finding: 0.3 ± noise for English at layer 2, and 0.1 elsewhere."""

    def experiment(**choices):
        ask = {"every": 10, "progress": False} | choices
        return ll.run_experiment(tiny("llama"), "translation", "de", "zh", **ask)

    def planted(run, height: float, seed: int):
        torch.manual_seed(seed)
        curve = 0.1 + 0.02 * torch.rand(run.entropy.shape)
        curve[:, 1] += height
        return run.with_readings(probability=run.probability | {run.pivot: curve})

    finding, control = planted(experiment(), 0.2, 0), planted(experiment(control="sw"), 0.0, 1)
    english, other = finding.probability["en"], control.probability["sw"]
    same = finding.prompts["concept"].isin(control.prompts["concept"]).to_numpy()
    partner = list(finding.prompts["concept"][same])
    assert partner == list(control.prompts["concept"]) and len(partner) >= 20
    difference = english[torch.tensor(same)][:, 1] - other[:, 1]
    half = 2.0 * difference.std().item() / len(difference) ** 0.5  # t for about 50 prompts
    mean = difference.mean().item()
    numbers = {"difference": mean, "lower": mean - half, "upper": mean + half}
    return {"finding": finding, "control": control, "layer": 2} | numbers, planted


def test_a_report_is_right_when_its_numbers_are_those_of_its_runs(reported):
    """The difference and the t interval, computed by hand, to three digits."""
    report, _ = reported
    rounded = {name: round(report[name], 3) for name in ("difference", "lower", "upper")}
    for answer in (report, report | rounded, list(report.items())):
        outcome = ll.checks.exercise("06.4", answer)
        assert outcome.status == "right" and "zero is outside" in outcome.message, outcome
    assert "not fixed in advance" in outcome.message, "layer 2 is where the finding peaks"


def test_a_report_whose_numbers_fit_no_run_is_wrong(reported):
    report, planted = reported
    finding, control = report["finding"], report["control"]
    low, high = report["lower"], report["upper"]
    for words, changed in {
        "other numbers at this layer": {"lower": low - 0.05, "upper": high + 0.05},
        "other numbers at": {"difference": 0.5, "lower": 0.4, "upper": 0.6},
        "control minus": {"difference": -report["difference"], "lower": -high, "upper": -low},
        "layer is 2.5": {"layer": 2.5},
        "layer is 99": {"layer": 99},
        "also follows English": {"control": planted(finding, 0.0, 3)},
        "differ in model": {"control": replace(control, model="another")},
        "differ in lens": {"control": replace(control, lens="linear")},
        "leave out control=": {"finding": control},
        "upper is nan": {"upper": float("nan")},
        "is a run": {"finding": 0.3},
        "fill in: control, lower": {"control": None, "lower": ...},
    }.items():
        outcome = ll.checks.exercise("06.4", report | changed)
        assert outcome.status == "wrong" and words in outcome.message, (words, outcome)


@pytest.mark.parametrize(("height", "said"), [(0.2, "no difference shown"), (0.4, "HIGHER")])
def test_a_report_may_say_that_english_is_not_ahead(reported, height, said):
    report, planted = reported
    control = planted(report["control"], height, 1)
    row = ll.metrics.paired_difference(
        report["finding"], "en", "sw", other=control, layers=[2]
    ).loc[2]
    numbers = row[["difference", "lower", "upper"]].to_dict()
    outcome = ll.checks.exercise("06.4", report | numbers | {"control": control})
    assert outcome.status == "right" and said in outcome.message, outcome


def test_the_t_interval_of_four_differences_is_right_too():
    """3.18 · s / √4, from scipy's quantile."""
    half = stats.t.ppf(0.975, 3) * np.std([-0.1, -0.1, -0.2, 0.1], ddof=1) / 2
    assert half == pytest.approx(0.200, abs=5e-4)
    for answer, words in ((half, "rightly so"), (0.1233, "± 0.20")):
        outcome = ll.checks.exercise("04.2", answer)
        assert outcome.status == "right" and words in outcome.message, outcome


def test_a_claim_may_call_its_model_a_language_model():
    """Only what speaks of models in general is refused; a model with its name is one model."""
    answer = {
        "measured": "9.9 % [6.4 %, 13.6 %]",
        "control": "A random English word stays below 0.1 %.",
        "sure": "high",
        "change": "A random word that rises as high.",
    }
    one = "The small language model Gemma 3 270M shows English in the middle."
    assert ll.checks.exercise("10.4", {**answer, "claim": one}).status == "right"
    for claim in (
        "This shows that language models think in English.",
        "In every model English is the pivot language.",
        "We see that all language models use English words.",
    ):
        told = ll.checks.exercise("10.4", {**answer, "claim": claim})
        assert told.status == "wrong" and "models in general" in told.message


def test_an_empty_set_says_that_nothing_is_lost():
    """``middle & any_word and ...`` is an empty set where no middle layer solves the prompt."""

    def lost(best, any_word, target):
        return set(best[:-1]) & any_word and best[-1] not in target

    assert ll.checks.exercise("10.3", lost).status == "right"


def test_the_words_of_a_verdict_are_told_in_their_own_order():
    """Not in that of a set, which is another one in each session."""
    told = ll.checks.exercise("10.2", lambda lower, upper, least: "yes")
    assert "the words are for, against, undecided" in told.message


def test_every_check_belongs_to_an_exercise_of_a_script_and_the_other_way_round():
    assert {exercise.number for _, exercise in EXERCISES} == set(CHECKS)


@pytest.mark.parametrize(("script", "exercise"), WITHOUT_MODEL, ids=by_number)
def test_the_solution_passes_and_typical_wrong_answers_fail_each_with_its_own_hint(
    script, exercise
):
    answer, outcomes = exercises.solved(script, exercise)
    for spelled in spellings(answer):
        outcome = ll.checks.exercise(exercise.number, spelled)
        assert outcome.status == "right", (spelled, outcome)
    assert_told(outcomes)


NOBODYS = [
    float("nan"),
    float("-inf"),
    10**400,
    b"18",
    True,
    "",
    "?",
    [],
    {},
    [1, 2],
    ["a", None],
    torch.full((3, 3), torch.nan),
    pd.Series([float("nan")]),
    object(),
    lambda *arguments: None,
    lambda *arguments: float("nan"),
    lambda *arguments: [],
    lambda *arguments: object(),
    lambda *arguments: arguments,
]


@pytest.mark.parametrize("number", sorted(CHECKS))
def test_what_answers_nothing_is_wrong_and_gets_a_sentence_of_ours(number):
    for answer in NOBODYS:
        outcome = ll.checks.exercise(number, answer)
        assert outcome.status == "wrong" and "raised" not in outcome.message, (answer, outcome)


@pytest.mark.more
@pytest.mark.timeout(1500)
@every_script
def test_typical_wrong_answers_that_need_a_model_fail_each_with_its_own_hint(script, executed):
    """In the kernel of the solutions form, whose solutions pass (test_notebooks.py)."""
    answers = store.answers(script, "solutions")
    tried = {exercise.number for _, exercise in WITHOUT_MODEL}
    assert answers.keys() == {exercise.number for exercise in script.exercises()} - tried
    for answer in answers.values():
        assert_told(ast.literal_eval(answer["value"]))


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


def test_a_dictionary_is_not_tried_yet_until_one_of_its_dots_is_replaced():
    names = ("lingua franca", "shared hub", "copy", "biased decoder", "shared spelling")
    assert ll.checks.exercise("04.1", dict.fromkeys(names, ...)).status == "not tried yet"
    outcome = ll.checks.exercise("04.1", dict.fromkeys(names, ...) | {"copy": "D"})
    assert outcome.status == "wrong" and "fill in: shared spelling, biased" in outcome.message


def test_a_notebook_shows_the_problems_of_a_report_and_folds_the_rest():
    page = ll.checks.Outcome("report", "Python 3.12\n⚠ plotly <5> is missing")._repr_html_()
    shown, folded = page.split("<details>")
    assert "⚠ plotly &lt;5&gt; is missing" in shown and "Python" not in shown
    assert "Python 3.12" in folded and "plotly" not in folded


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
