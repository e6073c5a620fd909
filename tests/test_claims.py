"""Every number in the running text stands on a claim, a source or a reasoned exception.

And a claim that the notebook does not bear out is seen: by the build, or by `make claims`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import nbformat
import pytest

from tools import claim_cells, claims, guides, scripts, store
from tools.scripts import Script

each_guide = pytest.mark.parametrize("guide", guides.GUIDES, ids=lambda guide: guide.name)
every_script = pytest.mark.parametrize("script", scripts.scripts(), ids=lambda script: script.name)

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
    r"|doi:\S+|^ *\d+\. |^#+ (?:Exercise )?\d[\d.]*(?: ·)?|\(\d+ minutes, (?:easy|medium|open)\)"
    r"|\b(?:notebook|section|exercise)s? \d[\d.]*(?:(?:,| and|, and| to) \d[\d.]*)*"
    r"|\(\d\d\.\d\)|\[\d+ · ",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?][)*]*\s+(?=[^a-z\d\s])|\n\s*\n|\n(?=[-#|])")
# "the paper", "Eq. 2", "(Sun and others, 2024)", "Efron (1979)": whose number it is.
SOURCE = re.compile(r"\bpaper\b|\bEq\. ?\d|\b[A-Z]\w+[^.]*, (?:19|20)\d\d\b|\w \((?:19|20)\d\d\)")


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
    return "\n\n".join(claim_cells.text_of(cell) for cell in script.cells)


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
        "- Efron (1979). Bootstrap Methods. [doi:10.1214/aos/1176344552](https://doi.org/10.1)",
        "1. Run notebooks 3, 4 and 5.\n2. Read sections 2 to 5, then exercises 01.1 to 01.3.",
    ],
)
def test_what_is_no_result_is_left_alone(text):
    assert unexplained(text, []) == []


def test_a_fragment_explains_its_own_numbers_only():
    text = "It peaks at 8 %,\nand falls to 2 % at the end."
    assert unexplained(text, ["peaks at 8 %, and falls to 2 %"]) == []
    assert [said[:4] for said in unexplained(text, ["peaks at 8 %"])] == ["2: I"]


def without_reason_to_be(text: str, backed: list[claim_cells.Claim]) -> list[str]:
    """Return the exceptions that explain no number which others leave unexplained."""
    needless = []
    for claim in backed:
        others = [other.text for other in backed if other != claim]
        if claim.reason is not None and not (claim.reason and unexplained(text, others)):
            needless.append(claim.text)
    return needless


def claims_of(guide: guides.Guide) -> list[claim_cells.Claim]:
    return [claim for part in guide.claims().values() for claim in part]


# The course, the guides, and the replies of the checks


@every_script
def test_every_number_has_a_claim_a_source_or_a_reason(script):
    fragments = [claim.text for claim in claim_cells.read(script)]
    assert unexplained(text_of(script), fragments) == []


@each_guide
def test_every_number_of_a_guide_has_a_claim_a_source_or_a_reason(guide):
    assert unexplained(guide.text, [claim.text for claim in claims_of(guide)]) == []


@every_script
def test_every_exception_is_needed_and_has_its_reason(script):
    assert without_reason_to_be(text_of(script), claim_cells.read(script)) == []


@each_guide
def test_every_exception_of_a_guide_is_needed_and_has_its_reason(guide):
    assert without_reason_to_be(guide.text, claims_of(guide)) == []


def test_every_text_has_claims():
    assert all(len(claim_cells.claims(script)) >= 5 for script in scripts.scripts())
    files = {path.stem for path in (scripts.ROOT / "course" / "claims").iterdir()}
    assert files == guides.TEXTS.keys()


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
    ".max() < 0.4": ".max() < 0.4 / 2",  # a bound that is crossed
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
        (".max() < 0.4", ".max() < 0.5", "does not have the number 40 %"),
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
    stored = 'll.data.results("targets")["right"].max() < 0.4'
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
    assert "Do not hold (5):" in said and "KeyError: 'French'" in said
    assert all(f"{script.name}: {text}" in said for text in claim_cells.claims(script))


def test_a_notebook_that_does_not_run_is_named(small_course, capsys):
    script = small_course(SCRIPT.replace("print(table)", "print(table.loc['none'])"))
    assert claims.main() == 1
    said = capsys.readouterr().err
    assert f"{script.name}: a cell fails" in said and "KeyError" in said


def test_all_claims_that_their_texts_do_not_say_are_named_before_a_notebook_runs(
    small_guide, monkeypatch, capsys
):
    guide = small_guide(GUIDE.replace("layer 3", "layer 2").replace("10 %", "12 %"))
    path = scripts.scripts()[0].path
    wrong = SCRIPT.replace("peaks at layer 3.", "peaks at layer 2.").replace("# of it", "# of that")
    path.write_text(path.read_text(encoding="utf-8").replace(SCRIPT, wrong), encoding="utf-8")
    monkeypatch.setattr(store, "executed", lambda *_: pytest.fail("It runs."))
    assert claims.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{path.name}, claim 'English peaks at layer 3': the text above it does not say this.",
        f"{path.name}, claim 'There is none of it in the first layer': "
        "the text above it does not say this.",
        f"Claim 'peaks at layer 3': {guide.name} does not say this.",
        f"Claim 'falls to 10 %': {guide.name} does not say this.",
    ]


def test_a_notebook_that_does_not_follow_from_its_script_backs_no_claim(small_course, capsys):
    path = small_course(SCRIPT).path
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0.02, 0.3, 0.1", "0.02, 0.5, 0.1"), encoding="utf-8")
    assert claims.main() == 1
    assert "Stale: notebooks/01_try.ipynb" in capsys.readouterr().err


# The guides

GUIDE = """# A guide

