"""Lenses side by side and retrieval: figures and table hold numbers that are computed here again.

Their titles say what is certain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import planted
import pytest
import torch
from tiny import some_lens

import latentlang as ll
from latentlang.analysis.phases import Phases
from latentlang.errors import DataError, TraceError
from latentlang.plots.lens_story import lens_message
from latentlang.plots.retrieval import RetrievalStory, retrieval_message
from latentlang.plots.style import PHASE_FILLS

SURE = {"target_share": 1.0}
MESSAGES = [
    (
        {"logit": Phases(14, 17), "linear": Phases(14, 14)},
        "Through the linear lens Chinese stays above English from layer 14, "
        "through the logit lens from 17",
    ),
    (
        {"logit": Phases(14, 17), "linear": Phases(13, 17)},
        "Through both lenses Chinese stays above English from layer 17",
    ),
    (
        {"logit": Phases(14, None), "linear": Phases(13, None), "tuned": Phases(13, None)},
        "Through all 3 lenses Chinese never stays above English",
    ),
    (
        {"logit": Phases(14, None), "linear": Phases(13, 14), "by <me>": Phases(13, 14)},
        "Through the linear lens and by &lt;me&gt; Chinese stays above English from layer 14, "
        "through the logit lens never",
    ),
    (
        {
            "logit": Phases(14, 17, target_interval=(16, 18), **SURE),
            "linear": Phases(14, 16, target_interval=(15, 16), **SURE),
        },
        "Through the linear lens Chinese stays above English from layer 16 (15–16), "
        "through the logit lens from 17 (16–18); the intervals overlap",
    ),
    (
        {
            "logit": Phases(14, 17, target_interval=(17, 18), **SURE),
            "linear": Phases(14, 16, target_interval=(15, 16), **SURE),
        },
        "Through the linear lens Chinese stays above English from layer 16 (15–16), "
        "through the logit lens from 17 (17–18)",
    ),
    (
        {
            "logit": Phases(14, None, target_interval=(17, 18), target_share=0.4),
            "linear": Phases(14, 17, target_interval=(16, 17), **SURE),
        },
        "Through the linear lens Chinese stays above English from layer 17 (16–17), "
        "through the logit lens never clearly; the intervals overlap",
    ),
    (
        {
            "logit": Phases(14, None, target_interval=(17, 17), target_share=0.01),
            "linear": Phases(14, 17, target_interval=(16, 17), **SURE),
        },
        "Through the linear lens Chinese stays above English from layer 17 (16–17), "
        "through the logit lens never",
    ),
    (
        {
            "logit": Phases(14, 17, target_interval=(17, 17), **SURE),
            "linear": Phases(14, 14, target_interval=(14, 14), target_share=0.8),
            "tuned": Phases(14, 15, target_interval=(15, 15), target_share=0.8),
        },
        "Through the linear lens Chinese may stay above English from layer 14, "
        "through the tuned lens from 15, through the logit lens it does from 17",
    ),
    (
        {
            "logit": Phases(14, 17, target_interval=(17, 17), target_share=0.8),
            "linear": Phases(14, 14, target_interval=(14, 14), **SURE),
        },
        "Through the linear lens Chinese stays above English from layer 14, "
        "through the logit lens perhaps from 17",
    ),
]


@pytest.mark.parametrize(("starts", "message"), MESSAGES)
def test_lenses_are_told_by_the_rule(starts, message):
    assert lens_message(starts, "English", "Chinese") == message
    given = lens_message(starts, "English", "Chinese", "with noise")
    assert given.lower() == f"with noise, {message}".lower()


PLANTED = {
    "apart": "Through the linear lens Chinese stays above English from layer 13, "
    "through the logit lens from 17",
    "alike": "Through both lenses Chinese stays above English from layer 17",
    "overlapping": "Through the linear lens Chinese stays above English from layer 14 (14–15), "
    "through the logit lens from 15 (14–15); the intervals overlap",
    "never": "Through the linear lens and the patchscope lens Chinese stays above English "
    "from layer 17, through the logit lens never",
}


@pytest.mark.parametrize("name", planted.LENSES)
def test_planted_lenses_are_recognised(name):
    figure = ll.plots.lens_panel(planted.through_lenses(name))
    assert figure.layout.meta["message"] == PLANTED[name]


def test_the_lens_that_is_named_after_a_person_has_a_capital():
    logit, run = planted.through_lenses("apart")
    run = replace(run, lens="jacobian")
    figures = [ll.plots.lens_panel([logit, run]), ll.plots.language_probability(run)]
    for text in (repr(run), *(figure.to_json() for figure in figures)):
        assert "Jacobian lens" in text and "jacobian lens" not in text


def by_hand(run: ll.Run) -> int | None:
    """The first layer from which the mean P(target) is higher to the end, and 5 % there."""
    pivot, target = (run.probability[code].double().mean(0).tolist() for code in run.pair)
    first = None
    for layer, low, high in zip(run.layers, pivot, target):
        first = (first or layer) if high > low else None
    return first if target[-1] > 0.05 else None


@pytest.mark.parametrize("name", planted.LENSES)
def test_a_panel_holds_means_bands_and_the_layer_at_which_the_target_overtakes(name):
    runs = planted.through_lenses(name)
    figure = ll.plots.lens_panel(runs)
    for place, run in enumerate(runs, 1):
        axis = f"y{place}" if place > 1 else "y"
        traces = [trace for trace in figure.data if trace.yaxis == axis]
        table = run.to_frame()
        table = table[table["quantity"] == "probability"]
        means = table.groupby(["language", "layer"])["value"].mean()
        spread = table.groupby(["language", "layer"])["value"].std()
        for code, label in (
            ("en", "English"),
            ("zh", "Chinese (中文)"),
            ("fr", "French (Français)"),
        ):
            (curve,) = [t for t in traces if t.name == label]
            assert curve.meta == run.lens
            assert list(curve.y) == pytest.approx(means[code].tolist(), abs=1e-6)
            band = traces[traces.index(curve) - 1]
            upper = means[code] + 1.959964 * spread[code] / len(run) ** 0.5
            assert list(band.y[: len(run.layers)]) == pytest.approx(upper.tolist(), abs=1e-5)
        shades = [
            shape.x0
            for shape in figure.layout.shapes
            if shape.fillcolor == PHASE_FILLS["target"] and shape.yref == f"{axis} domain"
        ]
        start = by_hand(run)
        assert shades == ([] if start is None else [start - 0.5])
        scale = figure.layout["yaxis" + axis[1:]].range
        assert scale == figure.layout.yaxis.range and scale[1] > means.max()


def test_some_languages_are_drawn_alone():
    figure = ll.plots.lens_panel(planted.through_lenses("apart"), ["en", "zh"])
    names = {trace.name for trace in figure.data if trace.name}
    assert names == {"English", "Chinese (中文)", "another concept's words"}
    assert figure.layout.meta["message"] == PLANTED["apart"]


def test_a_name_is_text_and_not_a_tag():
    first, second = planted.through_lenses("apart")
    figure = ll.plots.lens_panel({"<b>one</b>": first, "another": second})
    assert "<b>one" not in figure.to_json() and "&lt;b&gt;one" in figure.to_json()


def pair_of_runs(**changed) -> list[ll.Run]:
    first, second = planted.through_lenses("apart")
    return [first, replace(second, **changed)]


def other_text() -> list[ll.Run]:
    first, second = planted.through_lenses("apart")
    return [first, replace(second, prompts=second.prompts.assign(text="other"))]


REFUSED = {
    "another model": (lambda: pair_of_runs(model="gemma"), "differ in their model, and not only"),
    "another format": (lambda: pair_of_runs(number_format="int8"), "differ in their model"),
    "other texts": (other_text, "differ in their prompts, and not only in the lens"),
    "fewer prompts": (lambda: [pair_of_runs()[0], pair_of_runs()[1][:5]], "in their prompts"),
    "fewer layers": (
        lambda: [pair_of_runs()[0], pair_of_runs()[1].between(3, 18)],
        "differ in their layers",
    ),
    "one lens twice": (lambda: pair_of_runs(lens="logit"), r"one lens here \(logit, logit\)"),
    "none": (list, "at least one run"),
    "no run": (lambda: [1, 2], "needs a run"),
    "a number": (lambda: 5, "needs a run"),
}


@pytest.mark.parametrize("draw", [ll.plots.lens_panel, ll.compare_lenses])
@pytest.mark.parametrize("fault", REFUSED)
def test_runs_that_differ_in_more_than_the_lens_are_refused_in_one_sentence(fault, draw):
    runs, sentence = REFUSED[fault]
    with pytest.raises(DataError, match=sentence) as refused:
        draw(runs())
    assert "\n" not in str(refused.value)


def test_what_a_panel_cannot_show_is_one_sentence():
    runs = planted.through_lenses("apart")
    with pytest.raises(DataError, match="'logit' does not follow 'es'"):
        ll.plots.lens_panel(runs, ["en", "es"])
    with pytest.raises(DataError, match="at least one language"):
        ll.plots.lens_panel(runs, [])
    with pytest.raises(DataError, match="up to 6 lenses, and there are 7"):
        ll.plots.lens_panel({f"lens {n}": runs[0] for n in range(7)})
    same = replace(runs[0], setting=replace(runs[0].setting, target="en"))
    with pytest.raises(DataError, match="both pivot and target"):
        ll.plots.lens_panel([same])


def bootstrapped(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """A percentile interval of the mean over concepts, each of which has one prompt here."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(4000, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("name", planted.LENSES)
def test_the_table_holds_the_numbers_of_the_runs(name):
    runs = planted.through_lenses(name)
    table = ll.compare_lenses(runs)
    assert table.index.tolist() == [run.lens for run in runs] and table.index.name == "lens"
    for run, (_, row) in zip(runs, table.iterrows()):
        pivot = run.probability["en"].numpy()
        place = int(pivot.mean(0).argmax())
        assert (row["n"], row["at_layer"]) == (10, run.layers[place])
        assert row["pivot_peak"] == pytest.approx(pivot.mean(0)[place])
        expected = bootstrapped(pivot[:, place])
        assert (row["lower"], row["upper"]) == pytest.approx(expected, rel=0.03)
        start = by_hand(run)
        assert (None if pd.isna(row["target_start"]) else row["target_start"]) == start
        if start is not None:
            assert row["target_lower"] <= start <= row["target_upper"]
            assert row["target_share"] == 1
    assert table["kl"].isna().all()


