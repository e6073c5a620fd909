"""Every row of CATALOGUE can be asked for by its name, and says what it needs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

import latentlang as ll
from latentlang.models import packaged
from latentlang.models.catalogue import CATALOGUE
from latentlang.models.loading import require_memory


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_name_leads_to_a_repository_or_a_package(name):
    entry = CATALOGUE[name]
    assert entry.name == name and 0 < entry.gigabytes_8bit < 1000
    assert entry.repository is None or re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repository)
    assert entry.gpu_quantization in (None, "8bit")


ASK = """
import latentlang as ll
for name in NAMES:
    try:
        print("NAME", name, ll.load_model(name, quantization="8bit", device="cpu"))
    except ll.errors.ModelError as error:
        print("NAME", name, error)
"""


@pytest.fixture(scope="module")
def told(run_python) -> dict[str, str]:
    """What a process without a hub says to each name."""
    code = ASK.replace("NAMES", repr(list(CATALOGUE)))
    said = run_python(code, HF_HUB_OFFLINE="1", HF_HOME="/nonexistent")
    return {part.split()[0]: part for part in said.split("NAME ")[1:]}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_name_without_its_weights_is_one_sentence(name, told):
    """The name is known, and the next step is said."""
    said = told[name].split(maxsplit=1)[1]
    assert "Unknown model" not in said and name in said
    way = f"run `python -m latentlang prefetch {name}`"
    here = CATALOGUE[name].package is not None and packaged.is_here(name)
    assert here or way in said


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_model_that_is_too_large_is_refused_before_it_is_loaded(name):
    """The row's own sentence, with a need of a million GB, which no machine has free."""
    huge = replace(CATALOGUE[name], gigabytes_8bit=1e6)
    with pytest.raises(ll.errors.ModelError, match=f"{name} needs about 4000000 GB of memory"):
        require_memory(huge, None, torch.float32, "cpu")


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.shape])
def test_the_memory_of_a_row_fits_its_shape(name):
    entry = CATALOGUE[name]
    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(
            LlamaConfig(**entry.shape, tie_word_embeddings=False)
        )
    matrices = sum(
        w.numel() for key, w in network.named_parameters() if ".layers." in key and w.ndim == 2
    )
    others = sum(w.numel() for w in network.parameters()) - matrices
    counted = (matrices + 2 * others) / 1e9
    assert counted < entry.gigabytes_8bit < 1.15 * counted + 1, (
        "8-bit weights, and some room for a batch"
    )


def test_every_name_is_offered_when_a_name_is_misspelled():
    with pytest.raises(ll.errors.ModelError) as error:
        ll.load_model("gemma-3-270")
    assert all(name in str(error.value) for name in CATALOGUE)
