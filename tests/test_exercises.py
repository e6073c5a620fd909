"""Every exercise: the right answer passes, typical wrong ones fail with a hint of their own, nothing is ever raised."""

from __future__ import annotations

import math

import pytest
import torch

import latentlang as ll
from latentlang.exercises import CHECKS

SLASH = 'Deutsch: "Blume" - Français: "'
START = {"f", "fl", "flow", "flower", "▁f", "▁flower"}


def lens(h, gain, U):
    return torch.softmax(U @ (gain * h / h.square().mean().sqrt()), -1)


def handover(english, target):
    ahead = [t > e for e, t in zip(english, target)]
    return next((n + 1 for n in range(len(ahead)) if all(ahead[n:])), None)


RIGHT = {"01.1": SLASH, "01.2": START, "02.1": 18, "02.2": lens, "03.1": math.sqrt(0.5), "03.2": handover, "04.1": 0.1233, "04.2": 0.01732}
RIGHT |= {"05.1": math.degrees(math.asin(0.02)), "05.2": ll.geometry.procrustes}
WRONG = {
    "01.1": [SLASH + "fleur", SLASH + " ", 'German: "Blume" - French: "', 'Deutsch: Blume - Français: "', 7],
    "01.2": [START | {"▁"}, START | {"lower"}, START | {"flowers"}, START - {"▁f", "▁flower"}, START - {"f"}, "flower", 3],
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
}


def test_every_registered_exercise_is_tested_here():
    assert set(RIGHT) == set(WRONG) == set(CHECKS)


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
    page = ll.checks.exercise("02.2", lambda h, gain, U: {}["<script>alert(1)</script>"])._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_environment_report_names_versions_and_threads():
    report = ll.checks.check_environment()
    assert report.status == "report" and torch.__version__.split("+")[0] in report.message and "processors" in report.message
