"""A hundred random cases of ``fuzz.py``, and the proof that it finds faults of one position."""

from __future__ import annotations

import re

import fuzz
import pytest
import torch
from fuzz import Case
from random_networks import Network, Pool

from latentlang.lens import company


def test_a_hundred_random_cases_equal_single_plain_passes(tmp_path):
    pool = Pool(tmp_path)
    fuzz.fuzz(pool, 102, seed=0, per_network=6)  # 17 architectures
    assert pool.seen["cases"] >= 100 and pool.seen["words"] >= 20 <= pool.seen["texts"]


def attend_to_one_padding_token(module: torch.nn.Module) -> None:
    def before(_, args, kwargs):
        mask = kwargs["attention_mask"].clone()
        mask[:, :-1] |= mask[:, 1:].clone()
        return args, kwargs | {"attention_mask": mask}

    module.register_forward_pre_hook(before, with_kwargs=True)


def count_from_one_behind_the_prefix(module: torch.nn.Module) -> None:
    def before(_, args, kwargs):
        if "position_ids" not in kwargs:
            return args, kwargs
        return args, kwargs | {"position_ids": kwargs["position_ids"] + 1}

    module.register_forward_pre_hook(before, with_kwargs=True)


@pytest.mark.parametrize("plant", [attend_to_one_padding_token, count_from_one_behind_the_prefix])
def test_a_planted_fault_is_found_and_told_as_a_small_case(tmp_path, plant, monkeypatch):
    """The library's own trial would see these faults and avoid them, so it is taken away."""
    monkeypatch.setattr(company, "_is_proven", lambda model, way: True)
    pool = Pool(tmp_path, plant)
    with pytest.raises(AssertionError) as failure:
        fuzz.fuzz(pool, 340, seed=0)
    note = "".join(failure.value.__notes__)
    assert "Case(network=Network(architecture=" in note
    # The note is Python: the case fails alone, and passes without the fault.
    told = re.search(r"case=(Case\(.*\)),?$", note, re.MULTILINE)
    case = eval(told[1], {"Case": Case, "Network": Network})
    (tmp_path / "sound").mkdir()
    fuzz.check(case, Pool(tmp_path / "sound"))
    with pytest.raises(AssertionError):
        fuzz.check(case, pool)
