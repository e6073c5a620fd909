"""Figures of sweeps draw the means of their rows, and their titles say what is certain."""

from __future__ import annotations

from dataclasses import replace

import planted
import pytest
import torch

import latentlang as ll
from latentlang.errors import DataError
from latentlang.plots.evidence import tell_sweep
from latentlang.plots.sweep_grid import grid_message
from latentlang.plots.sweep_story import SweepStory, Turn, sweep_message

ALL = tuple(range(1, 19))
LATE, LATER, EARLY = ALL[7:], ALL[12:], ALL[:12]


def turns(language: Turn | None = None, concept: Turn | None = None) -> dict[str, Turn]:
    both = {"language": language, "concept": concept}
    return {name: turn for name, turn in both.items() if turn is not None}


CASES = [
    (
        {"turns": turns(Turn(LATE, ALL[:6]), Turn(LATER, EARLY))},
        "The language changes from layer 8, the concept from layer 13",
    ),
    (
        {"turns": turns(Turn(LATER, EARLY), Turn(LATE, ALL[:7]))},
        "The concept changes from layer 8, the language from layer 13",
    ),
    (
        {"turns": turns(Turn(LATE), Turn(LATE))},
        "Language and concept change together, from layer 8",
    ),
    (
        {"turns": turns(Turn(LATE), Turn((), ALL))},
        "The language changes from layer 8; the concept stays",
    ),
    (
        {"turns": turns(Turn(LATE), Turn((), EARLY))},
        "The language changes from layer 8; the concept never clearly does",
    ),
    (
        {"turns": turns(Turn((), LATER), Turn(LATER, EARLY))},
        "The concept changes from layer 13; the language stays",
    ),
    (
        {"turns": turns(Turn(ALL), Turn(EARLY)), "onward": True},
        "The language changes for starts at every layer, the concept for starts at layers 1–12",
    ),
    ({"turns": turns(concept=Turn((9,)))}, "The concept changes at layer 9"),
    (
        {"turns": turns(Turn((), ALL)), "answer": "Chinese", "before": 0.59, "lowest": 0.3},
        "Chinese falls from 59 % to 30 % at layer 14; the language stays",
    ),
    ({"turns": turns(Turn((), ALL), Turn())}, "No layer clearly changes the answer"),
    (
        {"leads": {"right": LATE, "wrong": ()}},
        "Right leads from layer 8",
    ),
    ({"leads": {"right": (), "wrong": ()}}, "No layer clearly changes the answer"),
]


@pytest.mark.parametrize(("facts", "message"), CASES)
def test_a_sweep_is_told_by_the_rule(facts, message):
    assert sweep_message(replace(SweepStory(ALL, at=14), **facts)) == message


PLANTED = {
    "language first": "The language changes from layer 8, the concept from layer 13",
    "nothing": "No layer clearly changes the answer",
    "steered": "The language changes from layer 9; the concept stays",
    "erased": "Chinese falls from 59 % to 35 % at layer 14; the language stays",
    "own labels": "Right leads from layer 8; &lt;b&gt;wrong&lt;/b&gt; leads at layers 1–7",
}


@pytest.mark.parametrize("name", planted.SWEEPS)
def test_a_planted_sweep_is_recognised_and_the_screen_reader_hears_it(name):
    figure = ll.plots.sweep(planted.planted_sweep(name))
    assert figure.layout.meta["message"] == PLANTED[name]
    told = ll.plots.describe(figure)
    assert told.startswith("Line chart over layer that is changed.") and "&" not in told
    assert "Patch from translation fr → en, at the last token" in told and "n = 10" in told


def test_the_words_of_the_pivot_are_of_another_language_and_of_both_concepts():
    """``ll.pairs`` has such a label where neither side asks for the pivot."""
    sweep = planted.planted_sweep("nothing")
    english = torch.full((10, 18), 0.9) * (torch.arange(1, 19) > 9)
    own = sweep.probability["B in zh"] * (torch.arange(1, 19) <= 9)
    curves = {"A in fr": sweep.probability["A in en"], "B in fr": sweep.probability["B in en"]}
    curves |= {"A in zh": sweep.probability["A in zh"], "B in zh": own, "pivot": english}
    sweep = replace(sweep, probability=curves, baseline={name: own[:, 0] for name in curves})
    figure = ll.plots.sweep(sweep)
    assert "A or B in English" in ll.plots.table(figure)
    assert figure.layout.meta["message"] == (
        "The language changes from layer 10; the concept never clearly does"
    )


