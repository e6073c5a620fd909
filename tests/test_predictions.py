"""Questions to answer before looking: what they say, and that they need no kernel."""

from __future__ import annotations

import re

import pytest

import latentlang as ll


def test_every_choice_is_answered_with_what_was_measured():
    asked = ll.predict("Which is larger?", ["one", "two", "<b>"], "two", "2 > 1")
    page = asked._repr_html_()
    told = re.findall(r"<div class='ll-\d'>(.*?)</div>", page)
    assert len(told) == 3 and "Correct." in told[1] and "2 &gt; 1" in told[1]
    assert (
        all("Measured here: two." in told[n] for n in (0, 2))
        and "&lt;b&gt;" in told[2]
        and "<i><b>" not in page
    )
    assert page.count("type='radio'") == 3 == page.count("<label for=")
    assert "2 > 1" not in repr(asked)  # what a log shows does not give the answer away
    assert "two" in repr(asked)


def test_a_surprise_is_told_with_every_choice():
    told = re.findall(
        r"<div class='ll-\d'>(.*?)</div>", ll.predict("Which?", ["a", "b"], "neither")._repr_html_()
    )
    assert all("Measured here: neither." in text for text in told) and len(told) == 2


def test_one_choice_is_no_question():
    with pytest.raises(ll.errors.DataError, match="at least two"):
        ll.predict("Which?", ["a", "a"], "a")


def test_two_questions_do_not_share_their_buttons():
    one, other = (
        ll.predict(question, ["a", "b"], "a")._repr_html_() for question in ("Which?", "Who?")
    )
    names = [set(re.findall(r"name='(\w+)'", page)) for page in (one, other)]
    assert len(names[0]) == len(names[1]) == 1 and not names[0] & names[1]
