"""The readings against numbers worked out by hand, and a reading that is added to the table."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import latentlang as ll
from latentlang.errors import TraceError
from latentlang.lens.readings import (
    READINGS,
    Reading,
    Readout,
    TokenSets,
    entropy,
    probability,
    rank,
)


def log(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.double).log()


@pytest.mark.parametrize(
    ("probabilities", "bits"),
    [
        ((0.5, 0.25, 0.125, 0.125), 1.75),
        ((0.5, 0.25, 0.25, 0.0), 1.5),
        ((1.0, 0.0, 0.0, 0.0), 0.0),
        ((0.25, 0.25, 0.25, 0.25), 2.0),
        ((0.9, 0.1, 0.0, 0.0), 0.46899559358928133),
    ],
)
def test_entropy_by_hand(probabilities, bits):
    assert entropy(Readout(log(*probabilities)[None])).item() == pytest.approx(bits, abs=1e-9)


def test_entropy_of_a_large_vocabulary():
    uniform = torch.full((3, 2**18), -18 * math.log(2))
    assert torch.allclose(entropy(Readout(uniform)), torch.full((3,), 18.0), atol=1e-3)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12).filter(lambda w: sum(w) > 0.01))
def test_entropy_of_any_distribution(weights):
    p = [w / sum(weights) for w in weights]
    expected = -sum(q * math.log2(q) for q in p if q > 0)
    assert entropy(Readout(log(*p)[None])).item() == pytest.approx(expected, abs=1e-9)


def test_probability_and_rank_of_a_set_by_hand():
    rows = torch.stack([log(0.1, 0.2, 0.3, 0.4), log(0.7, 0.1, 0.1, 0.1)])
    tokens = TokenSets.of([{"en": {0, 2}, "zh": {0}}] * 2, ["en", "zh"])
    x = Readout(rows)
    assert probability(x, tokens).flatten().tolist() == pytest.approx([0.4, 0.1, 0.8, 0.7])
    # The best token's rank: 0.3 is second, 0.7 is first; 0.1 alone is fourth.
    assert rank(x, tokens).tolist() == [[2, 4], [1, 1]]


def test_a_reading_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="per 'promt' is not possible: use prompt or language"):
        Reading(entropy, "promt", "entropy (bits)")


@pytest.mark.parametrize("name", ["my metric", "top-1", "lambda", "1st", ""])
def test_a_reading_needs_a_name_that_an_attribute_can_have(name, tiny, monkeypatch):
    monkeypatch.setitem(READINGS, name, Reading(entropy, "prompt", "entropy (bits)"))
    with pytest.raises(TraceError, match=f"The reading '{name}' in READINGS cannot be used as run"):
        ll.decode(tiny("llama"), "A text", progress=False)


@pytest.mark.parametrize("name", ["prompts", "top_ids", "readings", "save", "pivot", "clusters"])
def test_a_reading_cannot_have_the_name_of_what_a_run_has(name, tiny, monkeypatch):
    monkeypatch.setitem(READINGS, name, Reading(entropy, "prompt", "entropy (bits)"))
    with pytest.raises(TraceError, match=f"The reading '{name}' in READINGS has the name of"):
        ll.decode(tiny("llama"), "A text", progress=False)