def test_what_one_pair_of_ten_does_is_not_called_certain():
    """One pair has its whole answer in English from layer 1 on, nine stay: the mean is 10 %."""
    sweep = planted.planted_sweep("nothing")
    english = torch.full((10, 18), 1e-4)
    english[0] = 1.0
    own = sweep.probability["B in zh"].clone()
    own[0] = 0.0
    sweep = replace(sweep, probability={**sweep.probability, "A in en": english, "B in zh": own})
    story = tell_sweep(sweep)
    assert not story.turns["language"].away and not story.turns["concept"].away
    alone = tell_sweep(sweep[0])
    assert alone.turns["language"].away == alone.turns["concept"].away == ALL


def test_a_lead_that_no_figure_shows_is_none():
    """The source's word has 0.4 %, and the prompt's own nothing: no answer is given at all."""
    sweep = planted.planted_sweep("nothing")
    curves = {label: torch.full((10, 18), 1e-6) for label in sweep.labels}
    sweep = replace(sweep, probability=curves | {"A in en": torch.full((10, 18), 4e-3)})
    message = sweep_message(tell_sweep(sweep))
    assert message == "B in Chinese falls from 61 % to 0.0001 % at layer 1"


def test_pairs_about_one_concept_are_one_cluster():
    """The same pair ten times is no more certain than one concept with another one against it."""
    sweep = planted.planted_sweep("language first", n=2)
    many = sweep[[0] * 9 + [1]]
    turned = replace(
        many,
        probability={
            label: torch.cat([values[:9], many.probability[other][9:]])
            for (label, values), other in zip(
                many.probability.items(), ["B in zh", "B in en", "A in en", "A in zh"]
            )
        },
    )
    assert not tell_sweep(turned).turns["language"].away
    assert tell_sweep(many).turns["language"].away


def test_the_figure_draws_the_means_and_the_answers_without_a_change():
    sweep = planted.planted_sweep("language first", controls=True)
    figure = ll.plots.sweep(sweep)
    table = ll.plots.table(figure)
    names = {
        "A in en": "A in English",
        "A in zh": "A in Chinese",
        "B in zh": "B in Chinese",
        "B in en": "B in English",
    }
    assert list(table.index) == list(sweep.layers)
    for label, name in names.items():
        mean = sweep.probability[label].double().mean(0)
        torch.testing.assert_close(torch.tensor(table[name].tolist()).double(), mean)
    before = sweep.baseline["B in zh"].mean().item()
    assert table["B in Chinese, without a change"].tolist() == pytest.approx([before] * 18)
    assert "A in English, without a change" not in table, "it is below 1 %"
    controls = {name: table[name].tolist() for name in table if name.startswith("control: ")}
    assert len(controls) == 4
    random = sweep.controls["random"]["A in en"].double().mean(0).tolist()
    assert controls["control: a random vector of the same length"] == pytest.approx(random)
    told = ll.plots.describe(figure)
    assert "A in English: highest" in told and "under each control" in told


def test_the_band_is_the_interval_over_concepts():
    sweep = planted.planted_sweep("language first")
    pool = sweep[[*range(10)] * 2]
    for rows in (sweep, pool):
        figure = ll.plots.sweep(rows)
        band = next(
            t for t in figure.data if t.fill == "toself" and t.legendgroup == "A in English"
        )
        _, lower, upper = ll.metrics.mean_ci(
            rows.probability["A in en"], "bootstrap", clusters=rows.clusters
        )
        assert list(band.y) == pytest.approx([*upper.tolist(), *lower.tolist()[::-1]])
    assert "n = 20 about 10 concepts" in figure.layout.title.text


