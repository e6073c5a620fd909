"""Where a path turns, and the frames of chance it is held against: planted paths, loops by hand."""

from __future__ import annotations

import pytest
import torch
from planted import planted_path

import latentlang as ll
from latentlang.analysis.chance import FRAMES, chance_paths
from latentlang.analysis.intervals import cluster_codes
from latentlang.analysis.turns import Turns, find_turns
from latentlang.geometry import SphereAxes, sphere_axes, sphere_coordinates
from latentlang.plots.messages import map_message, sphere_message


def test_planted_turns_are_found_at_their_layers():
    words = dict.fromkeys((5, 6, 7, 8, 9, 10), 0.5) | {7: 1.0}
    both = find_turns(planted_path(words, {9: 2.0, 10: 2.0}))
    assert both == Turns((5, 6, 7, 8, 9, 10), target=(9, 10), pivot=(), peak=7)
    back = find_turns(planted_path(words, {6: -2.0}))
    assert back.pivot == (6,) and back.target == () and back.concept == both.concept
    assert find_turns(planted_path(words, {})) == Turns(both.concept, (), (), peak=7)


def test_the_title_and_the_colours_say_what_was_planted():
    """Grey up to layer 4, orange from 5, blue from 9; and nothing of what was not planted."""
    words = dict.fromkeys((5, 6, 7, 8, 9, 10), 0.5) | {7: 1.0}
    said = "The path turns to the concept from layer 5 (furthest at 7)"
    for language, rest in (
        ({9: 2.0, 10: 2.0}, "; to Chinese from layer 9"),
        ({6: -2.0}, "; to English at layer 6"),
        ({}, "; never clearly to Chinese or English"),
    ):
        figure = ll.plots.sphere(planted_path(words, language))
        assert figure.layout.meta["message"] == said + rest
        assert (said + rest).rpartition(" ")[0] in ll.plots.describe(figure)
    figure = ll.plots.sphere(planted_path(words, {9: 2.0, 10: 2.0}))
    (path,) = (trace for trace in figure.data if trace.name == "mean of n = 40")
    hues = [[int(color[n : n + 2], 16) for n in (1, 3, 5)] for color in path.marker.color]
    warm = [red - blue for red, _, blue in hues]
    assert all(abs(each) < 30 for each in warm[:4])
    assert min(warm[4:8]) > 100 and max(warm[8:]) < -100
    light = [sum(hue) for hue in hues]
    for phase in (light[:4], light[4:8], light[8:]):
        assert phase == sorted(phase, reverse=True)  # darker from layer to layer
    nothing = ll.plots.sphere(planted_path({}, {})).layout.meta["message"]
    assert "no sign of the concept" in nothing


def test_a_language_is_not_read_where_no_word_is_in_sight():
    assert find_turns(planted_path({}, dict.fromkeys((3, 8), 3.0))) == Turns()
    turns = find_turns(planted_path({8: 0.7}, dict.fromkeys((3, 8), 2.0)))
    assert turns == Turns((8,), target=(8,), pivot=(), peak=8)


def test_nothing_planted_is_rarely_found():
    """All layers and both axes together may raise a false alarm in 15 of 100 cases at most."""
    alarms = [find_turns(planted_path({}, {}, n=20, d=60, seed=k)) != Turns() for k in range(40)]
    assert sum(alarms) <= 8, sum(alarms)


def test_one_word_and_a_centred_path_say_nothing_of_languages():
    path = planted_path(dict.fromkeys((5, 6), 1.0), {6: 2.0})
    assert find_turns(path).target == (6,)
    for few in (path["c3"], path.centred(), path.centred()["c3"]):
        turns = find_turns(few)
        assert turns.target is None and turns.pivot is None
    assert find_turns(path.centred()).concept == (5, 6)


@pytest.mark.parametrize(("amount", "side"), [(2.0, "target"), (-2.0, "pivot")])
def test_of_one_word_the_longest_step_sideways_is_told(amount, side):
    """From layer 9 on the language is planted; before layer 5 a step is no word's."""
    words = dict.fromkeys((5, 6, 7, 8, 9, 10), 1.0)
    language = {2: 5.0, 9: amount, 10: amount}
    path = planted_path(words, language)
    for one in (path["c3"], path.centred()["c3"]):
        turns = find_turns(one)
        assert turns.concept[-1] == 10 and turns.target is None
        if not one.relative:  # the planted step is everybody's, so from the mean none is left
            assert (turns.step, turns.towards) == (9, side)
    assert find_turns(path).step is None and find_turns(path.centred()).step is None


