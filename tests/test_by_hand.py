"""Notebook 2 reads a model by hand: the cells agree with the library on every architecture."""

from __future__ import annotations

import by_hand
import pytest
import torch
from tiny import CONFIGS, FAMILIES

import latentlang as ll
from latentlang.models.architectures import ARCHITECTURES, find_architecture

NAMES = sorted(CONFIGS | FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_the_cells_of_notebook_2_agree_with_the_library(tiny, name, tmp_path):
    model = tiny(name)
    words = ll.load_words().iloc[:12]
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer, words=words)
    cells = by_hand.run(
        "02_decode_layer_by_layer", tmp_path, ll=ll, torch=torch, model=model, example=prompts[0]
    )
    assert cells["h"].shape == (model.n_layers, model.d_model)
    torch.testing.assert_close(cells["by_hand"], cells["library"], atol=1e-5, rtol=1e-4)
    assert cells["library"].max() > 1e-5


def test_every_row_of_the_architectures_is_read_by_hand(tiny):
    rows = {find_architecture(tiny(name).module) for name in NAMES}
    assert [row.name for row in ARCHITECTURES if row not in rows] == []