def test_controls_follow_the_curve_that_the_change_lowers_where_it_raises_none():
    sweep = planted.planted_sweep("erased")
    control = {label: torch.full((10, 18), 0.5) for label in sweep.labels}
    figure = ll.plots.sweep(replace(sweep, controls={"<i>mine</i>": control}))
    assert "Chinese under each control, at most 50 %" in figure.layout.title.text
    assert "<i>mine" not in figure.to_json() and "control: <i>mine</i>" in ll.plots.table(figure)


def test_continuations_have_a_strip_with_the_share_that_closes_the_quotation():
    sweep = planted.planted_sweep("steered", continuations=planted.CONTINUATIONS)
    table = ll.plots.table(ll.plots.sweep(sweep))
    assert table["close the quotation mark"].tolist() == [1.0] * 14 + [0.0] * 4
    with pytest.raises(DataError, match="no continuations"):
        _ = planted.planted_sweep("steered").closed


def test_a_grid_cell_is_the_label_ahead_with_its_probability():
    sweep = planted.planted_sweep("language first", spread=0.4)
    figure = ll.plots.sweep_grid(sweep)
    table = ll.plots.table(figure)
    assert table.shape == (10, 18)
    pairs = dict(zip(sweep.prompts["concept"], sweep.prompts["source_concept"]))
    for row, (concept, source) in enumerate(pairs.items()):
        for column in range(18):
            chances = {label: float(v[row, column]) for label, v in sweep.probability.items()}
            best = max(chances, key=chances.get)
            letter, share = table.loc[f"{source} → {concept}"].iloc[column].split()
            assert letter == (best[0] if chances[best] >= 0.1 else "·")
            said = float(share.removesuffix("%")) / 100
            assert said == pytest.approx(chances[best], rel=6e-3)


def test_the_rows_whose_answer_changes_first_stand_on_top():
    sweep = planted.planted_sweep("nothing", spread=0.0)
    english = torch.zeros(10, 18)
    for row, layer in ((4, 3), (2, 9)):
        english[row, layer - 1 :] = 0.9
    english[7, 1] = 0.05
    curves = {**sweep.probability, "A in en": english, "B in zh": 0.06 * torch.ones(10, 18)}
    table = ll.plots.table(ll.plots.sweep_grid(replace(sweep, probability=curves)))
    concepts = [name.rpartition(" ")[2] for name in table.index]
    assert concepts[:3] == [sweep.prompts["concept"][row] for row in (4, 2, 0)]


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ([8, None, 9, 12], "The answer changes in 3 of 4 prompts, first at layer 9 (median)"),
        ([None, None], "No layer changes the answer in any of 2 prompts"),
        ([4], "The answer changes in 1 of 1 prompt, first at layer 4"),
    ],
)
def test_a_grid_is_told_by_the_rule(first, message):
    assert grid_message(first).startswith(message)


def test_the_bars_of_a_layer_are_its_means_with_and_without_the_change():
    sweep = planted.planted_sweep("language first")
    words = {"A in en": "<i>book</i>", "B in zh": "花"}
    figure = ll.plots.sweep_layer(sweep, 10, words)
    bar, before = figure.data
    for place, label in enumerate(sweep.labels):
        after = sweep.probability[label][:, 9].mean().item()
        assert bar.x[place] == pytest.approx(after, abs=1e-6)
        assert before.x[place] == pytest.approx(sweep.baseline[label].mean().item(), abs=1e-6)
    best = max(sweep.labels, key=lambda label: sweep.probability[label][:, 9].mean())
    assert best == "B in en"
    before_best = max(sweep.labels, key=lambda label: sweep.baseline[label].mean())
    assert before_best == "B in zh"
    assert figure.layout.title.text.startswith("With layer 10 changed, B in English is highest: ")
    assert "; B in Chinese falls from " in figure.layout.title.text
    assert "<i>" not in figure.to_json() and "&lt;i&gt;book" in figure.to_json()
    assert "B in Chinese 花" in ll.plots.table(figure).index
    with pytest.raises(DataError, match="no label 'C in en'"):
        ll.plots.sweep_layer(sweep, 10, {"C in en": "x"})
    with pytest.raises(DataError, match="no layer from 19"):
        ll.plots.sweep_layer(sweep, 19)
