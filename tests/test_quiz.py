"""The quizzes: each sentence has its reply, and the right ones cannot be told by their places."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import latentlang as ll
from tools import claim_cells
from tools.check_style import sentences
from tools.scripts import Script, scripts, tags

every_script = pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)

ASK = ("The <b>bars</b>?", "1 > 2", "It is 1.", "2 > 1", "Yes: 2.", "1 = 2", "They differ.")
FIGURE = re.compile(
    r"\b(figure|curves?|lines?|grid|map|dots?|bars?|points?|panels?|marks?|table|rows?|columns?"
    r"|path|globe)\b"
)


def quiz(script: Script) -> list:
    """Return the questions of a notebook's quiz."""
    cells = [cell for cell in script.cells if "quiz" in tags(cell)]
    return [eval(cell.source, {"ll": ll}) for cell in cells]


def test_each_choice_shows_its_own_reply_and_one_is_correct():
    page = ll.choose(*ASK, supported="b")._repr_html_()
    told = re.findall(r"<div class='ll-\d'>(.*?)</div>", page)
    assert [text.partition("</b> ")[2] for text in told] == ["It is 1.", "Yes: 2.", "They differ."]
    assert ["Correct." in text for text in told] == [False, True, False]
    assert all(f"<label for='{name}'>" in page for name in re.findall(r"id='(p\w+-\d)'", page))
    assert page.count("type='radio'") == 3 and "&lt;b&gt;bars&lt;/b&gt;" in page
    assert "ll-predict" not in page  # what stands behind a quiz is in focus


def test_a_log_shows_the_sentences_and_not_the_answer():
    shown = [repr(ll.choose(*ASK, supported=letter)) for letter in "abc"]
    assert shown[0] == shown[1] == shown[2] and "2 > 1" in shown[0] and "Yes" not in shown[0]


@pytest.mark.parametrize(
    ("ask", "letter", "words"),
    [
        (ASK[:5], "a", "at least three"),
        (ASK[:6], "a", "its reply"),
        ((*ASK[:5], ASK[1], "No."), "a", "different"),
        (ASK, "d", "among a, b, c"),
        (ASK, "ab", "among a, b, c"),
        (ASK, "", "among a, b, c"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(ask, letter, words):
    with pytest.raises(ll.errors.DataError, match=words):
        ll.choose(*ask, supported=letter)


def test_a_cell_that_computes_is_no_question_of_a_quiz(small_course):
    with pytest.raises(SystemExit, match=r"write one `ll.choose\(…\)`"):
        small_course('# %% tags=["quiz"]\nasked = 3\nll.choose(asked)\n')


def test_a_number_of_a_quiz_needs_its_claim(small_course):
    """The claim stands behind its question, and quotes it."""
    asked = '# %% tags=["quiz"]\nll.choose("The peak?", "It is at 3.", "So.", supported="a")\n'
    claims = '\n# %% tags=["claims"]\n{"It is at 3": "an example"}\n'
    script = small_course(asked + claims)
    assert [claim.text for claim in claim_cells.read(script)] == ["It is at 3"]
    assert "It is at 3." in claim_cells.text_of(script.cells[-2])


# The course


@every_script
def test_a_notebook_ends_with_a_quiz_of_five_questions(script):
    cells = [cell for cell in script.cells if "claims" not in tags(cell)]
    heading = next(n for n, cell in enumerate(cells) if cell.source.startswith("## Quiz"))
    places = [n for n, cell in enumerate(cells) if "quiz" in tags(cell)]
    assert places == [*range(heading + 1, heading + 6)]
    after = [cell for cell in cells[heading + 6 :] if cell.cell_type == "markdown"]
    assert not any("## Exercise" in cell.source or "plots." in cell.source for cell in after)


@every_script
def test_a_question_names_a_section_with_a_figure_or_a_table(script):
    sections, shows = "", {}
    for cell in script.cells:
        if found := re.match(r"## (\d+)\. ", cell.source):
            sections = found[1]
        last = cell.source.splitlines()[-1:] if cell.cell_type == "code" else []
        shows[sections] = shows.get(sections, False) or any(
            line and not line.startswith((" ", "ll.predict")) for line in last
        )
    for asked in quiz(script):
        named = re.findall(r"[Ss]ection (\d+)", asked.question) or [""]
        assert all(shows.get(number) for number in named), asked.question
        assert FIGURE.search(asked.question), asked.question
        assert named != [""] or "first" in asked.question.lower(), asked.question


@every_script
def test_a_reply_is_one_sentence_and_a_choice_is_one_of_three_or_four(script):
    for asked in quiz(script):
        assert len(asked.sentences) in (3, 4), asked
        for text in (*asked.sentences, *asked.replies):
            assert text.endswith(".") and len(sentences(text)) == 1, text
            assert not set("*`<") & set(text), "This is shown as it stands, without markup."


def test_the_right_sentence_is_told_neither_by_its_place_nor_by_its_length():
    course = [quiz(script) for script in scripts()]
    for questions in course:
        letters = [asked.supported for asked in questions]
        assert max(Counter(letters).values()) <= 2, letters
    asked = [question for questions in course for question in questions]
    letters = Counter(question.supported for question in asked)
    assert len(letters) == 4 and max(letters.values()) <= 0.35 * len(asked), letters
    for measure in (max, min):
        hits = sum(
            question.supported
            == "abcd"[
                [len(text) for text in question.sentences].index(
                    measure(len(text) for text in question.sentences)
                )
            ]
            for question in asked
        )
        assert hits <= 0.45 * len(asked), (measure, hits)


PART_II = [script for script in scripts() if int(script.number) > 6]


@pytest.mark.parametrize("script", PART_II, ids=lambda script: script.name)
def test_each_section_of_part_ii_has_a_question_with_an_answer_that_unfolds(script):
    section, asks = "", {}
    for text in script.texts:
        if heading := re.match(r"## (?:(\d+)\. |(?!Exercise))", text):
            section = heading[1] or ""
        asks.setdefault(section, []).append(text)
    del asks[""]
    for number, texts in asks.items():
        whole = "\n".join(texts)
        folded = re.search(
            r"\*\*Questions?\.\*\* .+?\?.*?<details><summary>Answer</summary>", whole, re.S
        )
        asked = whole.startswith(f"## {number}. What students ask") and whole.count("?**") > 2
        assert folded or asked, number


@every_script
def test_a_notebook_names_two_to_four_readings_each_with_a_line_of_why(script):
    text = next(text for text in script.texts if text.startswith("## Readings"))
    readings = [line for line in text.splitlines() if line.startswith("- ")]
    assert 2 <= len(readings) <= 4
    for reading in readings:
        assert re.fullmatch(r"- .+ \(\d{4}\), \[.+?\]\(https://\S+\): .+\.", reading), reading