def test_one_concept_gives_no_interval():
    runs = [run[0] for run in planted.through_lenses("apart")]
    table = ll.compare_lenses(runs)
    assert table[["target_lower", "target_upper", "target_share", "lower"]].isna().all(axis=None)
    assert table["target_start"].tolist() == [by_hand(run) for run in runs]


def test_the_distance_is_that_of_the_lens_at_the_layer_of_the_peak(tiny):
    """Of two lenses of a name, the one that was measured; of the logit lens, the first one's."""
    model = tiny("llama")
    lens = some_lens(model, name="linear", offsets=None)
    quality = pd.DataFrame(
        {"logit lens": [1.0, 2.0, 3.0], "this lens": [0.1, 0.2, 0.3]},
        index=pd.Index(lens.layers, name="layer"),
    )
    measured = replace(lens, quality=quality)
    prompts = ll.build_prompts("translation", "de", "zh", tokenizer=model.tokenizer)[:5]
    runs = [ll.decode(model, prompts, lens=each, progress=False) for each in (None, lens)]
    table = ll.compare_lenses(runs, [lens, measured])
    for name, column in (("logit", "logit lens"), ("linear", "this lens")):
        layer = table.loc[name, "at_layer"]
        expected = quality[column].get(layer, 0.0)  # the last layer is the output itself
        assert table.loc[name, "kl"] == expected
    other = replace(measured, name="another")
    unknown = ll.compare_lenses(runs, [other])["kl"]
    assert np.isnan(unknown["linear"]) and not np.isnan(unknown["logit"])
    assert ll.compare_lenses(runs, measured).equals(table)
    for wrong, sentence in (
        (["linear"], "pass a lens"),
        (5, "lens is a int: pass a lens"),
        (replace(measured, model="gemma-9"), "'linear' belongs to gemma-9, and these runs are of"),
    ):
        with pytest.raises(TraceError, match=sentence):
            ll.compare_lenses(runs, wrong)


