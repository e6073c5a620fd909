"""Notebook 10 comes back to every rival that notebook 4 opens with."""

from __future__ import annotations

import ast
import re

from latentlang.verdict.hypotheses import PREDICTIONS
from tools.scripts import Script, scripts, tags

FOUR, TEN = (next(s for s in scripts() if s.number == number) for number in ("04", "10"))
HYPOTHESES = {prediction.hypothesis for prediction in PREDICTIONS}


def text_under(script: Script, heading: str) -> str:
    """Return the text cell that begins with a heading."""
    return next(text for text in script.texts if re.match(rf"#+ {heading}\n", text))


def rows(script: Script, heading: str) -> dict[str, list[str]]:
    """Return the rows of the table under a heading: from the first column to the others."""
    lines = re.findall(r"^\| (.+) \|$", text_under(script, heading), re.M)
    cells = [line.split(" | ") for line in lines]
    return {first: rest for first, *rest in cells[1:]}


def rivals() -> set[str]:
    """Return the names in the list with which notebook 4 opens; some are links."""
    listed = re.findall(r"^- \*\*(.+)\*\*: ", text_under(FOUR, "Rivals"), re.M)
    return {re.sub(r"\[(.+)\]\(.+\)", r"\1", name) for name in listed}


def test_the_rivals_are_those_of_the_exercise_and_of_the_end_of_notebook_4():
    stub = next(c for c in FOUR.cells if "stub" in tags(c) and '"04.1"' in c.source)
    answer = ast.parse(stub.source).body[0].value
    assert len(rivals()) == 5 == len(answer.keys)
    assert rivals() == {key.value for key in answer.keys} == set(rows(FOUR, "Back to the rivals"))


def test_notebook_10_names_each_rival_and_the_explanation_that_it_became():
    there = rows(TEN, "The rivals of notebook 4")
    assert set(there) == rivals()
    became = {name: here.strip("*") for name, (here, _) in there.items()}
    assert set(became.values()) >= HYPOTHESES
    sections = {
        f"section {number}" for text in TEN.texts for number in re.findall(r"^## (\d+)\.", text)
    }
    assert set(became.values()) - HYPOTHESES <= sections


def test_notebook_10_ends_with_a_verdict_on_each_rival():
    end = rows(TEN, "What became of the rivals")
    assert set(end) == rivals()
    for name, (here, _) in rows(TEN, "The rivals of notebook 4").items():
        assert here in end[name][0], name
