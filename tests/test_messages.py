"""Titles state what the numbers allow: a table of cases, and curves that are planted."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import planted
import pytest
import torch

import latentlang as ll
from latentlang.analysis.phases import Phases
from latentlang.plots.anatomy import anatomy_message, anatomy_note
from latentlang.plots.difference import difference_message
from latentlang.plots.energy import energy_message
from latentlang.plots.evidence import quiet_layers, tell
from latentlang.plots.messages import Story, languages_message, share
from latentlang.plots.phases_story import copies_part, phases_message, phases_notes
from latentlang.plots.words import words_message

STORY = Story("English", "Chinese", "French", 0.09, 16, 0.004, True, last=0.5, layers=(1, 18))
CASES = [
    (
        {"target_from": 17},
        "English rises to 9 % at layer 16; Chinese leads from 17",
    ),
    (
        {"pivot_leads": (14, 15, 16), "target_from": 17},
        "English leads at layers 14–16, up to 9 %; Chinese leads from 17",
    ),
    (
        {"pivot_leads": (14,), "target_from": 17},
        "English leads at layer 14 and reaches 9 % at layer 16; Chinese leads from 17",
    ),
    (
        {"source_leads": (3, 4, 5), "target_from": 17},
        "English rises to 9 % at layer 16; Chinese leads from 17; "
        "French, the source, leads at layers 3–5",
    ),
    (
        {"clear": False, "above": False, "target_from": 1},
        "No sign of English: never above another word's 0.4 %; Chinese leads at every layer",
    ),
    (
        {"clear": False, "peak": 0.006},
        "No clear sign of English: 0.6 % at layer 16, another word's 0.4 %; "
        "neither language clearly leads at the end",
    ),
    (
        {"clear": False, "other": None, "peak": 0.006},
        "No clear sign of English: at most 0.6 %, at layer 16; "
        "neither language clearly leads at the end",
    ),
    (
        {"pivot_leads": (16, 17, 18)},
        "English leads at layers 16–18, up to 9 %; Chinese ends at 50 %",
    ),
    (
        {"source_leads": (18,)},
        "English rises to 9 % at layer 16; Chinese ends at 50 %; "
        "French, the source, leads at layer 18",
    ),
    ({"target": "English"}, "English rises to 9 % at layer 16"),
    (
        {"target": "English", "source_leads": (18,)},
        "English rises to 9 % at layer 16; French, the source, leads at layer 18",
    ),
    (
        {"given": "with noise", "target_from": 17},
        "With noise, English rises to 9 % at layer 16; Chinese leads from 17",
    ),
    (
        {"given": "with noise", "clear": False, "above": False},
        "With noise, no sign of English: never above another word's 0.4 %; "
        "neither language clearly leads at the end",
    ),
]


@pytest.mark.parametrize(("facts", "message"), CASES)
def test_a_story_is_told_by_the_rule(facts, message):
    assert languages_message(replace(STORY, **facts)) == message


PHASES = [
    (Phases(14, 17), "English takes the lead at layer 14, Chinese at 17"),
    (Phases(None, 17), "No phase of English; Chinese takes the lead at layer 17"),
    (Phases(14, None), "English takes the lead at layer 14, Chinese never stays ahead"),
    (Phases(None, None), "No phase found: neither English nor Chinese takes over"),
    (
        Phases(14, 17, None, (13, 15), (17, 17), 1.0, 0.95),
        "English takes the lead between layers 13 and 15, Chinese at 17",
    ),
    (
        Phases(14, 17, None, (14, 14), (16, 18), 0.5, 1.0),
        "English may take the lead at layer 14, Chinese takes it between 16 and 18",
    ),
    (
        Phases(14, 17, None, (14, 14), (16, 18), 0.5, 0.94),
        "English may take the lead at layer 14, Chinese between 16 and 18",
    ),
    (
        Phases(None, 17, None, (14, 15), (17, 17), 0.4, 1.0),
        "No clear phase of English; Chinese takes the lead at layer 17",
    ),
    (
        Phases(None, 17, None, None, (17, 18), 0.0, 0.6),
        "No phase of English; Chinese may take the lead between layers 17 and 18",
    ),
    (
        Phases(14, None, None, (14, 14), (18, 18), 1.0, 0.4),
        "English takes the lead at layer 14, Chinese never clearly stays ahead",
    ),
    (
        Phases(None, None, None, None, (18, 18), 0.0, 0.3),
        "No clear phase found: neither English nor Chinese clearly takes over",
    ),
    (
        Phases(14, 17, copy=(13, 14)),
        "A copy of the French word leads at layers 13–14, where English rises above Chinese",
    ),
    (
        Phases(14, 17, copy=(9,)),
        "A copy of the French word leads at layer 9, before English rises above Chinese",
    ),
    (
        Phases(14, 17, copy=(15,)),
        "A copy of the French word leads at layer 15, after English rises above Chinese",
    ),
    (Phases(14, 17, copy=(9, 15)), "A copy of the French word leads at layers 9, 15"),
    (Phases(None, 17, copy=(9,)), "A copy of the French word leads at layer 9"),
]
NAMES = ("English", "Chinese", "French")


@pytest.mark.parametrize(("starts", "message"), PHASES)
def test_phases_are_told_by_the_rule(starts, message):
    assert phases_message(starts, *NAMES) == message
    assert len(message) < 90 and message.count(";") <= 1  # one claim, read in a moment
    shuffled = phases_message(starts, *NAMES, given="with noise")
    assert shuffled.lower() == f"with noise, {message}".lower() and shuffled.startswith("With")


@pytest.mark.parametrize(
    ("starts", "concept", "target"),
    [
        (Phases(14, 17), "from layer 14.", "from layer 17."),
        (
            Phases(14, 17, None, (13, 15), (17, 17), 0.8, 1.0),
            "from layer 14 (13–15), in 80 % of resamples.",
            "from layer 17.",
        ),
        (
            Phases(None, None, None, (13, 15), None, 0.4, 0.0),
            "none, in 40 % of resamples.",
            "none.",
        ),
        (
            Phases(14, 17, copy=(14,)),
            "from layer 14.",
            "from layer 17. Copy: French above 5 % and above both.",
        ),
    ],
)
def test_what_the_title_of_phases_leaves_out_is_below_it_with_the_rule(starts, concept, target):
    assert phases_notes(starts, *NAMES) == [
        f"Concept phase (English above 5 % and Chinese): {concept}",
        f"Target phase (Chinese above English to the end, and there above 5 %): {target}",
    ]


@pytest.mark.parametrize("name", [*planted.RUNS])
def test_the_layers_of_every_phase_stand_below_the_title(name):
    run = planted.planted(planted.RUNS[name] | planted.OTHER)
    starts = ll.find_phases(run)
    notes = " ".join(ll.plots.phases(run).layout.meta["notes"])
    for start in (starts.concept_start, starts.target_start):
        assert start is None or f"from layer {start}" in notes
    assert ("above both" in notes) == bool(starts.copy)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("", 0.0), ("", 0.1)], "No language clearly leads: the band includes zero"),
        ([("second", -0.5), ("first", 0.5)], "English leads first, at layer 1; Chinese from"),
        (
            [("", 0.0), ("first", 0.5)],
            "Chinese clearly leads, first at layer 2; English at no layer",
        ),
    ],
)
def test_a_difference_is_told_by_the_rule(rows, message):
    leads, values = zip(*rows)
    table = pd.DataFrame({"difference": values, "lower": values, "leads": leads}, index=[1, 2])
    table["survives"] = table["leads"].ne("")
    said = difference_message(table, {"first": "Chinese", "second": "English"})
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("means", "random", "message"),
    [
        (
            [[0.2, 0.4]],
            None,
            "Token energy is below that of the tokens themselves at every layer: "
            "lowest 0.2 at layer 1, 0.4 at the end",
        ),
        ([[0.2, 1.4]], 0.1, "Token energy: lowest 0.2 at layer 1, 1.4 at the end"),
        (
            [[0.2, 0.4]],
            0.3,
            "Token energy is below that of random directions at layer 1: "
            "lowest 0.2 at layer 1, 0.4 at the end",
        ),
        (
            [[0.2, 0.4], [0.2, 0.3]],
            0.5,
            "Token energy is below that of random directions at every layer in translation and "
            "repetition; they differ by at most 25 %, at layer 2",
        ),
        (
            [[0.2, 0.4], [0.2, 0.6]],
            0.5,
            "Token energy is below that of random directions at layer 1 in translation and "
            "repetition; they differ by at most 50 %, at layer 2",
        ),
    ],
)
def test_an_energy_is_told_by_the_rule(means, random, message):
    tables = [pd.DataFrame({"layer": [1, 2], "mean": mean, "upper": mean}) for mean in means]
    assert energy_message(tables, ["translation", "repetition"], random) == message


def test_an_energy_whose_band_holds_the_line_is_not_called_lower():
    table = pd.DataFrame({"layer": [1, 2], "mean": [0.2, 0.2], "upper": [0.31, 0.25]})
    assert "random directions at layer 2:" in energy_message([table], ["translation"], 0.3)


def test_models_and_words_are_counted():
    starts = {"a": Phases(8, 16, copy=()), "b": Phases(None, 12, copy=(3,))}
    n_layers = {"a": 16, "b": 16}
    assert anatomy_message(starts, n_layers) == (
        "The pivot rises above the target in a (from 50 % of the depth), not in b; "
        "a copy of the source word leads in b"
    )
    assert anatomy_message(starts, n_layers, "English").startswith("English rises above the target")
    assert anatomy_note(starts, n_layers) == (
        "Rises above: is above 5 % and above the target. "
        "The target stays ahead in a and b (from 75–100 %)."
    )
    nothing = {"a": Phases(None, None)}
    assert anatomy_message(nothing, {"a": 16}) == "The pivot rises above the target in none of them"
    assert anatomy_note(nothing, {"a": 16}).endswith("The target stays ahead in none of them.")
    assert words_message("English", 3, [0.05, 0.09], ["a", "<b>"]) == (
        "English is above 10 % at layer 3 in 0 of 2 prompts; highest for “&lt;b&gt;”, 9 %"
    )


@pytest.mark.parametrize(
    ("copies", "said"),
    [
        ([(3,), ()], "in 1"),
        ([(3,), (4, 5)], "in 2"),
        ([(3,), None, ()], "in 1 of the 2 that follow it"),
        ([(), None], ""),
        ([None, None], ""),
    ],
)
def test_copies_are_counted_among_the_runs_that_follow_the_source(copies, said):
    part = copies_part([Phases(3, 5, copy=copy) for copy in copies])
    assert part == (f"the source word leads at some layers {said}" if said else "")


def test_where_the_pivot_is_the_target_no_phase_is_told():
    """The rule compares two languages, and would say of one that it is above itself."""
    title = phases_message(Phases(None, None), "English", "English", "French")
    assert title == "No phases: English is the pivot and the target"
    (note,) = phases_notes(Phases(None, None), "English", "English", "French")
    assert note == "Phases compare two languages, and here English is both."
    copied = Phases(None, None, copy=(3,))
    assert "copy" in phases_message(copied, "English", "English", "French")
    assert "Copy: French" in phases_notes(copied, "English", "English", "French")[0]


def test_only_the_phases_say_that_copy_leads():
    """P(source) is certainly ahead with 2 to 4 %, which is not copy: that begins at 5 %."""
    curves = {"en": planted.flat(1e-3), "zh": planted.flat(2e-3), "fr": planted.flat(0.03)}
    run = planted.planted(curves)
    assert ll.find_phases(run).copy == ()
    message = ll.plots.language_probability(run).layout.meta["message"]
    assert message.endswith("; French, the source, leads at layers 1–18")
    high = planted.planted(curves | {"fr": planted.flat(0.3)})
    assert ll.find_phases(high).copy == high.layers
    title = ll.plots.phases(high).layout.title.text
    assert title.startswith("A copy of the French word leads at layers 1–18<br>")
    assert "opy of" not in ll.plots.language_probability(high).layout.title.text


@pytest.mark.parametrize("value", [1.0, 0.999, 0.5, 0.126, 0.0951, 0.0096, 0.0044, 2e-5, 0.0])
def test_a_share_in_a_sentence_is_the_number_rounded(value):
    text = share(value)
    number = float(re.sub("[^0-9.]", "", text)) / 100
    assert number == pytest.approx(value, abs=0.0051 if value > 0.0095 else 0.05 * value)
    assert text.endswith(" %")


RULE = "Leads: the band of the difference, 95 % for all layers at once, leaves zero out."


@pytest.mark.parametrize("name", [*planted.RUNS])
@pytest.mark.parametrize("draw", [ll.plots.language_probability, ll.plots.difference])
def test_a_title_that_says_who_leads_has_its_rule_below_it(draw, name):
    run = planted.planted(planted.RUNS[name] | planted.OTHER)
    assert RULE in draw(run).layout.meta["notes"]
    single = draw(run[0]).layout.meta
    assert RULE not in single["notes"]
    assert ("lead" in single["message"]) == any("however little" in n for n in single["notes"])


DRAW = ("language_probability", "phases", "difference", "words")


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("curves", [*planted.RUNS])
def test_a_control_is_in_the_title(name, curves):
    """The same curves are told in the same words, after what is not as usual."""
    draw, readings = getattr(ll.plots, name), planted.RUNS[curves] | planted.OTHER
    plain, shuffled, random = (
        draw(planted.planted(readings, control=control)).layout.meta["message"]
        for control in (None, "shuffled", "random")
    )
    assert shuffled.startswith("With wrong answers in the examples, ")
    assert shuffled.removeprefix("With wrong answers in the examples, ").lower() == plain.lower()
    assert random.lower() == plain.replace("English", "an unrelated English word").lower()
    assert "English, " not in shuffled + random  # a label, not a sentence


@pytest.mark.parametrize("name", [*planted.RUNS])
def test_every_task_is_told_in_the_same_order(name):
    """Pivot, target, source: as in the title of a translation, in which the source may lead."""
    curves = planted.RUNS[name] | planted.OTHER | {"fr": planted.flat(0.9)}
    title = languages_message(tell(planted.planted(curves)))
    alone = languages_message(tell(planted.planted(curves, source=None)))
    assert title.index("English") < title.index("French, the source")
    for said in (title, alone):
        end = said.find("Chinese") if "Chinese" in said else said.find("neither language")
        assert said.index("English") < end
    assert "the source" not in alone


def story(name: str, *, yardstick: bool = True, **options) -> Story:
    curves = planted.RUNS[name] | (planted.OTHER if yardstick else {})
    return tell(planted.planted(curves, **options))


def test_planted_curves_are_recognised():
    pivot = story("pivot")
    assert pivot.at == 13 and pivot.peak == pytest.approx(0.6, abs=0.08)
    assert set(range(12, 16)) <= set(pivot.pivot_leads) and pivot.target_from == 16
    faint = story("faint")
    assert faint.clear and faint.at == 15 and faint.target_from == 16
    copy = story("copy")
    assert set(range(10, 13)) <= set(copy.source_leads) and 15 not in copy.source_leads
    nothing = story("nothing")
    assert not nothing.clear and not nothing.above and nothing.other == pytest.approx(4e-3, rel=0.1)
    assert "never above another word's" in languages_message(nothing)


def test_what_one_prompt_of_ten_makes_is_not_called_certain():
    """One prompt has 90 % English and nine have none: the mean is 9 %, and nothing is clear."""
    run = planted.planted(planted.RUNS["faint"] | planted.OTHER)
    pivot = torch.full_like(run.entropy, 1e-4)
    pivot[0, 14] = 0.9
    run = run.with_readings(probability=run.probability | {"en": pivot})
    told = tell(run)
    assert not told.clear and not told.pivot_leads
    assert languages_message(told).startswith("No clear sign of English: 9 % at layer 15")


def test_a_single_prompt_is_what_it_is():
    told = tell(planted.planted(planted.RUNS["pivot"] | planted.OTHER, n=1))
    assert told.clear and told.pivot_leads and told.target_from == 16


def test_layers_are_quiet_below_their_yardstick_and_not_above():
    curves = planted.RUNS["nothing"] | {"en": planted.flat(0.02)}
    loud, _ = quiet_layers(planted.planted(curves, spread=0))
    assert loud == 0
    high = {"other:en": planted.flat(0.03)}
    quiet, why = quiet_layers(planted.planted(curves | high, spread=0))
    assert quiet == 10 and "another word" in why  # Chinese passes 3 % at layer 11
    assert planted.RUNS["nothing"]["zh"][quiet] > 0.03 >= planted.RUNS["nothing"]["zh"][quiet - 1]


@pytest.mark.parametrize("name", [*planted.RUNS])
def test_the_screen_reader_hears_the_title_and_the_facts(name):
    run = planted.planted(planted.RUNS[name] | planted.OTHER)
    figure = ll.plots.language_probability(run, width=390)
    told = ll.plots.describe(figure)
    assert languages_message(tell(run)) + "." in told
    assert all(fact in told for fact in ("n = 10", "planted, float32", run.setting.title))
    assert "<" not in told
