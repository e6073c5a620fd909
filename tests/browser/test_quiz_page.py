"""The questions of the course on a page of their own: by keyboard, on every screen."""

from __future__ import annotations

import pytest

import latentlang as ll
from tools.scripts import scripts, tags

SCREENS = {"desk": {"width": 1400, "height": 900}, "phone": {"width": 390, "height": 800}}
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("screen", SCREENS)
def test_a_quiz_answers_by_keyboard_and_fits_the_screen(screen, offline, tmp_path, shoot):
    script = scripts()[0]
    quiz = [eval(c.source, {"ll": ll}) for c in script.cells if "quiz" in tags(c)]
    file = tmp_path / "quiz.html"
    shown = "".join(asked._repr_html_() for asked in quiz)
    head = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    file.write_text(f"{head}<title>Quiz</title>{shown}", encoding="utf-8")
    page = offline(file.as_uri(), SCREENS[screen])
    for place, asked in enumerate(quiz):
        form = page.locator(".ll-quiz").nth(place)
        assert not form.locator(".ll-told").is_visible()
        page.keyboard.press("Tab")
        said = []
        for key in ["Space", *["ArrowDown"] * (len(asked.sentences) - 1)]:
            page.keyboard.press(key)
            told = [reply for reply in form.locator(".ll-told > div").all() if reply.is_visible()]
            said += [reply.inner_text() for reply in told]
        leads = ["✔ Correct." if a == asked.supported else "✘ Not supported." for a in "abcd"]
        assert said == [f"{lead} {reply}" for lead, reply in zip(leads, asked.replies)]
    assert not page.evaluate(TOO_WIDE)
    shoot(page)