def test_a_step_that_is_not_planted_is_rarely_told():
    """By chance in 5 of 100 cases; 8 of 40 or more in 1 of 1000."""
    words = dict.fromkeys((5, 6, 7, 8, 9, 10), 1.0)
    paths = [planted_path(words, {}, n=20, d=60, seed=k)["c3"] for k in range(40)]
    steps = [find_turns(path).step for path in paths]
    assert sum(step is not None for step in steps) < 8, steps


def test_the_frames_of_chance_are_the_axes_of_exchanged_languages_and_of_other_words():
    g = torch.Generator().manual_seed(4)
    concepts = ["sea", "sky", "sea", "sun", "ice"]
    rows = {name: torch.randn(2, 12, generator=g) for name in dict.fromkeys(concepts)}
    target, pivot = torch.stack([rows[name] for name in concepts], 1)
    latents, axes = torch.randn(5, 3, 12, generator=g), sphere_axes(target, pivot)
    found = chance_paths(latents, (target, pivot), axes, cluster_codes(concepts))
    assert found.shape == (5, FRAMES, 3, 2)
    g, order = torch.Generator().manual_seed(0), list(rows)
    for frame in range(FRAMES):
        signs = torch.tensor([1, 1, -1, -1])[torch.randperm(4, generator=g)].tolist()
        kept = torch.tensor([signs[order.index(name)] > 0 for name in concepts])[:, None]
        exchanged = torch.where(kept, target, pivot), torch.where(kept, pivot, target)
        further = [order[(order.index(name) + 1 + frame % 3) % 4] for name in concepts]
        assert all(name != other for name, other in zip(concepts, further))
        others = torch.stack([axes.concept[concepts.index(name)] for name in further])
        frame_axes = SphereAxes(sphere_axes(*exchanged).language, others)
        expected = sphere_coordinates(latents, frame_axes)[..., :2]
        torch.testing.assert_close(found[:, frame], expected, atol=1e-5, rtol=0)


def test_chance_follows_the_rows_and_the_centre():
    path = planted_path({5: 1.0}, {})
    assert torch.equal(path["c7"].chance[0], path.chance[7])
    moved = path.centred().chance
    torch.testing.assert_close(moved[..., 0].mean(0), torch.zeros(FRAMES, 10), atol=1e-6, rtol=0)
    assert torch.equal(moved[..., 1], path.chance[..., 1])


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        (Turns(), "The path never leaves what is read by chance: no sign of the concept"),
        (Turns((2,), None, None, 2), "The path turns to the concept at layer 2"),
        (
            Turns((2, 3), None, None, 2),
            "The path turns to the concept from layer 2 (furthest there)",
        ),
        (
            Turns((1, 2), (2,), (1,), 2),
            "The path turns to the concept at layers 1–2 (furthest at 2); to English at layer 1; "
            "to Chinese at layer 2",
        ),
        (
            Turns((1, 2, 3), (), (), 3),
            "The path turns to the concept at every layer (furthest at 3); "
            "never clearly to Chinese or English",
        ),
        (
            Turns((2, 3), None, None, 2, 3, "target"),
            "The path turns to the concept from layer 2 (furthest there); "
            "its longest step sideways, to layer 3, is towards Chinese",
        ),
        (
            Turns((2,), None, None, 2, 2, "pivot"),
            "The path turns to the concept at layer 2; "
            "its longest step sideways, to layer 2, is towards English",
        ),
    ],
)
def test_titles_of_turns(turns, said):
    assert sphere_message(turns, (1, 2, 3), "Chinese", "English") == said


@pytest.mark.parametrize(
    ("turns", "phases"),
    [
        (Turns(), ["input", "input", "input"]),
        (Turns((2,), None, None, 2), ["input", "concept", "input"]),
        (Turns((2, 3), (3,), (), 2), ["input", "concept", "target"]),
    ],
)
def test_phases_of_turns(turns, phases):
    assert turns.phases((1, 2, 3)) == phases


@pytest.mark.parametrize(
    ("stress", "shuffled", "kept"),
    [
        (0.05, 0.9, "nearly all"),
        (0.2, 0.9, "most"),
        (0.5, 0.9, "a part"),
        (0.9, 0.94, "little"),
        (0.93, 0.94, "nothing"),
        (0.2, 0.2, "nothing"),
    ],
)
def test_titles_of_maps(stress, shuffled, kept):
    assert map_message(stress, shuffled).startswith(f"The map keeps {kept} of the distances: ")
