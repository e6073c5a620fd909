"""Every exercise: the right answer passes, typical wrong ones fail with a hint of their own, nothing is ever raised."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

import latentlang as ll
from latentlang.course.exercise import CHECKS

SLASH = 'Deutsch: "Blume" - Français: "'
START = {"f", "fl", "flow", "flower", "▁f", "▁flower"}


def lens(h, gain, U):
    return torch.softmax(U @ (gain * h / h.square().mean().sqrt()), -1)


def handover(english, target):
    ahead = [t > e for e, t in zip(english, target)]
    return next((n + 1 for n in range(len(ahead)) if all(ahead[n:])), None)


RIGHT = {
    "01.1": SLASH,
    "01.2": START,
    "02.1": 18,
    "02.2": lens,
    "03.1": math.sqrt(0.5),
    "03.2": handover,
    "04.1": 0.1233,
    "04.2": 0.01732,
}
RIGHT |= {"05.1": math.degrees(math.asin(0.02)), "05.2": ll.geometry.procrustes}
RIGHT |= {
    "01.3": {"arm", "hand", "hunger"},
    "02.3": lambda logits, ids: torch.softmax(logits, -1)[ids].sum(),
    "03.3": 0.93994,
}
RIGHT |= {"04.3": 1 - 0.95**18, "05.3": -0.14142, "06.1": 16, "06.3": 483.3}
RIGHT["06.2"] = lambda concepts: [c for c, (a, b) in concepts.items() if a and b and not a & b]
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
RIGHT["06.4"] = FINDING
WRONG = {
    "01.1": [
        SLASH + "fleur",
        SLASH + " ",
        'German: "Blume" - French: "',
        'Deutsch: Blume - Français: "',
        7,
    ],
    "01.2": [
        START | {"▁"},
        START | {"lower"},
        START | {"flowers"},
        START - {"▁f", "▁flower"},
        START - {"f"},
        "flower",
        3,
    ],
    "02.1": [18 * math.log(2), 2**18, -18, 17, "many"],
    "02.2": [
        lambda h, gain, U: U @ (gain * h / h.square().mean().sqrt()),
        lambda h, gain, U: torch.softmax(U @ (gain * h), -1),
        lambda h, gain, U: torch.softmax(U @ (h / h.square().mean().sqrt()), -1),
        lambda h, gain, U: torch.softmax(U @ (gain * h / h.norm()), -1),
        lambda h, gain, U: h,
        lambda h, gain, U: h @ U,
        3,
    ],
    "03.1": [0.5, 1.0, 0.25, 2, None.__class__],
    "03.2": [
        lambda e, t: next((n + 1 for n in range(len(e)) if t[n] > e[n]), None),
        lambda e, t: (handover(e, t) or 1) - 1,
        lambda e, t: handover(e, t) or len(e),
        4,
    ],
    "04.1": [0.2466, 0.1068, 0.1767, 0.0629, 1],
    "05.1": [0.02, math.degrees(math.acos(0.02)), 0.9168, 0.2292, 53.13],
    "05.2": [
        lambda E, U: ll.geometry.procrustes(U, E),
        lambda E, U: E.T @ U,
        lambda E, U: torch.linalg.lstsq(E, U).solution,
        lambda E, U: torch.linalg.svd(E.T @ U)[0] @ torch.linalg.svd(E.T @ U)[2].T,
        lambda E, U: E,
        3,
    ],
    "04.2": [0.03, 0.01, 0.00577, 0.02, "wide"],
    "01.3": [
        {"arm", "hand"},
        {"arm", "hand", "hunger", "house"},
        {"arm", "hand", "hunger", "tree"},
        {"hunger"},
        "arm",
    ],
    "02.3": [
        lambda logits, ids: torch.softmax(logits[ids], -1).sum(),
        lambda logits, ids: logits[ids].sum(),
        lambda logits, ids: torch.softmax(logits, -1)[ids].mean(),
        lambda logits, ids: torch.softmax(logits, -1)[ids].max(),
        0.3,
    ],
    "03.3": [100 / 739, 1 / 640, 10000 / 639, 0.06, "most"],
    "04.3": [0.9, 0.05, 0.95**18, 0.5],
    "05.3": [-0.2, 0.1414, 0.98995, 0.6, 7],
    "06.1": [8, 32, 128, 5],
    "06.2": [
        lambda concepts: list(concepts),
        lambda concepts: [c for c, (a, b) in concepts.items() if not a & b],
        lambda concepts: [c for c, (a, b) in concepts.items() if a and b],
        lambda concepts: [c for c, (a, b) in reversed(concepts.items()) if a and b and not a & b],
        ["book"],
    ],
    "06.3": [120.8, 15.1, 4.096, 60.4, 1],
    "06.4": [{}, FINDING | {"peak": 3}, FINDING | {"n": 5}, FINDING | {"pair": ...}, "a detour"],
}


@pytest.fixture(scope="module")
def runs(tiny):
    """Runs for the open exercises, whose answers come from a model: a random Llama's, some with planted probabilities."""
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


def test_every_registered_exercise_is_tested_here():
    assert {*RIGHT, *OPEN} == {*WRONG, *OPEN} == set(CHECKS)


@pytest.mark.parametrize("number", sorted(RIGHT))
def test_right_answer_passes(number):
    outcome = ll.checks.exercise(number, RIGHT[number])
    assert outcome and outcome.status == "right", outcome


@pytest.mark.parametrize("number", sorted(WRONG))
def test_typical_wrong_answers_fail_each_with_its_own_hint(number):
    outcomes = [ll.checks.exercise(number, answer) for answer in WRONG[number]]
    assert all(outcome.status == "wrong" and not outcome for outcome in outcomes), outcomes
    assert len({outcome.message for outcome in outcomes}) >= max(2, len(outcomes) - 1)


@pytest.mark.parametrize("number", sorted(RIGHT))
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
    """``installed(name, version)`` puts a package of that version before all others, as a mistaken ``pip install`` would."""

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