PEAKS = {"German": (0.94, 13), "English": (0.65, 13), "Chinese": (0.48, 18)}
TOLD = dict.fromkeys(PEAKS, tuple(range(8, 19)))
PAIR = ("English", "Chinese")
STORIES = [
    (
        {"best": {"German": (8, 9, 10, 11, 12, 13)}, "pair": PAIR},
        "German words tell the concept best at layers 8–13, up to 94 %; "
        "English and Chinese words cannot be told apart",
    ),
    (
        {
            "best": {"German": (8, 9), "English": ()},
            "pair": PAIR,
            "ahead": {("English", "Chinese"): (12, 13), ("Chinese", "English"): (18,)},
        },
        "German words tell the concept best at layers 8–9 and reach 94 % at layer 13; "
        "English words are ahead of Chinese ones at layers 12–13, "
        "Chinese words are ahead of English ones at layer 18",
    ),
    (
        {"best": {"German": (8, 9), "English": (13, 14, 15)}, "pair": PAIR},
        "English words tell the concept best at layers 13–15, up to 65 %; "
        "German words tell the concept best at layers 8–9 and reach 94 % at layer 13",
    ),
    (
        {"pair": PAIR},
        "The words of no language clearly tell the concept best; "
        "English and Chinese words cannot be told apart",
    ),
    ({}, "The words of no language clearly tell the concept best"),
    ({"told": dict.fromkeys(PEAKS, ())}, "No layer clearly tells the concept"),
    (
        {"peaks": {"Chinese": (0.48, 18)}, "told": {"Chinese": (17, 18)}},
        "Chinese words tell the concept at layers 17–18, up to 48 %",
    ),
]


