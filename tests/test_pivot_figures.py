"""The figure of a pivot test draws its summary, and its title says what is certain."""

from __future__ import annotations

import planted
import pytest
import torch

import latentlang as ll

MESSAGES = {
    "hub": "Chinese falls from 40 % to 20 % without the English word; 4 of 5 controls clearly take "
    "less; the part orthogonal to the Chinese word takes nothing for certain",
    "pivot": "Chinese falls from 40 % to 10 % without the English word; 5 of 5 controls clearly "
    "take less; the part orthogonal to the Chinese word still takes some",
    "seen": "Chinese does not clearly fall without the English word",
}


@pytest.mark.parametrize("name", planted.PIVOT_TESTS)
def test_a_planted_test_is_recognised(name):
    figure = ll.plots.pivot_test(planted.planted_pivot_test(name))
    assert figure.layout.meta["message"] == MESSAGES[name]


def test_each_row_is_the_mean_and_the_interval_of_its_summary():
    test = planted.planted_pivot_test("hub")
    (points,) = ll.plots.pivot_test(test).data
    table = test.summarize()
    assert list(points.x) == table["difference"].tolist()
    ends = torch.tensor(points.x) + torch.tensor(points.error_x.array)
    assert torch.allclose(ends, torch.tensor(table["upper"].tolist(), dtype=ends.dtype))
    assert list(points.y) == [
        "English word",
        "English word orthogonal",
        "German word (source)",
        "Japanese word",
        "another English word",
        "random directions",
        "random, same length",
        "English language",
        "Chinese word (ceiling)",
    ]


def test_it_says_where_the_layers_come_from():
    leads = planted.planted_pivot_test("hub")
    trails = planted.planted_pivot_test("hub", leads=False)
    assert "at layers 13–14, where English leads" in ll.plots.describe(ll.plots.pivot_test(leads))
    told = ll.plots.describe(ll.plots.pivot_test(trails))
    assert "around the peak of English, which never leads" in told


def test_a_fall_that_a_few_prompts_make_is_not_called_certain():
    test = planted.planted_pivot_test("seen")
    erased = {**test.erased, "en word": test.baseline.clone()}
    erased["en word"][0] = 0.0
    one = planted.planted_pivot_test("seen", erased=erased)
    assert ll.plots.pivot_test(one).layout.meta["message"] == MESSAGES["seen"]