It peaks at layer 3 (<!-- layers -->4<!-- /layers --> in all).
It falls to 10 %.
"""
GUIDE_CLAIMS = """
{
    "01": {
        "peaks at layer 3": table["layer"][table["english"].idxmax()] == 3,
        "falls to 10 %": "an example",
    },
}
"""


@pytest.fixture
def small_guide(small_course, monkeypatch):
    """``small_guide(text, claims)`` -> the guide of a course whose only script is ``SCRIPT``."""
    monkeypatch.setattr(guides, "TEXTS", {"GUIDE": "notebooks/GUIDE.md"})
    monkeypatch.setattr(guides, "GUIDES", [guides.Guide("GUIDE")])

    def write(text: str = GUIDE, claimed: str = GUIDE_CLAIMS) -> guides.Guide:
        small_course(SCRIPT)
        (scripts.ROOT / "notebooks" / "GUIDE.md").write_text(text, encoding="utf-8")
        folder = scripts.ROOT / "course" / "claims"
        folder.mkdir(exist_ok=True)
        (folder / "GUIDE.py").write_text(claimed, encoding="utf-8")
        return guides.GUIDES[0]

    return write


def test_a_number_in_a_guide_without_a_claim_is_found(small_guide):
    guide = small_guide()
    fragments = [claim.text for claim in claims_of(guide)]
    assert unexplained(guide.text, fragments) == []
    guide = small_guide(f"{GUIDE}It ends at 0.3.\n")
    assert unexplained(guide.text, fragments) == ["0.3: It ends at 0.3."]


def test_a_claim_of_a_guide_is_evaluated_in_its_notebook(small_guide, capsys):
    small_guide()
    assert claims.main() == 0
    told = capsys.readouterr().out
    assert "holds   notebooks/GUIDE.md: peaks at layer 3" in told and "falls to" in told
    assert "   1 of   1 notebooks/GUIDE.md" in told and "   6 of   6 in all" in told
    small_guide(claimed=GUIDE_CLAIMS.replace("== 3", "!= 3"))
    assert claims.main() == 1
    told = capsys.readouterr()
    assert "   0 of   1 notebooks/GUIDE.md" in told.out and "   5 of   6 in all" in told.out
    assert "Do not hold (1):" in told.err


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("peaks at layer 3", "peaks at layer 2", "notebooks/GUIDE.md does not say this"),
        ("falls to 10 %", "4", "does not say this"),  # what the builder writes
        ("falls to 10 %", "peaks at layer 3", "it stands there twice"),
        ('table["layer"][table["english"].idxmax()] == 3', "1 < 2", "names no result"),
        ('table["layer"][table["english"].idxmax()] == 3', "seed == 0", "names no result"),
        ("== 3", "== 4", r"GUIDE.py: .* does not have the number 3\."),
        ('"01"', '"02"', "notebook '02' does not exist"),
        ('"01": {', '"01": {}, "01": {', "notebook '01' stands there twice"),
        ('"01": {', '**{}, "01": {', "notebook None does not exist"),
        (GUIDE_CLAIMS, "[]", "it holds one dict"),
        (GUIDE_CLAIMS, "", "it holds one dict"),
    ],
)
def test_a_claim_of_a_guide_that_proves_nothing_is_refused(small_guide, old, new, complaint):
    assert GUIDE_CLAIMS.count(old) == 1
    with pytest.raises(SystemExit, match=complaint):
        small_guide(claimed=GUIDE_CLAIMS.replace(old, new)).claims()


def test_the_replies_of_the_checks_are_read_without_their_docstrings(small_guide, monkeypatch):
    folder = scripts.ROOT / "latentlang" / "course"
    folder.mkdir(parents=True)
    code = 'def check(n):\n    "Take 3 of 4."\n    return f"It is {n:.1f} of 5." or "key"\n'
    (folder / "notebook_01.py").write_text(code, encoding="utf-8")
    monkeypatch.setitem(guides.TEXTS, "replies", "latentlang/course/notebook_*.py")
    assert guides.Guide("replies").text == "It is … of 5."


# The store


def test_what_a_notebook_writes_does_not_stay_among_the_notebooks(tmp_path):
    cell = nbformat.v4.new_code_cell("open('written.csv', 'w').close()")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "note.ipynb")
    _, replies = store._run(tmp_path / "note.ipynb", {"there": "open('written.csv').close()"})
    assert replies["there"]["status"] == "ok"
    assert [path.name for path in tmp_path.iterdir()] == ["note.ipynb"]


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
    changed = small_course(SCRIPT.replace("< 0.4", "<= 0.4"))
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