@pytest.mark.parametrize(("facts", "message"), STORIES)
def test_a_retrieval_is_told_by_the_rule(facts, message):
    assert retrieval_message(replace(RetrievalStory(PEAKS, TOLD, {}), **facts)) == message


RETRIEVED = {
    "source best": "German words tell the concept best at layers 5–18, up to 95 %; "
    "English and Chinese words cannot be told apart",
    "pivot ahead": "English words tell the concept best at layers 11–13, up to 90 %",
    "alike": "English and Chinese words cannot be told apart: 50 % at layer 10, 50 % at 10",
    "several": "The words of no language clearly tell the concept best; "
    "English and Chinese words cannot be told apart",
    "one": "Chinese words tell the concept at layers 9–18, up to 50 %",
    "nothing": "No layer clearly tells the concept",
}


@pytest.mark.parametrize("name", planted.RETRIEVALS)
def test_a_planted_retrieval_is_recognised(name):
    figure = ll.plots.retrieval(planted.planted_retrieval(name))
    assert figure.layout.meta["message"] == RETRIEVED[name]


@pytest.mark.parametrize("name", planted.RETRIEVALS)
def test_a_curve_is_the_mean_of_its_words_with_chance_and_ceiling(name):
    found = planted.planted_retrieval(name)
    table, figure = found.to_frame(), ll.plots.retrieval(found)
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert set(lines["chance"].y) == {1 / 40}
    for code in found.languages:
        part = table[table["language"] == code]
        curve = lines[ll.plots.language_label(code)]
        means = [sum(column) / 40 for column in zip(*found.retrieved[code].tolist())]
        assert list(curve.y) == pytest.approx(means) == part["retrieval"].tolist()
        band = figure.data[figure.data.index(curve) - 1]
        assert list(band.y) == [*part["upper"], *part["lower"][::-1]]
        english = ll.languages().loc[code, "name"]
        assert list(lines[f"ceiling ({english})"].y) == pytest.approx([0.9] * 18)
    looks = {
        (trace.line.color, trace.line.dash, trace.marker.symbol)
        for trace in lines.values()
        if trace.mode == "lines+markers"
    }
    assert len(looks) == len(found.languages)  # no two curves look alike


def test_a_retrieval_without_ceiling_and_of_some_languages():
    found = planted.planted_retrieval("several", ceiling={})
    figure = ll.plots.retrieval(found, ["zh", "es"])
    names = [trace.name for trace in figure.data if trace.name]
    assert names == ["chance", "Chinese (中文)", "Spanish (Español)"]
    assert "ceiling" not in figure.layout.title.text
    with pytest.raises(DataError, match="Nothing was retrieved in 'xx'"):
        ll.plots.retrieval(found, ["zh", "xx"])
    with pytest.raises(DataError, match="at least one language"):
        ll.plots.retrieval(found, [])


def test_a_lead_that_few_words_make_is_not_called_certain():
    """Three of 40 concepts are told in English only: the mean is higher, and nothing is clear."""
    found = planted.planted_retrieval("alike")
    english = found.retrieved["zh"].clone()
    english[(english[:, -1] == 0).nonzero()[:3, 0]] = 1.0
    one = replace(found, retrieved={"en": english, "zh": found.retrieved["zh"]})
    message = ll.plots.retrieval(one).layout.meta["message"]
    assert message.startswith("English and Chinese words cannot be told apart: 57 %")
    assert torch.all(one.retrieved["en"].mean(0) > one.retrieved["zh"].mean(0))
