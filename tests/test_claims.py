"""Every number in the running text stands on a claim, a source or a reasoned exception.

And a claim that the notebook does not bear out is seen: by the build, or by `make claims`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tools import claim_cells, claims, scripts, store
from tools.scripts import Script

# Texts whose numbers nobody has looked at yet. The guides are not scripts, and are not read here.
LATER = {
    "01_build_prompts",
    "04_run_the_experiments",
    "05_walk_the_sphere",
    "06_bring_your_own_model",
}
COVERED = [script for script in scripts.scripts() if script.name not in LATER]
covered = pytest.mark.parametrize("script", COVERED, ids=lambda script: script.name)

WORDS = "a few|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a hundred|a thousand"
UNITS = "per cent|percent|times|dimensions|layers|bits|tokens|words|prompts|concepts|seconds|GB"
NUMBER = re.compile(
    rf"(?<![\w.,-])\d+(?:[.,]\d+)*"
    rf"|\b(?:{WORDS}) (?:{UNITS}|%)"
    rf"|\b(?:{WORDS}) \w+ in (?:{WORDS})\b"
    rf"|\b(?:about|nearly|more than|less than) half\b",
    re.IGNORECASE,
)
# Code, formulas, addresses, and the numbers that headings, exercises and notebooks are called by.
NOT_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|https?://\S+"
    r"|^#+ (?:Exercise )?\d[\d.]*(?: ·)?|\(\d+ minutes, (?:easy|medium|open)\)"
    r"|\b(?:notebook|section|exercise) \d[\d.]*|\[\d+ · ",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?][)*]*\s+(?=[^a-z\d\s])|\n\s*\n|\n(?=[-#|])")
# "the paper", "Eq. 2", "(Sun and others, 2024)": whose number it is.
SOURCE = re.compile(r"\bpaper\b|\bEq\. ?\d|\b[A-Z]\w+[^.]*, (?:19|20)\d\d\b")


def unexplained(text: str, fragments: list[str]) -> list[str]:
    """Return the sentences with a number outside of the fragments, and without a source."""
    explained = [span for fragment in fragments for span in _places(fragment, text)]
    bare = NOT_PROSE.sub(lambda match: " " * len(match[0]), text)
    start, sentences = 0, []
    for end in [*(match.end() for match in SENTENCE_END.finditer(text)), len(text)]:
        numbers = [match.span() for match in NUMBER.finditer(bare, start, end)]
        loose = [n for n in numbers if not any(a <= n[0] and n[1] <= b for a, b in explained)]
        if loose and not SOURCE.search(text[start:end]):
            named = ", ".join(text[a:b] for a, b in loose)
            sentences.append(f"{named}: {' '.join(text[start:end].split())}")
        start = end
    return sentences


def _places(fragment: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a fragment stands, however the lines are broken."""
    words = map(re.escape, fragment.split())
    return (match.span() for match in re.finditer(r"\s+".join(words), text))


def text_of(script: Script) -> str:
    return "\n\n".join(script.texts)


# The finder


@pytest.mark.parametrize(
    "text",
    [
        "English peaks at 0.08.",
        "It falls to 12 %, at last.",
        "The list has 1,190 rows.",
        "English never gets above a few per cent.",
        "Three dimensions hold most of it.",
        "It is eight times as long.",
        "Only one answer in five is right.",
        "The line falls by more than half there.",
        "The paper says so. The peak is at 16.",
        "# A title with 3 parts",
        "It peaks ([here](https://example.org)) at 0.08.",
    ],
)
def test_a_number_is_found(text):
    assert len(unexplained(text, [])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Both languages rise, one after the other.",
        "Set `every = 4` and run [it](https://example.org/2024).",
        "The entropy is $\\log_2 18$ bits.",
        "## 3. Energy, measured",
        "## Exercise 02.1 · Entropy (3 minutes, easy)",
        "**Next:** [3 · Trace the three phases](03_trace_three_phases.ipynb)",
        "For Llama-2, see notebook 4 and section 2.",
        "The paper finds it at layer 17.",
        "It is the root of the quotient (Eq. 2), at most 1.",
        "Giants hold 90 % of it ([Sun and others, 2024](https://doi.org/10.1)).",
    ],
)
def test_what_is_no_result_is_left_alone(text):
    assert unexplained(text, []) == []


def test_a_fragment_explains_its_own_numbers_only():
    text = "It peaks at 8 %,\nand falls to 2 % at the end."
    assert unexplained(text, ["peaks at 8 %, and falls to 2 %"]) == []
    assert [said[:4] for said in unexplained(text, ["peaks at 8 %"])] == ["2: I"]


# The course


@covered
def test_every_number_has_a_claim_a_source_or_a_reason(script):
    fragments = [claim.text for claim in claim_cells.read(script)]
    assert unexplained(text_of(script), fragments) == []


@covered
def test_every_exception_is_needed_and_has_its_reason(script):
    backed = claim_cells.read(script)
    for claim in backed:
        if claim.reason is not None:
            others = [other.text for other in backed if other != claim]
            assert unexplained(text_of(script), others), claim.text
            assert claim.reason


def test_every_text_is_covered_or_listed_for_later():
    names = {script.name for script in scripts.scripts()}
    assert names - LATER == {script.name for script in COVERED} and names > LATER
    assert all(len(claim_cells.claims(script)) >= 5 for script in COVERED)


# What is refused, and what turns red


SCRIPT = """# %% tags=["parameters"]
seed = 0

# %%
import pandas as pd

choices = ["yes", "no"]
table = pd.DataFrame({"layer": [1, 2, 3, 4], "english": [0.0, 0.02, 0.3, 0.1]})

# %% [markdown]
# English peaks at layer 3. It never gets above 40 %,
# and it falls to 10 % in the last layer. There is none
# of it in the first layer. Each of the four layers was read.

# %% tags=["claims"]
{
    "English peaks at layer 3": table["layer"][table["english"].idxmax()] == 3,
    "never gets above 40 %": table["english"].max() < 0.4,
    "falls to 10 % in the last layer": round(table["english"].iloc[-1], 2) == 0.1,
    "There is none of it in the first layer": table["english"][0] == 0,
    "the four layers": len([row for row in table.index]) == 4,
}

# %%
print(table)
"""
BREAKS = {
    ".idxmax()] == 3": ".idxmax()] != 3",  # negated
    ".max() < 0.4": ".max() < 0.2",  # a bound that is crossed
    '["english"].iloc[-1]': '["French"].iloc[-1]',  # it raises
    'table["english"][0] == 0': 'table["english"] == 0',  # no answer, but a column
    "len([row": "sum([row",  # another quantity
}


def test_claims_are_read_and_stay_out_of_the_notebooks(small_course):
    read = claim_cells.claims(small_course(SCRIPT))
    assert list(read)[2] == "falls to 10 % in the last layer"
    assert read["never gets above 40 %"] == "table['english'].max() < 0.4"
    notebooks = list(scripts.ROOT.rglob("*.ipynb"))
    assert len(notebooks) == 2
    assert all("idxmax" not in path.read_text() for path in notebooks)


def test_a_reason_in_place_of_an_expression_is_not_evaluated(small_course):
    script = small_course(SCRIPT.replace('table["english"].max() < 0.4', '"an exercise"'))
    reasons = [claim for claim in claim_cells.read(script) if claim.reason]
    assert [(claim.text, claim.reason) for claim in reasons] == [
        ("never gets above 40 %", "an exercise")
    ]
    assert "never gets above 40 %" not in claim_cells.claims(script)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("peaks at layer 3.", "peaks at layer 2.", "the text above it does not say this"),
        ('table["english"].max() < 0.4', "1 < 2", "names no Run, table or other result"),
        ('table["english"].max() < 0.4', "seed == 0", "names no Run, table or other result"),
        ('table["english"].max() < 0.4', "len(choices) == 2", "names no Run, table or other"),
        ('table["english"].max() < 0.4', "pd is not None", "names no Run, table or other"),
        ("[row for row in table.index]", "[table for table in (1, 2, 3, 4)]", "names no Run"),
        ("print(table)", "table = table.round(1)", "a later cell changes table"),
        ("print(table)", "for table in (1, 2): pass", "a later cell changes table"),
        ("print(table)", "del table", "a later cell changes table"),
        ("print(table)", 'table["english"] = 0', "a later cell changes table"),
        ('"the four layers"', '"English peaks at layer 3"', "it stands there twice"),
        ("\n{\n", "\nclaims = 1\n{\n", "holds one dict"),
        ('"the four layers"', "4", "begins with the text"),
    ],
)
def test_a_claim_that_proves_nothing_is_refused(small_course, old, new, complaint):
    assert SCRIPT.count(old) == 1
    with pytest.raises(SystemExit, match=complaint):
        small_course(SCRIPT.replace(old, new))


def test_a_stored_table_is_a_result(small_course):
    stored = 'll.data.results("targets")["right"].max() < 0.5'
    script = small_course(SCRIPT.replace('table["english"].max() < 0.4', stored))
    assert "ll.data.results" in claim_cells.claims(script)["never gets above 40 %"]


def test_five_claims_broken_on_purpose_turn_the_command_red(small_course, capsys):
    script = small_course(SCRIPT)
    capsys.readouterr()
    assert claims.main() == 0
    assert capsys.readouterr().out.count("holds") == len(BREAKS) == 5
    broken = SCRIPT
    for old, new in BREAKS.items():
        assert SCRIPT.count(old) == 1
        broken = broken.replace(old, new)
    small_course(broken)
    assert claims.main() == 1
    said = capsys.readouterr().err
    assert "5 sentences do not hold" in said and "KeyError: 'French'" in said
    assert all(f"{script.name}: {text}" in said for text in claim_cells.claims(script))


# The store


def test_a_notebook_runs_once_until_something_that_it_reads_changes(small_course, monkeypatch):
    script = small_course(SCRIPT)
    path = store.executed(script, "student")
    with monkeypatch.context() as patch:
        patch.setattr(store, "_run", lambda *_: pytest.fail("It runs again."))
        assert store.executed(script, "student") == path
    keys = {store.place(script, "student"), store.place(script, "solutions")}
    for folder, file in (("latentlang", "lens/new.py"), ("data", "languages/de/words.csv")):
        added = scripts.ROOT / folder / file
        added.parent.mkdir(parents=True)
        added.write_text("new")
        keys.add(store.place(script, "student"))
    changed = small_course(SCRIPT.replace("< 0.4", "< 0.5"))
    keys.add(store.place(changed, "student"))
    changed = small_course(SCRIPT.replace("print(table)", "print(len(table))"))
    keys.add(store.place(changed, "student"))
    monkeypatch.setenv("LATENTLANG_MODEL", "llama-2-7b")
    keys.add(store.place(changed, "student"))
    assert len(keys) == 7
    own = path.with_name("01_try-mine.ipynb")
    own.write_text("{}")
    again = store.executed(changed, "student")
    assert again != path and sorted(path.parent.iterdir()) == sorted([again, own])
